import { describe, expect, it } from 'vitest';
import { perUpdate } from '../../src/passes/graph/accumulate.ts';
import { plan, running, toyData } from '../support/programs.ts';
import type { Weights } from '../../src/runtime/api.ts';

/** Updates by several batches, and averages of weights. */
const NET = 'layer Linear(2, 5) -> tanh -> Linear(5, 1); loss mse';
const ROWS = 24;
const { x, y } = toyData(ROWS);
const flat = (weights: Weights): number[] => Object.values(weights).flatMap((t) => [...t.data]);

async function trained(text: string, device: 'gpu' | 'cpu', until?: number): Promise<number[]> {
  return running(plan(text, { rows: ROWS, devices: device }), device, async (model) => {
    model.setData(x, y);
    await model.train({ until });
    return flat(await model.weights());
  });
}
const close = (a: readonly number[], b: readonly number[], digits = 5): void => {
  expect(a).toHaveLength(b.length);
  a.forEach((v, i) => expect(v, String(i)).toBeCloseTo(b[i] ?? NaN, digits));
};

describe.each(['gpu', 'cpu'] as const)('accumulate on the %s', (device) => {
  // A plateau counts steps where the optimizer counts updates.
  it.each([
    'sgd lr=0.05 momentum=0.9',
    'sgd lr=plateau(0.05, patience=99) momentum=0.9 dampening=0.2',
    'adamw lr=0.02 weight_decay=0.1 clip=0.5',
    'nadam lr=0.02',
    'adam lr=0.02 lookahead=(2, 0.5)',
  ])('is what a larger batch is: %s', async (optim) => {
    const parts = await trained(`${NET}; optim ${optim}; train epochs=4 batch=4 accumulate=3`, device);
    const whole = await trained(`${NET}; optim ${optim}; train epochs=4 batch=12`, device);
    close(parts, whole);
  });

  it('changes nothing before its last batch', async () => {
    const text = `${NET}; optim adam lr=0.02; train epochs=4 batch=4 accumulate=3`;
    const [begin, two, three] = [await trained(text, device, 0), await trained(text, device, 2), await trained(text, device, 3)];
    expect(two).toEqual(begin);
    expect(three).not.toEqual(begin);
  });

  it('goes on with precision f16, whose first batches overflow', async () => {
    const losses: number[] = [];
    await running(
      plan(`${NET}; precision f16; optim adam lr=0.02; train epochs=40 batch=4 accumulate=3`, { rows: ROWS, devices: device }),
      device,
      async (model) => {
        model.setData(x, y);
        await model.train({ onLosses: (_, l) => losses.push(...l) });
      },
    );
    expect(losses.at(-1)).toBeLessThan((losses[0] ?? NaN) / 4);
  });

  it('an average of the weights is saved and predicted with, and training is the same', async () => {
    const text = (more: string): string => `${NET}; metric mae; optim adam lr=0.02; train epochs=2 batch=6${more}`;
    const plain = plan(text(''), { rows: ROWS, devices: device, holdout: 4 });
    const made = plan(text(' ema=0.6'), { rows: ROWS, devices: device, holdout: 4 });
    const steps: number[][] = [];
    const losses: number[][] = [[], []];
    await running(plain, device, async (model) => {
      model.setData(x, y);
      for (let until = 0; until <= 8; until++) {
        await model.train({ until, onLosses: (_, l) => losses[0]?.push(...l) });
        steps.push(flat(await model.weights()));
      }
    });
    let average = steps[0] ?? [];
    steps.slice(1).forEach((w, i) => {
      const a = Math.min(0.6, (2 + i) / (11 + i));
      average = average.map((v, k) => a * v + (1 - a) * (w[k] ?? NaN));
    });
    const held = [x.subarray(0, 8), y.subarray(0, 4)];
    await running(made, device, async (model) => {
      model.setData(x, y);
      expect(flat(await model.weights())).toEqual(steps[0]);
      await model.train({ until: 5, onLosses: (_, l) => losses[1]?.push(...l) });
      const state = await model.state();
      await model.train({ onLosses: (_, l) => losses[1]?.push(...l) });
      expect(losses[1]).toEqual(losses[0]);
      const weights = await model.weights();
      close(flat(weights), average);
      model.setHoldout(...held);
      const judged = await model.evaluate();
      const predicted = await model.predict(held[0] ?? []);
      // Weights that are loaded are averages and parameters alike.
      await running(plain, device, async (other) => {
        await other.setWeights(weights);
        other.setHoldout(...held);
        expect((await other.evaluate())['mae']).toBeCloseTo(judged['mae'] ?? NaN, 5);
        close([...(await other.predict(held[0] ?? [])).data], [...predicted.data]);
      });
      // A checkpoint holds both.
      await running(made, device, async (other) => {
        other.setData(x, y);
        await other.restore(state);
        await other.train();
        expect(flat(await other.weights())).toEqual(flat(weights));
      });
    });
  });
});

it('schedules of other settings than lr count updates, of which the run has as many fewer', () => {
  expect(perUpdate(['div', 'step', 'total'], 4)).toEqual(['div', ['idiv', 'step', 4], ['div', 'total', 4]]);
  expect(perUpdate(['lr', 0, ['div', 'step', 'total']], 4)).toEqual(['lr', 0, ['div', 'step', 'total']]);
});
