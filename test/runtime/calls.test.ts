import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.ts';
import { compile } from '../../src/compile.ts';
import { RunningModel } from '../../src/runtime/model.ts';
import { model } from '../support/programs.ts';
import { openSession } from '../support/run-graph.ts';

/** What a program of one's own may call wrongly, as from JavaScript, where nobody checks the types. */

const LINE = 'layer Linear(1, 1); loss mse; optim sgd lr=0.01; train batch=2';

describe('numbers of a call', () => {
  const { model: m } = model(LINE);

  it.each([
    ['rows', -5],
    ['rows', 0],
    ['rows', 1.5],
    ['rows', NaN],
    ['rows', '3'],
    ['batch', 0],
    ['batch', -1],
    ['steps', 2.5],
    ['steps', 0],
    ['epochs', 0],
    ['epochs', Infinity],
    ['seed', -1],
    ['seed', 2 ** 31],
    ['holdout', -1],
    ['recompute', -1],
  ])('%s: %s is refused by compile', (name, value) => {
    const trial = (): unknown => compile(m, { rows: 4, [name]: value });
    expect(trial).toThrow(UserError);
    expect(trial).toThrow(`'${name}' must be a whole number from`);
    expect(trial).toThrow(`and this is ${value}`);
  });

  it('are taken where they are whole', () => {
    const { train } = compile(m, { rows: 3, batch: 2, steps: 7, seed: 0, holdout: 0, epochs: undefined }).plan;
    expect(train).toMatchObject({ steps: 7, batch: 2, seed: 0, tail: true });
  });

  it.each([
    ['steps', 0],
    ['steps', -3],
    ['until', 0.5],
    ['seed', -1],
  ])('%s: %s is refused by training', async (name, value) => {
    const running = await RunningModel.open(await openSession(compile(m, { rows: 2 }).plan, 'cpu'));
    running.setData([1, 2], [3, 4]);
    await expect(running.train({ [name]: value })).rejects.toThrow(`'${name}' must be a whole number from`);
    running.destroy();
  });
});
