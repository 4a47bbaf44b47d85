import { describe, expect, it } from 'vitest';
import { bindBatch } from '../../src/passes/graph/cleanup.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { model } from '../support/programs.ts';

const END = 'loss mse\noptim sgd lr=0.1\ntrain steps=1';
const X = [1, 2, 4, -3, 0.5, 6];

/** The states after one step of training on six numbers. */
function after(text: string): Map<string, readonly number[]> {
  const { model: m } = model(text);
  const graph = bindBatch(m.training ?? m.predict, X.length);
  const start = (init: { kind: string; value?: number }, n: number): number[] => Array.from({ length: n }, () => init.value ?? 0.7);
  const state = new Map(
    [...m.params, ...m.states].map((p) => [
      p.name,
      start(
        p.init as { kind: string },
        p.shape.reduce((a, b) => a * b, 1),
      ),
    ]),
  );
  const inputs = new Map([
    ['x', X],
    ['target', X.map(() => 0)],
  ]);
  const run = evaluate(graph, { inputs, state, scalars: { step: 0, seed: 0, total: 1 } });
  return new Map(graph.writes.map((w) => [w.state, [...run(w.value).data]]));
}

const meanOf = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0) / x.length;
const variance = (x: readonly number[]): number => x.reduce((a, v) => a + (v - meanOf(x)) ** 2, 0) / (x.length - 1);

describe('running statistics', () => {
  it('move at each use of a shared norm, as those of PyTorch do', () => {
    // Two uses in a row: the second sees what the first gave, which is normalised by the batch.
    const got = after(`input x: [1]\nlet bn = share(norm: BatchNorm1d(1, momentum=0.25))\nlayer bn -> 3 * bn -> Linear(1, 1)\n${END}`);
    const biased = (variance(X) * (X.length - 1)) / X.length;
    const once = X.map((v) => (v - meanOf(X)) / Math.sqrt(biased + 1e-5));
    const [mean = NaN] = got.get('norm.running_mean') ?? [];
    const [spread = NaN] = got.get('norm.running_var') ?? [];
    expect(mean).toBeCloseTo(0.75 * (0.25 * meanOf(X)) + 0.25 * meanOf(once), 9);
    expect(spread).toBeCloseTo(0.75 * (0.75 + 0.25 * variance(X)) + 0.25 * variance(once), 9);
  });

  it('are not moved by what a print line computes', () => {
    const text = `input x: [1]\nlayer BatchNorm1d(1) -> Linear(1, 1)\n${END}`;
    expect(after(`${text}\nprint predict([100, 200])`)).toEqual(after(text));
  });
});
