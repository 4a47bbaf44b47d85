import { describe, expect, it } from 'vitest';
import { evaluate } from '../../src/reference/evaluate.ts';
import { bindBatch } from '../../src/passes/graph/cleanup.ts';
import { model } from '../support/programs.ts';

/** Metrics of classes by value, whatever axis the classes lie on. */

/** Three classes in each of 2x3 places of one example, and the same with the classes behind. */
const AHEAD = Array.from({ length: 18 }, (_, i) => ((i * 7) % 18) / 9);
const BEHIND = Array.from({ length: 18 }, (_, i) => AHEAD[(i % 3) * 6 + Math.floor(i / 3)] ?? 0);
const LABELS = [0, 1, 2, 2, 1, 0];

function metricsOf(head: string, x: readonly number[], tail: string): number[] {
  const text = `${head}\nlayer x\n${tail}\noptim sgd lr=0.1\ntrain steps=1`;
  const { model: m } = model(text.replace('layer x', 'param w = 0\nlayer x + w'));
  const graph = bindBatch(m.training ?? m.predict, 1);
  const all = evaluate(graph, {
    inputs: new Map([
      ['x', x],
      ['target', LABELS],
    ]),
    state: new Map([['w', [0]]]),
    scalars: { step: 0, seed: 0, total: 1 },
  });
  return Object.entries(graph.outputs)
    .filter(([name]) => name.startsWith('metric:'))
    .map(([, id]) => all(id).data[0] ?? NaN);
}

const ALL = 'metric accuracy\nmetric top_k(2)\nmetric perplexity';

describe('metrics of classes', () => {
  const behind = metricsOf('input x: [2, 3, 3]\ntarget y: int[2, 3]', BEHIND, `loss cross_entropy\n${ALL}`);

  it('are those of the classes at each place', () => {
    const best = LABELS.map((_, p) => {
      const scores = [0, 1, 2].map((c) => AHEAD[c * 6 + p] ?? 0);
      return scores.indexOf(Math.max(...scores));
    });
    expect(behind[0]).toBeCloseTo(best.filter((c, p) => c === LABELS[p]).length / 6, 12);
    expect(new Set(behind).size).toBe(3);
  });

  it('take the axis of the loss, or their own', () => {
    const head = 'input x: [3, 2, 3]\ntarget y: int[2, 3]';
    expect(metricsOf(head, AHEAD, `loss cross_entropy(dim=1)\n${ALL}`)).toEqual(behind);
    const own = 'metric accuracy(dim=1)\nmetric top_k(2, dim=1)\nmetric perplexity(dim=-3)';
    expect(metricsOf(head, AHEAD, `loss cross_entropy(pred, target, dim=1)\n${own}`)).toEqual(behind);
  });
});
