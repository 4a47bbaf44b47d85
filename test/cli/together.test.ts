import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { load } from '../../src/exports/runtime.ts';
import { writeSafetensors } from '../../src/data/safetensors.ts';
import { compile } from '../../src/library/program.ts';
import { nncIn, temporary } from '../support/cli.ts';
import { wrong } from '../support/wrong.ts';

/** Models whose output is one for all examples, which have no prediction for one of them, or whose examples depend on one another. */

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
  expect(plan.about.examples).toBe('one');
  const model = await load(plan, { device: 'cpu' });
  expect(await wrong(() => model.predict({ x: [1, 2] }))).toBe(`NN203: ${SAID}\n  help: ${HELP}`);
  model.destroy();
  const each = compile(TEXT('mean(1)')).plan({ devices: 'cpu' });
  expect(each.about.examples).toBeUndefined();
  const other = await load(each, { device: 'cpu' });
  expect((await other.predict({ x: [1, 2, 3] })).shape).toEqual([3]);
  other.destroy();
});

const MIXED = [
  ['Linear(2, 2) -> BatchNorm1d(2, affine=false, track_running_stats=false)', [-1.01905, -0.39223, -0.33968, 1.37281, 1.35873, -0.98058]],
  ['h - mean(h, dim=0, keepdim=true)', [-3, -2 / 3, -1, 7 / 3, 4, -5 / 3]],
  ['h + amax(h, dim=0)', [9, 7, 11, 10, 16, 6]],
] as const;
const mixed = (layer: string): string => `input x: [2]
${layer.startsWith('h') ? 'let h = x -> Linear(2, 2)\nlayer ' : 'layer '}${layer}
loss mse
optim sgd lr=0.1
`;
const ROWS = [1, 2, 3, 5, 8, 1] as const;

it.each(MIXED)('%s is predicted for all examples together and no others', async (layer, want) => {
  const dir = temporary();
  writeFileSync(join(dir, 'a.nn'), `data "d.csv" x=[a, b] y=[c, d]\n${mixed(layer)}`);
  writeFileSync(join(dir, 'd.csv'), 'a,b,c,d\n1,2,1,2\n3,5,3,5\n8,1,8,1\n');
  const plan = compile(mixed(layer)).plan({ devices: 'cpu', predictions: 3 });
  expect(plan.about.examples).toBe('mixed');
  const model = await load(plan, { device: 'cpu' });
  const name = Object.keys(await model.weights()).find((n) => n.endsWith('weight')) ?? '';
  const weights = {
    [name]: { shape: [2, 2], data: Float32Array.of(1, 0, 0, 1) },
    [name.replace('weight', 'bias')]: { shape: [2], data: Float32Array.of(0, 0) },
  };
  writeFileSync(join(dir, 'w.safetensors'), writeSafetensors(weights));
  const close = (got: ArrayLike<number>): void => want.forEach((w, i) => expect(got[i]).toBeCloseTo(w, 3));
  await model.setWeights(weights);
  close((await model.predict(Float32Array.from(ROWS))).data);
  expect(await wrong(() => model.predict(Float32Array.of(1, 2)))).toBe(
    'NN304: predictions of this model depend on all examples of a batch: the plan is for 3, and 1 is given\n  help: plan for so many: program.plan({ predictions: 1 })',
  );
  model.destroy();
  const flags = ['--weights', 'w.safetensors', '--device', 'cpu'];
  const typed = await nncIn(dir, {}, 'predict', 'a.nn', ...flags, '--input', '1,2; 3,5; 8,1', '--out', 'p.csv');
  expect(typed.code, typed.stderr).toBe(0);
  const numbers = readFileSync(join(dir, 'p.csv'), 'utf8').trim().split('\n').slice(1);
  close(numbers.flatMap((line) => line.split(',').map(Number)));
  const judged = await nncIn(dir, {}, 'eval', 'a.nn', ...flags, '--data', 'd.csv', '--json');
  expect(judged.code, judged.stderr).toBe(0);
  const loss = want.reduce((sum: number, w, i) => sum + (w - (ROWS[i] ?? 0)) ** 2, 0) / 6;
  const said = JSON.parse(judged.stdout) as { readonly loss: number; readonly numbers: { readonly rmse: number } };
  expect(said.loss).toBeCloseTo(loss, 3);
  expect(said.numbers.rmse).toBeCloseTo(Math.sqrt(loss), 3);
});
