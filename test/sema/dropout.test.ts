import { describe, expect, it } from 'vitest';
import { gradient } from '../../src/autodiff/gradient.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import { bindBatch } from '../../src/passes/graph/cleanup.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { model } from '../support/programs.ts';

/** Layers that draw: PyTorch draws other numbers, so that shares, means and variances over many draws are what can be compared. */

const CHANNELS = 40;
const PLACES: Readonly<Record<string, readonly number[]>> = { none: [], one: [3], two: [3, 2], three: [1, 3, 2] };

interface Drawn {
  /** What flows out, for the given steps one after the other. */
  readonly y: readonly number[];
  /** The derivative of the sum of what flows out. */
  readonly slope: readonly number[];
}

/** A layer on [50, 40, places...]; each element of what flows in is `x` of its number. */
function run(layer: string, places: readonly number[], x: (i: number) => number, training = true, steps: readonly number[] = [0]): Drawn {
  const { model: m } = model(`input x: [${[CHANNELS, ...places].join(', ')}]\nlayer ${layer}\nloss mse\n`);
  const graph = training ? m.training : m.predict;
  const pred = graph?.outputs['pred'];
  const input = graph?.nodes.find((n) => n.op === 'input' && n.attrs.name === 'x');
  if (!graph || pred === undefined || !input) throw new Error('no graph');
  const b = new GraphBuilder('drawn', { ...graph, outputs: {}, writes: [] });
  const axes = b.shape(pred).map((_, i) => i);
  const [dx] = gradient(b, b.sum(pred, axes), [input.id]);
  b.outputs['y'] = pred;
  b.outputs['slope'] = dx ?? -1;
  const bound = bindBatch(b.graph(), 50);
  const data = Array.from({ length: 50 * CHANNELS * places.reduce((p, q) => p * q, 1) }, (_, i) => x(i));
  const inputs = new Map([
    ['x', data],
    ['target', data],
  ]);
  const all = steps.map((step) => evaluate(bound, { inputs, state: new Map(), scalars: { step, seed: 7, total: 9 } }));
  const read = (name: string): number[] => all.flatMap((values) => [...values(nodeOf(bound.outputs, name)).data]);
  return { y: read('y'), slope: read('slope') };
}

const nodeOf = (outputs: Readonly<Record<string, number>>, name: string): number => outputs[name] ?? -1;
const mean = (v: readonly number[]): number => v.reduce((p, q) => p + q, 0) / v.length;
const variance = (v: readonly number[]): number => {
  const m = mean(v);
  return mean(v.map((x) => (x - m) ** 2));
};
/** Numbers of the standard normal distribution: twelve uniform ones added. */
const normal = (i: number): number => {
  let [state, sum] = [(i * 2654435761) >>> 0, -6];
  for (let k = 0; k < 12; k++) {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + k) >>> 0;
    state = (state ^ (state >>> 13)) >>> 0;
    sum += state / 2 ** 32;
  }
  return sum;
};

/** The layer, the places behind the channels, and whether channels are drawn as a whole. */
const LAYERS = [
  { name: 'Dropout', places: 'two', whole: false, alpha: false },
  { name: 'Dropout1d', places: 'one', whole: true, alpha: false },
  { name: 'Dropout2d', places: 'two', whole: true, alpha: false },
  { name: 'Dropout3d', places: 'three', whole: true, alpha: false },
  { name: 'AlphaDropout', places: 'two', whole: false, alpha: true },
  { name: 'FeatureAlphaDropout', places: 'two', whole: true, alpha: true },
  { name: 'FeatureAlphaDropout', places: 'none', whole: true, alpha: true },
] as const;
const STEPS = [0, 1, 2, 3];

describe.each(LAYERS)('$name with $places axes of places', ({ name, places, whole, alpha }) => {
  const shape = PLACES[places] ?? [];
  const inside = shape.reduce((p, q) => p * q, 1);
  const p = 0.3;
  /** PyTorch's a and b of alpha dropout (torch/nn/modules/dropout.py, aten/src/ATen/native/Dropout.cpp). */
  const floor = -1.7580993408473766;
  const a = 1 / Math.sqrt((floor * floor * p + 1) * (1 - p));
  const [scale, shift, dropped] = alpha ? [a, -a * p * floor, a * floor - a * p * floor] : [1 / (1 - p), 0, 0];

  it('lets everything pass where it predicts, and where p is 0', () => {
    const x = (i: number): number => 1 + i;
    const all = Array.from({ length: 50 * CHANNELS * inside }, (_, i) => x(i));
    expect(run(`${name}(${p})`, shape, x, false).y).toEqual(all);
    expect(run(`${name}(0)`, shape, x).y).toEqual(all);
  });

  it('drops the share p, scales the rest, and lets the derivative through where it does not drop', () => {
    const { y, slope } = run(`${name}(${p})`, shape, (i) => 2 + (i % 7), true, STEPS);
    const lost = y.map((v) => Math.abs(v - dropped) < 1e-9);
    const n = whole ? y.length / inside : y.length;
    // Four standard deviations of a share of n draws.
    expect(Math.abs(mean(lost.map(Number)) - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / n));
    y.forEach((v, i) => {
      const x = 2 + ((i % (y.length / STEPS.length)) % 7);
      if (!lost[i]) expect(v).toBeCloseTo(scale * x + shift, 9);
      expect(slope[i]).toBeCloseTo(lost[i] ? 0 : scale, 9);
    });
  });

  it(whole ? 'drops channels as a whole' : 'drops every element for itself', () => {
    const { y } = run(`${name}(${p})`, shape, () => 1);
    const groups = Array.from({ length: y.length / inside }, (_, i) => new Set(y.slice(i * inside, (i + 1) * inside)).size);
    if (whole) expect(Math.max(...groups)).toBe(1);
    else expect(Math.max(...groups)).toBe(2);
    // Neither the channels nor the examples are alike.
    const first = (i: number): number => y[i * inside] ?? NaN;
    expect(new Set(Array.from({ length: CHANNELS }, (_, c) => first(c))).size).toBe(2);
    expect(new Set(Array.from({ length: 50 }, (_, e) => first(e * CHANNELS))).size).toBe(2);
  });

  it('keeps the mean, and alpha dropout the variance too', () => {
    const { y } = run(`${name}(${p})`, shape, normal, true, STEPS);
    const n = whole ? y.length / inside : y.length;
    expect(Math.abs(mean(y))).toBeLessThan(5 / Math.sqrt(n));
    if (alpha) expect(Math.abs(variance(y) - 1)).toBeLessThan(8 / Math.sqrt(n));
    else expect(Math.abs(variance(y) - 1 / (1 - p))).toBeLessThan(12 / Math.sqrt(n));
  });

  it('draws anew at each step, and the same again for the same step', () => {
    const once = run(`${name}(0.5)`, shape, () => 1, true, [4]).y;
    expect(run(`${name}(0.5)`, shape, () => 1, true, [4]).y).toEqual(once);
    expect(run(`${name}(0.5)`, shape, () => 1, true, [5]).y).not.toEqual(once);
  });
});

describe('rrelu', () => {
  it('draws a slope for each negative element while it trains', () => {
    const { y, slope } = run('rrelu(0.2, 0.6)', [3], (i) => (i % 2 === 0 ? -1 : 2), true, STEPS);
    const slopes = y.filter((_, i) => i % 2 === 0).map((v) => -v);
    expect(Math.min(...slopes)).toBeGreaterThanOrEqual(0.2);
    expect(Math.max(...slopes)).toBeLessThan(0.6);
    // Uniform: the mean is in the middle, the variance a twelfth of the width squared.
    expect(Math.abs(mean(slopes) - 0.4)).toBeLessThan((4 * 0.4) / Math.sqrt(12 * slopes.length));
    expect(Math.abs(variance(slopes) / (0.4 ** 2 / 12) - 1)).toBeLessThan(0.05);
    y.forEach((v, i) => {
      expect(slope[i]).toBeCloseTo(i % 2 === 0 ? -v : 1, 9);
      if (i % 2 === 1) expect(v).toBe(2);
    });
  });

  it('takes the mean of both ends where it predicts, and where they are one', () => {
    for (const y of [run('rrelu(0.2, 0.6)', [], () => -1, false).y, run('rrelu(0.4, 0.4)', [], () => -1).y])
      for (const v of y) expect(v).toBeCloseTo(-0.4, 12);
  });
});
