import { describe, expect, it } from 'vitest';
import { check } from '../../src/compile.ts';
import { renderAll } from '../../src/base/diagnostics.ts';
import { distance } from '../../src/verify/run-graph.ts';
import type { Graph } from '../../src/ir/graph/types.ts';
import { bindBatch } from '../../src/passes/graph/cleanup.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { model } from '../support/programs.ts';
import { runGraph } from '../support/run-graph.ts';

const run = (graph: Graph, output: string, step: number, seed: number): Float64Array =>
  evaluate(graph, { inputs: new Map(), state: new Map(), scalars: { step, seed, total: 1 } })(graph.outputs[output] ?? -1).data;

/** What a line prints, at a step and a seed. */
function printed(text: string, step = 0, seed = 7): Float64Array {
  const { script, diagnostics } = check({ name: 't.nn', text: `print ${text}` });
  if (!script) throw new Error(renderAll(diagnostics));
  return run(script.graph, 'print:0:0', step, seed);
}

const mean = (x: ArrayLike<number>): number => Array.from(x).reduce((a, b) => a + b, 0) / x.length;
const deviation = (x: ArrayLike<number>): number => {
  const m = mean(x);
  return Math.sqrt(mean(Array.from(x, (v) => (v - m) ** 2)));
};

describe('random numbers in a program', () => {
  it.each([
    ['rand(20000)', 0.5, Math.sqrt(1 / 12)],
    ['rand_like(zeros(20000))', 0.5, Math.sqrt(1 / 12)],
    ['randn(20000)', 0, 1],
    ['randn_like(zeros(20000))', 0, 1],
    ['normal(3, 0.5, shape=20000)', 3, 0.5],
    ['uniform(-1, 3, shape=20000)', 1, 4 * Math.sqrt(1 / 12)],
    ['bernoulli(full(20000, 0.3))', 0.3, Math.sqrt(0.3 * 0.7)],
  ])('%s has its mean and deviation', (text, m, d) => {
    const x = printed(text);
    expect(mean(x)).toBeCloseTo(m, 1.4);
    expect(deviation(x)).toBeCloseTo(d, 1.4);
    expect(Array.from(x).every(Number.isFinite)).toBe(true);
  });

  it('follow the normal distribution beyond its first moments', () => {
    const x = Array.from(printed('randn(40000)'));
    expect(mean(x.map((v) => v ** 4))).toBeCloseTo(3, 0.8);
    expect(x.filter((v) => Math.abs(v) < 1).length / x.length).toBeCloseTo(0.6827, 1.7);
    expect(x.filter((v) => Math.abs(v) > 2).length / x.length).toBeCloseTo(0.0455, 2);
  });

  it('choose by Gumbel noise with the probabilities of the softmax', () => {
    const rows = 20000;
    const hard = printed(`gumbel_softmax(expand([[0, 1, 2]], [${rows}, 3]), hard=true)`);
    const share = [0, 1, 2].map((k) => mean(hard.filter((_, i) => i % 3 === k)));
    const total = 1 + Math.E + Math.E ** 2;
    [1, Math.E, Math.E ** 2].forEach((e, k) => expect(share[k]).toBeCloseTo(e / total, 1.7));
    for (let i = 0; i < rows; i++) expect((hard[3 * i] ?? 0) + (hard[3 * i + 1] ?? 0) + (hard[3 * i + 2] ?? 0)).toBe(1);
    // Softer rows: log of a share plus the log of the sum is the logit with its noise.
    const soft = printed(`log(gumbel_softmax(zeros(${rows}, 2)))`);
    const difference = Array.from({ length: rows }, (_, i) => (soft[2 * i] ?? 0) - (soft[2 * i + 1] ?? 0));
    expect(mean(difference)).toBeCloseTo(0, 1.2);
    expect(deviation(difference)).toBeCloseTo(Math.PI / Math.sqrt(3), 1.2);
  });

  it('are new at every step and for every seed and call, and the same for the same', () => {
    const one = printed('concat(rand(8), rand(8))');
    expect(one.slice(0, 8)).not.toEqual(one.slice(8));
    expect(printed('concat(rand(8), rand(8))')).toEqual(one);
    expect(printed('concat(rand(8), rand(8))', 1)).not.toEqual(one);
    expect(printed('concat(rand(8), rand(8))', 0, 8)).not.toEqual(one);
  });

  const VAE = `input x: [3]
layer mean: Linear(3, 3) + randn_like(x) + rand_like(x) + bernoulli(full([3], 0.25)) + rand(3) + normal(2, 5)
loss mse\noptim sgd lr=0.1\ntrain steps=1`;
  const numbers = (graph: Graph): Float64Array => {
    const bound = bindBatch(graph, 2);
    const state = new Map([
      ['mean.weight', new Float64Array(9)],
      ['mean.bias', new Float64Array(3)],
    ]);
    const inputs = new Map([
      ['x', [1, 2, 3, 4, 5, 6]],
      ['target', [0, 0, 0, 0, 0, 0]],
    ]);
    return evaluate(bound, { inputs, state, scalars: { step: 3, seed: 1, total: 9 } })(bound.outputs['pred'] ?? -1).data;
  };

  it('take their means in predictions, and are drawn while training', () => {
    const { model: m } = model(VAE);
    expect([...numbers(m.predict)]).toEqual(Array.from({ length: 6 }, () => 0 + 0.5 + 0.25 + 0.5 + 2));
    const trained = numbers(m.training ?? m.predict);
    expect(new Set(trained).size).toBe(6);
  });

  it('are drawn in predictions that ask for them', () => {
    const { model: m } = model(VAE.replaceAll('_like(x)', '_like(x, always=true)'));
    expect(new Set(numbers(m.predict)).size).toBe(6);
  });

  it.each([
    ['randn(3)', 1],
    ['0.1 * randn(3)', 1],
    ['randn(1, 3)', 1],
    ['randn([3], like=x)', 2],
    ['normal(0, 0.1, shape=[3], like=x)', 2],
    ['randn_like(x)', 2],
  ])('%s is drawn %d times for two examples', (draw, times) => {
    const { model: m } = model(`input x: [3]\nlayer 0 * x + ${draw}\nloss mse\noptim sgd`);
    const bound = bindBatch(m.training ?? m.predict, 2);
    const inputs = new Map([
      ['x', [1, 2, 3, 4, 5, 6]],
      ['target', [0, 0, 0, 0, 0, 0]],
    ]);
    const drawn = evaluate(bound, { inputs, state: new Map(), scalars: { step: 0, seed: 1, total: 1 } })(bound.outputs['pred'] ?? -1).data;
    expect(new Set(drawn).size).toBe(3 * times);
  });

  it('warn where all examples share one draw, and do not where that is said', () => {
    const warned = (stage: string): boolean =>
      check({ name: 't.nn', text: `input x: [4]\nlayer ${stage} -> Linear(4, 1)\nloss mse\noptim sgd` }).diagnostics.some(
        (d) => d.code === 'NN219',
      );
    const shared = ['x + randn(4)', 'x * (1 + 0.1 * randn(4))', 'x + normal()', 'Linear(4, 4) - rand(4)', '-uniform(0, 1, shape=[4]) + x'];
    const meant = ['x + randn(1, 4)', 'x + randn([4], like=x)', 'x + 0.1 * randn_like(x)', 'x + zeros(4)'];
    expect(shared.filter(warned)).toEqual(shared);
    expect(meant.filter(warned)).toEqual([]);
  });

  it.each(['randn(7)', 'gumbel_softmax([[1, 2, 3], [0, 0, 5]], tau=0.5)', 'bernoulli([0.1, 0.9, 0.5])', 'uniform(2, 3, shape=[5])'])(
    '%s is the same on every device',
    async (text) => {
      const { script } = check({ name: 't.nn', text: `print ${text}` });
      if (!script) throw new Error(text);
      const want = run(script.graph, 'print:0:0', 0, 0);
      for (const device of ['gpu', 'cpu'] as const) {
        const got = await runGraph(script.graph, 1, device, { inputs: new Map(), state: new Map() });
        expect(distance(got.outputs.get('print:0:0') ?? [], want), device).toBeLessThan(1e-5);
      }
    },
  );
});
