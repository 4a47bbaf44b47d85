import { showShape, type Dim } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { axisOf, part } from '../functions.ts';
import { layer, problem, type Problem } from './layer.ts';

/** Diagonals of matrices. */

/** Puts x on a diagonal of a zero matrix: [..., n] to [..., n + |k|, n + |k|]. */
function onDiagonal(b: GraphBuilder, x: NodeId, k: number): NodeId | Problem {
  const shape = b.shape(x);
  const axis = shape.length - 1;
  const n = shape[axis];
  if (typeof n !== 'number') return problem('NN203', `the last axis is what goes on the diagonal, and ${showShape(shape)} flows in`);
  const high = shape.map((_, i) => (i === axis ? Math.abs(k) : 0));
  const longer = k === 0 ? x : b.add('pad', [x], { low: shape.map(() => 0), high, value: 0 });
  const m = n + Math.abs(k);
  const square: Dim[] = [...shape.slice(0, -1), m, m];
  const place = (a: number): NodeId => b.add('iota', [], { axis: a }, { dtype: 'i32', shape: square });
  const [row, column] = [place(axis), place(axis + 1)];
  const hit = b.op('eq', column, b.op('add', row, b.like(k, row)));
  // Above the main diagonal element i is in row i, below it in column i.
  const spread = b.unreduce(longer, square, [k >= 0 ? axis + 1 : axis]);
  return b.op('select', hit, spread, b.like(0, spread));
}

/** Diagonal k of the matrices in two axes, as the last axis. */
function ofMatrix(b: GraphBuilder, x: NodeId, k: number, dim1: number, dim2: number): NodeId | Problem {
  const shape = b.shape(x);
  const [p, q] = [axisOf(dim1, shape.length), axisOf(dim2, shape.length)];
  const [n, m] = [shape[p ?? -1], shape[q ?? -1]];
  if (p === undefined || q === undefined || p === q || typeof n !== 'number' || typeof m !== 'number')
    return problem('NN203', `axes ${dim1} and ${dim2} of ${showShape(shape)} are no matrix of known size`);
  const length = k >= 0 ? Math.min(n, m - k) : Math.min(n + k, m);
  if (length < 1) return problem('NN206', `a matrix of ${n} rows and ${m} columns has no diagonal ${k}`);
  const rest = shape.map((_, i) => i).filter((i) => i !== p && i !== q);
  const last = b.permute(x, [...rest, p, q]);
  const rows = part(b, last, rest.length, Math.max(0, -k), length);
  const square = part(b, rows, rest.length + 1, Math.max(0, k), length);
  const place = (a: number): NodeId => b.add('iota', [], { axis: a }, { dtype: 'i32', shape: b.shape(square) });
  const hit = b.op('eq', place(rest.length), place(rest.length + 1));
  return b.sum(b.op('select', hit, square, b.like(0, square)), [rest.length + 1]);
}

const which = { type: 'int', default: 0, doc: 'which diagonal: 0 is the main one, positive ones lie above it' } as const;

export const diag = layer({
  doc: 'a diagonal matrix from a vector, or the diagonal of a matrix',
  torch: 'torch.diag',
  shape: '[n] -> [n, n], or [n, m] -> [min(n, m)]',
  parameters: { diagonal: which },
  build({ b }, { diagonal }, x) {
    const rank = b.shape(x).length;
    if (rank === 1) return onDiagonal(b, x, diagonal);
    return rank === 2
      ? ofMatrix(b, x, diagonal, 0, 1)
      : problem('NN203', `diag takes a vector or a matrix, and ${showShape(b.shape(x))} flows in`, 'for many use diagonal or diag_embed');
  },
});

export const diagonal = layer({
  doc: 'the diagonal of each matrix',
  torch: 'torch.diagonal(dim1=-2, dim2=-1)',
  shape: '[..., n, m] -> [..., min(n, m)]',
  parameters: {
    offset: which,
    dim1: { type: 'int', default: -2, doc: 'the axis of the rows' },
    dim2: { type: 'int', default: -1, doc: 'the axis of the columns' },
  },
  build: ({ b }, { offset, dim1, dim2 }, x) => ofMatrix(b, x, offset, dim1, dim2),
});

export const diag_embed = layer({
  doc: 'a diagonal matrix from each vector of the last axis',
  torch: 'torch.diag_embed',
  shape: '[..., n] -> [..., n, n]',
  parameters: { offset: which },
  build: ({ b }, { offset }, x) => onDiagonal(b, x, offset),
});

export const trace = layer({
  doc: 'the sum of the diagonal of each matrix',
  torch: 'torch.trace',
  shape: '[..., n, m] -> [...]',
  parameters: {},
  build({ b }, _args, x) {
    const diagonal = ofMatrix(b, x, 0, -2, -1);
    return typeof diagonal === 'number' ? b.sum(diagonal, [b.shape(diagonal).length - 1]) : diagonal;
  },
});
