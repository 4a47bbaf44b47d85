import { describe, expect, it } from 'vitest';
import type { Rows, Weights } from '../../src/runtime/api.ts';
import { plan, running, toyData } from '../support/programs.ts';

/** Training on more examples than the device holds: the host brings those of the next steps. */
const NET = 'layer Linear(2, 8) -> tanh -> Dropout(0.1) -> Linear(8, 1); loss mse; metric mae; optim adam lr=0.02; train epochs=5';
const ROWS = 27;
const { x, y } = toyData(ROWS);

async function trained(text: string, device: 'gpu' | 'cpu', resident: number | undefined, data: readonly Rows[]) {
  const made = plan(text, { rows: ROWS, resident, devices: device });
  return running(made, device, async (model) => {
    model.setData(...data);
    const losses: number[] = [];
    await model.train({ until: 11, onLosses: (_, l) => losses.push(...l) });
    await model.train({ onLosses: (_, l) => losses.push(...l) });
    return { losses, weights: await model.weights(), window: made.data?.window };
  });
}

const bits = (weights: Weights): number[][] => Object.values(weights).map((t) => [...t.data]);

describe.each(['gpu', 'cpu'] as const)('data that does not fit the %s', (device) => {
  it.each([
    ['in order, with a shorter last step', `${NET} batch=4`],
    ['shuffled', `${NET} batch=4 shuffle`],
    ['shuffled, in batches that fit', `${NET} batch=9 shuffle`],
  ])('trains as if it fitted, bit for bit: %s', async (_name, text) => {
    const whole = await trained(text, device, undefined, [x, y]);
    const some = await trained(text, device, 150, [x, y]);
    expect(whole.window).toBeUndefined();
    expect(some.window).toEqual({ steps: text.includes('batch=4') ? 3 : 1, shuffle: text.includes('shuffle') });
    expect(some.losses).toEqual(whole.losses);
    expect(bits(some.weights)).toEqual(bits(whole.weights));
  });

  it('may come from a source that reads rows', async () => {
    const asked: number[] = [];
    const source = (values: Float32Array, width: number): Rows => ({
      length: values.length,
      read(rows, out, at) {
        for (let i = 0; i < rows.length; i++) {
          const row = rows[i] ?? 0;
          asked.push(row);
          out.set(values.subarray(row * width, (row + 1) * width), at + i * width);
        }
      },
    });
    const text = `${NET} batch=4 shuffle`;
    const whole = await trained(text, device, undefined, [x, y]);
    for (const resident of [150, undefined]) {
      const some = await trained(text, device, resident, [source(x, 2), source(y, 1)]);
      expect(some.losses).toEqual(whole.losses);
    }
    expect(Math.max(...asked)).toBe(ROWS - 1);
  });
});

it('what is watched is brought too', async () => {
  const made = plan(`${NET} batch=4`, { rows: ROWS, resident: 150, devices: 'cpu', watch: ['x'] });
  await running(made, 'cpu', async (model) => {
    model.setData(x, y);
    expect([...((await model.watch())['x']?.data ?? [])]).toEqual([...x.subarray(0, 8)]);
    await model.train({ until: 4 });
    expect([...((await model.watch())['x']?.data ?? [])]).toEqual([...x.subarray(32, 40)]);
  });
});

it('examples of another number are refused', async () => {
  const made = plan(`${NET} batch=4`, { rows: ROWS, resident: 150, devices: 'cpu' });
  await running(made, 'cpu', async (model) => {
    expect(() => model.setData(x.subarray(2), y)).toThrow("'x' has 52 numbers, and the model was compiled for 27 examples, which is 54");
    await Promise.resolve();
  });
});
