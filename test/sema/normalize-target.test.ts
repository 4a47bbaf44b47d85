import { describe, expect, it } from 'vitest';
import { renderAll } from '../../src/base/diagnostics.ts';
import { statisticsOf } from '../../src/data/statistics.ts';
import { compile } from '../../src/library/program.ts';
import { load } from '../../src/exports/runtime.ts';

/** Prices of hundreds of thousands are learned as well as small numbers, and come back as prices. */

const x = Float32Array.from({ length: 40 }, (_, i) => i / 10);
const y = Float32Array.from(x, (v, i) => 200_000 * v + 50_000 + 1000 * Math.sin(i));
const text = (more: string): string =>
  `data "f.csv" ${more}\nlayer Linear(1, 8) -> tanh -> Linear(8, 1)\nloss mse\nmetric mae\nmetric r2\noptim adam lr=0.02\ntrain steps=300 seed=1\n`;

async function trained(more: string, target: Float32Array) {
  const data = { x, y: target };
  const program = compile(text(more));
  const model = await load(program.plan({ data, devices: 'cpu' }), { device: 'cpu' });
  model.setData(data);
  const seen: { losses: number[]; mae: number[] } = { losses: [], mae: [] };
  await model.train({
    onLosses: (_first, losses, metrics) => {
      seen.losses.push(...losses);
      seen.mae.push(...(metrics['mae'] ?? []));
    },
  });
  const { data: predicted } = await model.predict({ x });
  const weights = await model.weights();
  model.destroy();
  return { ...seen, predicted, weights };
}

describe('normalize_target', () => {
  it('trains as if the target had been standardised by hand, and predicts in its units', async () => {
    const { mean, std } = statisticsOf(y, 1);
    const [m = 0, s = 1] = [mean[0], std[0]];
    const mine = await trained('normalize_target', y);
    const byHand = await trained(
      '',
      y.map((v) => (v - m) / s),
    );
    for (const i of [0, 10, 299]) {
      expect(mine.losses[i]).toBeCloseTo(byHand.losses[i] ?? NaN, 4);
      expect((mine.mae[i] ?? NaN) / s).toBeCloseTo(byHand.mae[i] ?? NaN, 3);
    }
    expect(mine.losses[299]).toBeLessThan(0.01);
    for (const [i, v] of mine.predicted.entries()) expect(v / s).toBeCloseTo((byHand.predicted[i] ?? NaN) + m / s, 2);
    expect(mine.weights['normalize_target.mean']?.data[0]).toBeCloseTo(m, -1);
  });

  it('is for one target of numbers in the shape of the output', () => {
    const wrong = (program: string): string => renderAll(compile(program).diagnostics);
    expect(wrong('data "f.csv" normalize_target\nlayer Linear(1, 3)\nloss cross_entropy\noptim sgd\n')).toContain(
      'normalize_target is for targets of numbers, and this one is labels',
    );
    expect(
      wrong(
        'data "f.csv" normalize_target\ntarget a: [1]\ntarget b: [1]\nlayer Linear(1, 1)\nloss mse(pred, a) + mse(pred, b)\noptim sgd\n',
      ),
    ).toContain('normalize_target is for one target, and there are 2');
    expect(wrong('data "f.csv" normalize_target\ntarget y: [2]\nlayer Linear(1, 1)\nloss mean((pred - y)^2)\noptim sgd\n')).toContain(
      'needs an output in the shape of the target',
    );
  });
});
