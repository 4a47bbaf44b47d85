import { atLeastZero, relu, softplus } from '../functions.ts';
import { likePrediction, loss, reduction } from './loss.ts';

/** Margin losses of a score, or of two scores. */

const margin = (value: number) => ({ type: 'number', default: value, doc: 'the margin' }) as const;

export const hinge = loss({
  doc: 'hinge loss max(0, margin - target * pred) for targets of +1 and -1',
  torch: 'max(0, 1 - y x).mean()',
  parameters: { margin: margin(1), reduction },
  target: likePrediction,
  undecided: 0,
  each: ({ b, args: { margin } }, pred, target = pred) => relu(b, b.op('sub', b.like(margin, pred), b.op('mul', target, pred))),
});

export const soft_margin = loss({
  doc: 'logistic loss log(1 + exp(-target * pred)) for targets of +1 and -1',
  torch: 'torch.nn.SoftMarginLoss',
  parameters: { reduction },
  target: likePrediction,
  undecided: 0,
  each: ({ b }, pred, target = pred) => softplus(b, b.op('neg', b.op('mul', target, pred))),
});

export const margin_ranking = loss({
  doc: 'max(0, margin - target * (x1 - x2)): x1 should be larger where the target is 1, x2 where it is -1',
  torch: 'torch.nn.MarginRankingLoss',
  parameters: { margin: margin(0), reduction },
  operands: ['x1', 'x2'],
  target: likePrediction,
  each({ b, args: { margin } }, x, y = x, target = x) {
    const ahead = b.op('mul', target, b.op('sub', x, y));
    return atLeastZero(b, b.op('sub', b.like(margin, ahead), ahead));
  },
});

export const hinge_embedding = loss({
  doc: 'pred, a distance, where the target is 1; max(0, margin - pred) where it is -1; the sum of both for other targets',
  torch: 'torch.nn.HingeEmbeddingLoss',
  parameters: { margin: margin(1), reduction },
  target: likePrediction,
  each({ b, args: { margin } }, pred, target = pred) {
    const zero = b.like(0, pred);
    const far = atLeastZero(b, b.op('sub', b.like(margin, pred), pred));
    const is = (value: number) => b.op('eq', target, b.like(value, target));
    return b.op('add', b.op('select', is(1), zero, far), b.op('select', is(-1), zero, pred));
  },
});
