import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { cosine, pairwise } from '../distances.ts';
import { atLeastZero } from '../functions.ts';
import { loss, perRow, reduction } from './loss.ts';

/** Losses that pull vectors together or push them apart. */

/** What PyTorch's cosine_embedding_loss adds to the squared norms. */
const TINY = 1e-12;

export const cosine_embedding = loss({
  doc: '1 - cos(x1, x2) where the target is 1, max(0, cos(x1, x2) - margin) where it is -1; cos is the cosine similarity',
  torch: 'torch.nn.CosineEmbeddingLoss',
  parameters: {
    margin: { type: 'number', default: 0, min: -1, max: 1, doc: 'cosine similarity up to which a pair with target -1 has no loss' },
    reduction,
  },
  operands: ['x1', 'x2'],
  target: perRow,
  each({ b, args: { margin } }, x, y = x, target = x) {
    const dot = (p: NodeId, q: NodeId): NodeId => b.sum(b.op('mul', p, q), [b.shape(p).length - 1]);
    const square = (v: NodeId): NodeId => {
      const total = dot(v, v);
      return b.op('add', total, b.like(TINY, total));
    };
    const cos = b.op('div', dot(x, y), b.op('sqrt', b.op('mul', square(x), square(y))));
    const far = atLeastZero(b, b.op('sub', cos, b.like(margin, cos)));
    const [zero, is] = [b.like(0, cos), (value: number) => b.op('eq', target, b.like(value, target))];
    return b.op('select', is(1), b.op('sub', b.like(1, cos), cos), b.op('select', is(-1), far, zero));
  },
});

const triplet = {
  margin: { type: 'number', default: 1, min: 0, doc: 'how much farther away the negative must be than the positive' },
  swap: {
    type: 'bool',
    default: false,
    doc: 'distance swap: uses |p - n| instead of |a - n| where it is smaller (Balntas et al., 2016)',
  },
  reduction,
} as const;
const operands = ['anchor', 'positive', 'negative'] as const;

/** max(0, d(anchor, positive) - d(anchor, negative) + margin). */
function apart(
  b: GraphBuilder,
  [anchor, positive, negative]: readonly [NodeId, NodeId, NodeId],
  distance: (x: NodeId, y: NodeId) => NodeId,
  { margin, swap }: { readonly margin: number; readonly swap: boolean },
): NodeId {
  const near = distance(anchor, positive);
  const away = distance(anchor, negative);
  const far = swap ? b.op('min', away, distance(positive, negative)) : away;
  const d = b.op('sub', near, far);
  return atLeastZero(b, b.op('add', d, b.like(margin, d)));
}

export const triplet_margin = loss({
  doc: 'max(0, |a - p| - |a - n| + margin) of anchor a, positive p and negative n; there is no target',
  torch: 'torch.nn.TripletMarginLoss',
  parameters: {
    margin: triplet.margin,
    p: { type: 'order', default: 2, min: 0, doc: 'order of the norm' },
    eps: { type: 'number', default: 1e-6, min: 0, doc: 'added to each difference' },
    swap: triplet.swap,
    reduction,
  },
  operands,
  target: undefined,
  each: ({ b, args }, a, p = a, n = a) => apart(b, [a, p, n], (x, y) => pairwise(b, x, y, args.p, args.eps), args),
});

/** Distances of rows by name. For another distance, write relu(d(a, p) - d(a, n) + margin). */
const DISTANCES: Readonly<Record<string, (b: GraphBuilder, x: NodeId, y: NodeId) => NodeId>> = {
  pairwise: (b, x, y) => pairwise(b, x, y, 2, 1e-6),
  squared(b, x, y) {
    const d = b.op('sub', x, y);
    return b.sum(b.op('mul', d, d), [b.shape(d).length - 1]);
  },
  manhattan(b, x, y) {
    const d = b.op('sub', x, y);
    return b.sum(b.op('abs', d), [b.shape(d).length - 1]);
  },
  cosine(b, x, y) {
    const cos = cosine(b, x, y, b.shape(x).length - 1, 1e-8);
    return b.op('sub', b.like(1, cos), cos);
  },
};

export const triplet_margin_with_distance = loss({
  doc: 'triplet_margin with another distance: Euclidean (pairwise), squared Euclidean, Manhattan, or 1 - cosine similarity; for your own distance write mean(relu(d1 - d2 + margin))',
  torch: 'torch.nn.TripletMarginWithDistanceLoss',
  parameters: {
    distance: { type: 'string', default: 'pairwise', choices: Object.keys(DISTANCES), doc: 'distance between two vectors' },
    ...triplet,
  },
  operands,
  target: undefined,
  each({ b, args }, a, p = a, n = a) {
    const distance = DISTANCES[args.distance] ?? DISTANCES['pairwise'];
    return apart(b, [a, p, n], (x, y) => distance?.(b, x, y) ?? x, args);
  },
});
