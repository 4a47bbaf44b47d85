import { expect, it } from 'vitest';
import { compile, stagesOf } from '../../src/exports/nnc.ts';

/** The compiler's passes one by one, as the library gives them. */
const TEXT = 'layer Linear(2, 3) -> relu -> Linear(3, 1); loss mse; optim sgd lr=0.1; train batch=2';

it('a training is shown after every pass that changed it, and the plan is that of the program', () => {
  const program = compile(TEXT);
  const { stages, plan } = stagesOf(program, { rows: 4, devices: 'cpu' });
  expect(stages[0]).toMatchObject({ name: 'forward', about: 'the program as it is written' });
  expect(stages.map((s) => s.name)).toEqual(expect.arrayContaining(['differentiate', 'pack', 'optimize', 'feed', 'bind', 'simplify']));
  stages.slice(1).forEach((s, i) => expect(s.text).not.toBe(stages[i]?.text));
  expect(stages[0]?.text).toContain('[B, 2]');
  expect(stages.at(-1)?.text).toContain('write params');
  expect(plan).toEqual(program.plan({ rows: 4, devices: 'cpu' }));
});

it('a program that only predicts is shown as it predicts', () => {
  const { stages } = stagesOf(compile('layer Linear(2, 1)'), { devices: 'cpu' });
  expect(stages.at(-1)?.text).toContain('output pred');
  expect(stages.map((s) => s.name)).not.toContain('optimize');
});
