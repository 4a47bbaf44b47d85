import { describe, expect, it } from 'vitest';
import { compile } from '../../src/exports/nnc.ts';
import { load } from '../../src/exports/node.ts';
import type { Model } from '../../src/runtime/api.ts';
import { toyData } from '../support/programs.ts';

/** Plans that take any number of examples up to a capacity. */
const TEXT = (train: string): string =>
  `layer Linear(2, 8) -> tanh -> Linear(8, 1); loss mse; optim sgd lr=0.02; train epochs=10 batch=8 ${train}`;
const { x, y } = toyData(48);
const first = (n: number) => ({ x: x.subarray(0, 2 * n), y: y.subarray(0, n) });

async function opened(device: 'gpu' | 'cpu', train: string, how: { rows?: number; capacity?: number }): Promise<Model> {
  const program = compile(TEXT(train));
  expect(program.diagnostics).toEqual([]);
  return load(program.plan({ ...how, devices: device }), { device });
}

async function losses(model: Model, options: { steps?: number; until?: number } = {}): Promise<number[]> {
  const found: number[] = [];
  await model.train({ ...options, onLosses: (_, chunk) => found.push(...chunk) });
  return found;
}

describe.each(['gpu', 'cpu'] as const)('a plan with a capacity on the %s', (device) => {
  it.each(['', 'shuffle'])('trains on fewer rows as a plan of their number does %s', async (train) => {
    const [exact, roomy] = [await opened(device, train, { rows: 24 }), await opened(device, train, { capacity: 48 })];
    exact.setData(first(24));
    roomy.setData(first(24));
    expect(roomy.rows).toBe(24);
    const [want, got] = [await losses(exact, { steps: 30 }), await losses(roomy, { steps: 30 })];
    want.forEach((loss, i) => expect(got[i]).toBeCloseTo(loss, 5));
    for (const m of [exact, roomy]) m.destroy();
  });

  it('takes a full batch of fewer rows than a batch has', async () => {
    const [exact, roomy] = [await opened(device, '', { rows: 4 }), await opened(device, '', { capacity: 48 })];
    exact.setData(first(4));
    roomy.setData(first(4));
    const [want, got] = [await losses(exact, { steps: 5 }), await losses(roomy, { steps: 5 })];
    want.forEach((loss, i) => expect(got[i]).toBeCloseTo(loss, 5));
    for (const m of [exact, roomy]) m.destroy();
  });

  it('goes on with the first rows at the end of an epoch', async () => {
    const model = await opened(device, '', { capacity: 48 });
    model.setData(first(12));
    // A learning rate of zero leaves the weights alone, so that the loss of a step says which rows it saw.
    model.set({ lr: 0 });
    const [a = 0, b = 0, again = 0] = await losses(model, { steps: 3 });
    const error = async (rows: number[]): Promise<number> => {
      const { data } = await model.predict(rows.flatMap((r) => [x[2 * r] ?? 0, x[2 * r + 1] ?? 0]));
      return rows.reduce((sum, r, i) => sum + ((data[i] ?? 0) - (y[r] ?? 0)) ** 2, 0) / rows.length;
    };
    expect(a).toBeCloseTo(await error([0, 1, 2, 3, 4, 5, 6, 7]), 4);
    expect(b).toBeCloseTo(await error([8, 9, 10, 11, 0, 1, 2, 3]), 4);
    expect(again).toBe(a);
    model.destroy();
  });

  it('takes more rows while it trains, and says when there is no room', async () => {
    const model = await opened(device, 'shuffle', { capacity: 24 });
    model.setData(first(8));
    let added = false;
    for await (const p of model.train({ steps: 200 })) {
      if (added || p.step < 3) continue;
      added = true;
      model.addData({ x: x.subarray(16, 32), y: y.subarray(8, 16) });
    }
    expect([added, model.rows, model.step]).toEqual([true, 16, 200]);
    expect(() => model.addData(first(9))).toThrow('that makes 25 examples, and the plan has room for 24');
    expect(() => model.setData({ x: [1, 2, 3], y: [1] })).toThrow("'x' has 3 numbers, and one example of it has 2");
    expect(() => model.setData({ x: [1, 2], y: [1, 2] })).toThrow('the arrays have different numbers of examples: 1, 2');
    expect(() => model.setData({ x: [], y: [] })).toThrow('there is no example to train on');
    expect(model.rows).toBe(16);
    model.destroy();
  });
});

it('a plan of a fixed number of rows takes no more', async () => {
  const model = await opened('cpu', '', { rows: 8 });
  model.setData(first(8));
  expect(() => model.addData(first(1))).toThrow('this plan was compiled for a fixed number of examples, so none can be added');
  model.destroy();
});

it('a capacity is no smaller than the data', () => {
  const program = compile(TEXT(''));
  expect(() => program.plan({ data: first(24), capacity: 23 })).toThrow("'capacity' must be a whole number from 24");
  expect(program.plan({ data: first(24), capacity: 24 }).data).toMatchObject({ rows: 24, capacity: true });
});
