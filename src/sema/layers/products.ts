import { at } from '../../base/errors.ts';
import { sameDim, showShape, type Dim } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { align, matmul as product } from '../arithmetic.ts';
import { axisOf, part } from '../functions.ts';
import { layer, problem, type BuiltValue, type Problem } from './layer.ts';

/** Products of tensors: matmul, einsum, outer, cross. */

export const matmul = layer({
  doc: 'the matrix product a @ b',
  torch: 'torch.matmul',
  shape: '[..., n, k], [..., k, m] -> [..., n, m]',
  inputs: ['a', 'b'],
  parameters: {},
  build: ({ b }, _args, x, y = x) => product(b, x, y),
});

export const einsum = layer({
  doc: 'Einstein summation: einsum("bij,bjk->bik", a, b)',
  torch: 'torch.einsum',
  shape: 'as the labels say',
  inputs: 'many',
  parameters: { equation: { type: 'string', doc: 'labels of the axes of each operand, an arrow, labels of the result' } },
  build({ b }, { equation }, ...xs) {
    const match = /^([a-z]*(?:,[a-z]*)*)(?:->([a-z]*))?$/.exec(equation.replace(/\s+/g, ''));
    if (!match) return problem('NN206', `'${equation}' is no equation of einsum`, 'write it as "ij,jk->ik", in small letters');
    const terms = (match[1] ?? '').split(',');
    if (terms.length !== xs.length) return problem('NN202', `'${equation}' takes ${terms.length} values, and ${xs.length} are given`);
    const all = terms.join('');
    // Without an arrow the result has the labels that occur once, in alphabetical order.
    const once = [...new Set(all)].filter((c) => all.indexOf(c) === all.lastIndexOf(c)).sort();
    const out = match[2] ?? once.join('');
    const unknown = [...out].find((c) => !all.includes(c));
    if (unknown !== undefined || new Set(out).size !== out.length)
      return problem('NN206', `the result '${out}' must name labels of the operands, each once`);
    const wrong = sizes(b, terms, xs);
    if (wrong) return wrong;
    return contracted(b, terms, xs, out);
  },
});

function sizes(b: GraphBuilder, terms: readonly string[], xs: readonly NodeId[]): Problem | undefined {
  const known = new Map<string, Dim>();
  for (const [i, term] of terms.entries()) {
    const shape = b.shape(at(xs, i));
    if (shape.length !== term.length) return problem('NN203', `'${term}' does not label ${showShape(shape)}`);
    for (const [j, label] of [...term].entries()) {
      const dim = at(shape, j);
      const before = known.get(label);
      if (before !== undefined && !sameDim(before, dim))
        return problem('NN203', `label '${label}' has two sizes in ${xs.map((x) => showShape(b.shape(x))).join(' and ')}`);
      known.set(label, dim);
    }
  }
  return undefined;
}

/** Contracts the operands one after the other; a label is summed as soon as nothing else needs it. */
function contracted(b: GraphBuilder, terms: readonly string[], xs: readonly NodeId[], out: string): BuiltValue {
  let [labels, value] = tidy(b, at(terms, 0), at(xs, 0), terms.slice(1).join('') + out);
  for (let i = 1; i < xs.length; i++) {
    const later = terms.slice(i + 1).join('') + out;
    const [mine, x] = tidy(b, at(terms, i), at(xs, i), labels + later);
    [labels, value] = tidy(b, labels, value, mine + later);
    const kept = [...new Set(labels + mine)].filter((c) => later.includes(c)).join('');
    value = b.contract(`${labels},${mine}->${kept}`, value, x);
    labels = kept;
  }
  return b.permute(
    value,
    [...out].map((c) => labels.indexOf(c)),
  );
}

/** Takes diagonals of repeated labels, and sums labels that are not needed any more. */
function tidy(b: GraphBuilder, term: string, x: NodeId, needed: string): [string, NodeId] {
  let [labels, value] = [term, x];
  for (const c of new Set(term)) {
    while (labels.indexOf(c) !== labels.lastIndexOf(c)) {
      const [i, j] = [labels.indexOf(c), labels.lastIndexOf(c)];
      const shape = b.shape(value);
      const place = (axis: number): NodeId => b.add('iota', [], { axis }, { dtype: 'i32', shape });
      value = b.sum(b.op('select', b.op('eq', place(i), place(j)), value, b.like(0, value)), [j]);
      labels = labels.slice(0, j) + labels.slice(j + 1);
    }
  }
  const lonely = [...labels].map((c, i) => (needed.includes(c) ? -1 : i)).filter((i) => i >= 0);
  value = b.sum(value, lonely);
  return [[...labels].filter((c) => needed.includes(c)).join(''), value];
}

export const outer = layer({
  doc: 'the outer product of two vectors',
  torch: 'torch.outer',
  shape: '[..., n], [..., m] -> [..., n, m]',
  inputs: ['a', 'b'],
  parameters: {},
  build({ b }, _args, x, y = x) {
    const [p, q] = [b.shape(x), b.shape(y)];
    const lead = 'abcdef'.slice(0, p.length - 1);
    if (p.length === 0 || p.length !== q.length || !p.slice(0, -1).every((d, i) => sameDim(d, at(q, i))))
      return problem('NN203', `${showShape(p)} and ${showShape(q)} differ before their last axes`);
    return b.contract(`${lead}y,${lead}z->${lead}yz`, x, y);
  },
});

export const cross = layer({
  doc: 'the cross product of vectors of size 3',
  torch: 'torch.linalg.cross',
  shape: '[..., 3, ...], [..., 3, ...] -> [..., 3, ...]',
  inputs: ['a', 'b'],
  parameters: { dim: { type: 'int', default: -1, doc: 'the axis of size 3' } },
  build({ b }, { dim }, x, y = x) {
    const aligned = align(b, [x, y]);
    if (!Array.isArray(aligned)) return aligned;
    const [p, q] = aligned as [NodeId, NodeId];
    const shape = b.shape(p);
    const axis = axisOf(dim, shape.length);
    if (axis === undefined || shape[axis] !== 3) return problem('NN203', `axis ${dim} of ${showShape(shape)} has not the extent 3`);
    // Element i is a[i + 1] b[i + 2] - a[i + 2] b[i + 1].
    const turned = (v: NodeId, by: 1 | 2): NodeId => b.add('concat', [part(b, v, axis, by, 3 - by), part(b, v, axis, 0, by)], { axis });
    return b.op('sub', b.op('mul', turned(p, 1), turned(q, 2)), b.op('mul', turned(p, 2), turned(q, 1)));
  },
});
