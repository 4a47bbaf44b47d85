import { describe, expect, it } from 'vitest';
import { bindBatch } from '../../src/passes/graph/cleanup.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { model } from '../support/programs.ts';

/** Three classes, whose logits are what flows in; the third of four labels does not count. */
const LOGITS = [
  [2, 1, 0],
  [0, 3, 1],
  [5, 0, 0],
  [1, 1, 1],
];
const LABELS = [0, 2, -100, 1];
const COUNTED = [0, 1, 3];

/** What a program's metrics are on those. */
function metricsOf(lines: string, labels = LABELS): Readonly<Record<string, number>> {
  const m = model(`input x: [3]\nparam s = 1.0\nlayer s * x\n${lines}\noptim sgd`).model;
  const graph = bindBatch(m.evaluation ?? m.predict, LOGITS.length);
  const inputs = new Map([
    ['x', LOGITS.flat()],
    ['target', labels],
  ]);
  const values = evaluate(graph, { inputs, state: new Map([['s', [1]]]), scalars: { step: 0, seed: 1, total: 1 } });
  return Object.fromEntries(Object.entries(graph.outputs).map(([name, id]) => [name.replace('metric:', ''), values(id).data[0] ?? NaN]));
}

const entropy = (i: number): number => {
  const row = LOGITS[i] ?? [];
  return Math.log(row.reduce((sum, v) => sum + Math.exp(v), 0)) - (row[LABELS[i] ?? 0] ?? NaN);
};
const mean = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0) / x.length;

describe('labels that the loss leaves out', () => {
  const loss = 'loss cross_entropy(ignore_index=-100)';
  const wanted = mean(COUNTED.map(entropy));

  it('are left out of the metrics of labels too', () => {
    const found = metricsOf(`${loss}\nmetric accuracy\nmetric top_k(2)\nmetric perplexity\nmetric accuracy(pred, target)`);
    expect(found['loss']).toBeCloseTo(wanted, 10);
    // The first is right; the second is among the first two; of three equal classes the first two are.
    expect(found['accuracy']).toBeCloseTo(1 / 3, 10);
    expect(found['accuracy(pred, target)']).toBeCloseTo(1 / 3, 10);
    expect(found['top_k(2)']).toBe(1);
    expect(found['perplexity']).toBeCloseTo(Math.exp(wanted), 10);
  });

  it('are left out of another loss that compares with the same target', () => {
    const lines = `${loss}\nmetric cross_entropy\nmetric cross_entropy(pred, target)\nmetric nll(log_softmax(pred), target)`;
    for (const [name, value] of Object.entries(metricsOf(lines))) expect(value, name).toBeCloseTo(wanted, 10);
    const sum = metricsOf('loss cross_entropy(pred, target, ignore_index=-100) + cross_entropy(2 * pred / 2, target)');
    expect(sum['loss']).toBeCloseTo(2 * wanted, 10);
  });

  it('are none where the loss says nothing', () => {
    expect(metricsOf('loss cross_entropy\nmetric accuracy', [0, 1, 0, 2])['accuracy']).toBe(0.75);
  });
});

describe('equal classes', () => {
  it('are taken by top_k in their order, as by topk', () => {
    const share = (label: number, k: number): number =>
      metricsOf(`loss cross_entropy\nmetric top_k(${k})`, [0, 1, 0, label])[`top_k(${k})`] ?? NaN;
    expect([share(0, 1), share(1, 1), share(2, 1)]).toEqual([1, 0.75, 0.75]);
    expect([share(0, 2), share(1, 2), share(2, 2)]).toEqual([1, 1, 0.75]);
  });
});
