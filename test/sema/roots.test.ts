import { describe, expect, it } from 'vitest';
import { gradient } from '../../src/autodiff/gradient.ts';
import { check } from '../../src/compile.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import { evaluate } from '../../src/reference/evaluate.ts';

/** Where a norm is 0, PyTorch's second derivatives are often not numbers; here all of them are. */

const ROOTS = [
  'norm(w, dim=1)',
  'norm(w, dim=1, p=3)',
  'norm(w, dim=1, p=1.5)',
  'std(w, dim=1)',
  'normalize(w)',
  'cosine_similarity(w, v)',
  'pairwise_distance(w, w, eps=0)',
  'cdist(w, w)',
  'triplet_margin(w, w, v, eps=0, reduction=none)',
  'cosine_embedding(w, v, [1, 1, -1], reduction=none)',
];

describe('a norm of 0', () => {
  it.each(ROOTS)('%s has derivatives that are numbers', (text) => {
    const { script } = check({ name: 'root.nn', text: `param w: [3, 2] = zeros\nlet v = [[1, 2], [0, 0], [3, 4]]\nprint ${text}` });
    if (!script) throw new Error(text);
    const b = new GraphBuilder('root', { ...script.graph, outputs: {} });
    const w = b.nodes.find((n) => n.op === 'param')?.id ?? -1;
    const total = (x: number): number =>
      b.sum(
        x,
        b.shape(x).map((_, i) => i),
      );
    const [first = -1] = gradient(b, total(script.graph.outputs['print:0:0'] ?? -1), [w]);
    const [second = -1] = gradient(b, total(first), [w]);
    const [third = -1] = gradient(b, total(second), [w]);
    const all = evaluate(b.graph(), {
      inputs: new Map(),
      state: new Map([['w', [0, 0, 0, 0, 1, -1]]]),
      scalars: { step: 0, seed: 0, total: 1 },
    });
    for (const id of [first, second, third]) expect([...all(id).data].filter((x) => !Number.isFinite(x))).toEqual([]);
  });
});
