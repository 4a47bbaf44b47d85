import { at } from '../../base/errors.ts';
import { sameDim, showShape } from '../../base/types.ts';
import { align, broadcastShapes, broadcastTo } from '../arithmetic.ts';
import { cosine, pairwise, vectorNorm } from '../distances.ts';
import { axisOf } from '../functions.ts';
import { layer, problem } from './layer.ts';

/** Norms and distances of vectors, as functions. */

const p = { type: 'order', default: 2, min: 0, doc: 'order of the norm; inf for the maximum norm' } as const;

export const normalize = layer({
  doc: 'x / max(|x|, eps) along an axis: vectors of norm 1',
  torch: 'torch.nn.functional.normalize',
  parameters: {
    p,
    dim: { type: 'int', default: 1, doc: 'the axis' },
    eps: { type: 'number', default: 1e-12, min: 0, doc: 'lower bound of the norm' },
  },
  keepsShape: true,
  build({ b }, args, x) {
    const shape = b.shape(x);
    const axis = axisOf(args.dim, shape.length);
    if (axis === undefined) return problem('NN206', `${showShape(shape)} has no axis ${args.dim}`, 'say dim=-1 for the last one');
    const norm = vectorNorm(b, x, [axis], args.p);
    const least = b.like(args.eps, norm);
    return b.op('div', x, b.unreduce(b.op('select', b.op('lt', norm, least), least, norm), shape, [axis]));
  },
});

export const cosine_similarity = layer({
  doc: 'cosine similarity a . b / (|a| |b|) along an axis',
  torch: 'torch.nn.functional.cosine_similarity',
  shape: '[..., n, ...], [..., n, ...] -> [..., ...]',
  inputs: ['a', 'b'],
  parameters: {
    dim: { type: 'int', default: -1, doc: 'the axis; in PyTorch the default is 1' },
    eps: { type: 'number', default: 1e-8, min: 0, doc: 'lower bound of each norm' },
  },
  build({ b }, { dim, eps }, x, y = x) {
    const aligned = align(b, [x, y]);
    if (!Array.isArray(aligned)) return aligned;
    const shape = b.shape(at(aligned, 0));
    const axis = axisOf(dim, shape.length);
    if (axis === undefined) return problem('NN206', `${showShape(shape)} has no axis ${dim}`);
    return cosine(b, at(aligned, 0), at(aligned, 1), axis, eps);
  },
});

export const pairwise_distance = layer({
  doc: 'the p-norm of a - b along the last axis',
  torch: 'torch.nn.PairwiseDistance',
  shape: '[..., n], [..., n] -> [...]',
  inputs: ['a', 'b'],
  parameters: {
    p,
    eps: { type: 'number', default: 1e-6, doc: 'added to each difference' },
    keepdim: { type: 'bool', default: false, doc: 'keeps the reduced axis with size 1' },
  },
  build({ b }, args, x, y = x) {
    const aligned = align(b, [x, y]);
    if (!Array.isArray(aligned)) return aligned;
    const shape = b.shape(at(aligned, 0));
    if (shape.length === 0) return problem('NN203', 'a distance is between vectors, and these are numbers');
    const distance = pairwise(b, at(aligned, 0), at(aligned, 1), args.p, args.eps);
    return args.keepdim ? b.reshape(distance, [...b.shape(distance), 1]) : distance;
  },
});

export const cdist = layer({
  doc: 'the distance between every row of a and every row of b',
  torch: 'torch.cdist',
  shape: '[..., n, k], [..., m, k] -> [..., n, m]',
  inputs: ['a', 'b'],
  parameters: { p },
  build({ b }, args, x, y = x) {
    const [left, right] = [b.shape(x), b.shape(y)];
    const lead = broadcastShapes(left.slice(0, -2), right.slice(0, -2));
    const [k, l] = [left.at(-1), right.at(-1)];
    if (left.length < 2 || right.length < 2 || !lead || k === undefined || l === undefined || !sameDim(k, l))
      return problem('NN203', `cdist takes rows of one size, and these are ${showShape(left)} and ${showShape(right)}`);
    const [n, m] = [at(left, left.length - 2), at(right, right.length - 2)];
    const pairs = [...lead, n, m, k];
    const first = broadcastTo(b, b.reshape(x, [...left.slice(0, -1), 1, k]), pairs);
    const second = broadcastTo(b, b.reshape(y, [...right.slice(0, -2), 1, m, k]), pairs);
    return vectorNorm(b, b.op('sub', first, second), [pairs.length - 1], args.p);
  },
});
