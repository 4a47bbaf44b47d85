import { showShape, type Shape } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { broadcastShapes, broadcastTo } from '../arithmetic.ts';
import { cholesky as factor, determinant, eliminate, eye, substitute, turned } from '../elimination.ts';
import { layer, problem, type Problem } from './layer.ts';

/** Linear algebra of square matrices in the last two axes. Every step becomes graph nodes, so it is meant for a few rows. */

const LARGEST = 16;

/** The number of rows of square matrices, or why they are not square. */
function rowsOf(b: GraphBuilder, name: string, x: NodeId): number | Problem {
  const shape = b.shape(x);
  const [n, m] = [shape.at(-2), shape.at(-1)];
  if (typeof n !== 'number' || n !== m) return problem('NN203', `${name} takes square matrices, and ${showShape(shape)} flows in`);
  return n <= LARGEST ? n : problem('NN206', `${name} is for matrices of at most ${LARGEST} rows, and these have ${n}`);
}

/** Broadcasts the axes before the last two. */
function alike(b: GraphBuilder, x: NodeId, y: NodeId): readonly [NodeId, NodeId] | Problem {
  const [p, q] = [b.shape(x), b.shape(y)];
  const lead = broadcastShapes(p.slice(0, -2), q.slice(0, -2));
  if (!lead || p.at(-1) !== q.at(-2)) return problem('NN203', `${showShape(p)} and ${showShape(q)} do not fit`);
  const wide = (v: NodeId, shape: Shape): NodeId => broadcastTo(b, v, [...lead, ...shape.slice(-2)]);
  return [wide(x, p), wide(y, q)];
}

export const inverse = layer({
  doc: 'the inverse of each matrix, by Gaussian elimination with pivoting',
  torch: 'torch.linalg.inv',
  keepsShape: true,
  parameters: {},
  build({ b }, _args, x) {
    const n = rowsOf(b, 'inverse', x);
    return typeof n === 'number' ? eliminate(b, b.add('concat', [x, eye(b, b.shape(x))], { axis: b.shape(x).length - 1 }), n).rest : n;
  },
});

export const solve = layer({
  doc: 'the solution x of a @ x = b, by Gaussian elimination with pivoting',
  torch: 'torch.linalg.solve',
  shape: '[..., n, n], [..., n, k] or [..., n] -> [..., n, k] or [..., n]',
  inputs: ['a', 'b'],
  parameters: {},
  build({ b }, _args, x, y = x) {
    const n = rowsOf(b, 'solve', x);
    if (typeof n !== 'number') return n;
    const [p, q] = [b.shape(x), b.shape(y)];
    // As in PyTorch: a single vector, or one for each matrix.
    const vectors = q.length === 1 || (q.length === p.length - 1 && showShape(q) === showShape(p.slice(0, -1)));
    const pair = alike(b, x, vectors ? b.reshape(y, [...q, 1]) : y);
    if ('code' in pair) return pair;
    const found = eliminate(b, b.add('concat', [...pair], { axis: b.shape(pair[0]).length - 1 }), n).rest;
    return vectors ? b.reshape(found, b.shape(found).slice(0, -1)) : found;
  },
});

export const solve_triangular = layer({
  doc: 'the solution x of a @ x = b for a triangular matrix a; its other triangle is ignored',
  torch: 'torch.linalg.solve_triangular',
  shape: '[..., n, n], [..., n, k] -> [..., n, k]',
  inputs: ['a', 'b'],
  parameters: {
    upper: { type: 'bool', doc: 'a is upper triangular; else lower triangular' },
    left: { type: 'bool', default: true, doc: 'solves a @ x = b; else x @ a = b' },
    unitriangular: { type: 'bool', default: false, doc: 'takes the diagonal of a as ones' },
  },
  build({ b }, { upper, left, unitriangular }, x, y = x) {
    const n = rowsOf(b, 'solve_triangular', x);
    if (typeof n !== 'number') return n;
    const matrices = b.shape(y);
    if (matrices.length < 2)
      return problem(
        'NN203',
        `solve_triangular takes matrices, and b is ${showShape(matrices)}`,
        'unsqueeze(b, dim=-1) makes a column of it',
      );
    const pair = left ? alike(b, x, y) : alike(b, turned(b, x), turned(b, y));
    if ('code' in pair) return pair;
    const found = substitute(b, ...pair, left ? upper : !upper, unitriangular);
    return left ? found : turned(b, found);
  },
});

export const cholesky = layer({
  doc: 'the Cholesky factor l of a symmetric matrix x = l @ l^T; if x is not symmetric, (x + x^T) / 2 is factored',
  torch: 'torch.linalg.cholesky',
  keepsShape: true,
  parameters: { upper: { type: 'bool', default: false, doc: 'returns l^T' } },
  build({ b }, { upper }, x) {
    const n = rowsOf(b, 'cholesky', x);
    if (typeof n !== 'number') return n;
    const lower = factor(b, x);
    return upper ? turned(b, lower) : lower;
  },
});

export const det = layer({
  doc: 'the determinant of each matrix',
  torch: 'torch.linalg.det',
  shape: '[..., n, n] -> [...]',
  parameters: {},
  build({ b }, _args, x) {
    const n = rowsOf(b, 'det', x);
    return typeof n === 'number' ? determinant(b, x, n) : n;
  },
});

/** The sign and the logarithm of the absolute value of a determinant. */
function signAndLog(b: GraphBuilder, x: NodeId, n: number): readonly [NodeId, NodeId] {
  const { pivots, sign } = eliminate(b, x, n, true);
  const join = (op: 'add' | 'mul', xs: readonly NodeId[]): NodeId => xs.reduce((p, q) => b.op(op, p, q));
  const log = join(
    'add',
    pivots.map((p) => b.op('log', b.op('abs', p))),
  );
  return [
    b.op(
      'mul',
      sign,
      join(
        'mul',
        pivots.map((p) => b.op('sign', p)),
      ),
    ),
    log,
  ];
}

export const slogdet = layer({
  doc: 'the sign of the determinant and the logarithm of its absolute value',
  torch: 'torch.linalg.slogdet',
  shape: '[..., n, n] -> [...] and [...]',
  parameters: {},
  build({ b }, _args, x) {
    const n = rowsOf(b, 'slogdet', x);
    return typeof n === 'number' ? signAndLog(b, x, n) : n;
  },
});

export const logdet = layer({
  doc: 'the logarithm of the determinant; NaN if it is negative',
  torch: 'torch.logdet',
  shape: '[..., n, n] -> [...]',
  parameters: {},
  build({ b }, _args, x) {
    const n = rowsOf(b, 'logdet', x);
    if (typeof n !== 'number') return n;
    const [sign, log] = signAndLog(b, x, n);
    return b.op('select', b.op('lt', sign, b.like(0, sign)), b.op('log', sign), log);
  },
});
