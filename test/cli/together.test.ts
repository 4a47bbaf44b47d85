import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { load } from '../../src/exports/runtime.ts';
import { compile } from '../../src/library/program.ts';
import { nncIn, temporary } from '../support/cli.ts';
import { wrong } from '../support/wrong.ts';

/** Models whose output is one for all examples: they train, and have no prediction for one of them. */

const TEXT = (last: string): string => `data n=16 seed=1 { x = uniform() }
layer Linear(1, 4) -> relu -> Linear(4, 1) -> ${last}
loss sum(pred^2)
optim adam lr=0.01
train steps=4 seed=1
`;
const SAID = 'the output of this model is one for all examples together, so none of them has a prediction';
const HELP = 'keep the first axis, which is the examples, as mean(1) does and mean does not';

it.each(['mean', 'mean(0)'])('nnc predict refuses what ends with %s, and training it works', async (last) => {
  const dir = temporary();
  writeFileSync(join(dir, 'a.nn'), TEXT(last));
  const trained = await nncIn(dir, {}, 'train', 'a.nn', '--save', 'w.safetensors', '--device', 'cpu');
  expect(trained.code, trained.stderr).toBe(0);
  for (const flags of [
    ['--input', '0.5'],
    ['--input', '0.5; 1', '--json'],
    ['--input', '1', '--out', 'p.csv'],
  ]) {
    const r = await nncIn(dir, {}, 'predict', 'a.nn', '--weights', 'w.safetensors', '--device', 'cpu', ...flags);
    expect([r.code, r.stdout, r.stderr]).toEqual([1, '', `error[NN203]: shapes do not fit\n  = ${SAID}\n  = help: ${HELP}\n`]);
  }
});

it('the library refuses it too, and predicts where the first axis is the examples', async () => {
  const plan = compile(TEXT('mean')).plan({ devices: 'cpu' });
  expect(plan.predict.together).toBe(true);
  const model = await load(plan, { device: 'cpu' });
  expect(await wrong(() => model.predict({ x: [1, 2] }))).toBe(`NN203: ${SAID}\n  help: ${HELP}`);
  model.destroy();
  const each = compile(TEXT('mean(1)')).plan({ devices: 'cpu' });
  expect(each.predict.together).toBeUndefined();
  const other = await load(each, { device: 'cpu' });
  expect((await other.predict({ x: [1, 2, 3] })).shape).toEqual([3]);
  other.destroy();
});
