import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { cosineOf, relu, softplus } from '../functions.ts';
import { likePrediction, loss, perRow, reduction } from './loss.ts';

/** Losses that ask for a distance: between a score and its border, or between vectors. */

export const hinge = loss({
  doc: 'max(0, margin - target pred) for targets of +1 and -1',
  torch: 'max(0, 1 - y x).mean()',
  parameters: { margin: { type: 'number', default: 1, doc: 'how far right must be from wrong' }, reduction },
  target: likePrediction,
  each: ({ b, args: { margin } }, pred, target = pred) => relu(b, b.op('sub', b.like(margin, pred), b.op('mul', target, pred))),
});

export const soft_margin = loss({
  doc: 'log(1 + exp(-target pred)) for targets of +1 and -1',
  torch: 'torch.nn.SoftMarginLoss',
  parameters: { reduction },
  target: likePrediction,
  each: ({ b }, pred, target = pred) => softplus(b, b.op('neg', b.op('mul', target, pred))),
});

export const cosine_embedding = loss({
  doc: '1 - cos of two vectors where the target is 1, max(0, cos - margin) where it is -1',
  torch: 'torch.nn.CosineEmbeddingLoss',
  parameters: { margin: { type: 'number', default: 0, min: -1, max: 1, doc: 'cosines below it are far enough' }, reduction },
  operands: ['x1', 'x2'],
  target: perRow,
  each({ b, args: { margin } }, x, y = x, target = x) {
    const cos = cosineOf(b, x, y);
    const far = relu(b, b.op('sub', cos, b.like(margin, cos)));
    return b.op('select', b.op('lt', b.like(0, target), target), b.op('sub', b.like(1, cos), cos), far);
  },
});

/** |x - y + eps| along the last axis, as torch.nn.functional.pairwise_distance has it. */
function apart(b: GraphBuilder, x: NodeId, y: NodeId, eps: number): NodeId {
  const d = b.op('sub', x, y);
  const e = b.op('add', d, b.like(eps, d));
  return b.op('sqrt', b.sum(b.op('mul', e, e), [b.shape(e).length - 1]));
}

export const triplet_margin = loss({
  doc: 'max(0, |a - p| - |a - n| + margin) of anchor, positive and negative; it has no target',
  torch: 'torch.nn.TripletMarginLoss',
  parameters: {
    margin: { type: 'number', default: 1, min: 0, doc: 'how much farther the negative must be' },
    eps: { type: 'number', default: 1e-6, min: 0, doc: 'added to differences' },
    reduction,
  },
  operands: ['anchor', 'positive', 'negative'],
  target: undefined,
  each({ b, args: { margin, eps } }, anchor, positive = anchor, negative = anchor) {
    const d = b.op('sub', apart(b, anchor, positive, eps), apart(b, anchor, negative, eps));
    return relu(b, b.op('add', d, b.like(margin, d)));
  },
});
