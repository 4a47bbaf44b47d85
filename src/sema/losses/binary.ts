import type { NodeId } from '../../ir/graph/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import { softplus } from '../functions.ts';
import { likePrediction, loss, overClasses, reduction } from './loss.ts';
import { weighed, weight, weightsLike } from './weights.ts';

/** Binary losses, one value for each element. */

/** PyTorch clamps the logarithm of this loss at -100, and the divisor of its gradient at 1e-12, rounded to float32. */
const [FLOOR, LEAST] = [-100, Math.fround(1e-12)];

/** log(x), but at least -100 and with a gradient of at most 1e12. */
function bounded(b: GraphBuilder, x: NodeId): NodeId {
  const low = b.op('lt', x, b.like(LEAST, x));
  const steep = b.op('mul', b.op('sub', x, b.op('detach', x)), b.like(1 / LEAST, x));
  const none = b.op('eq', x, b.like(0, x));
  const log = b.op('log', b.op('select', none, b.like(1, x), b.op('detach', x)));
  const value = b.op('select', none, b.like(FLOOR, x), b.op('max', log, b.like(FLOOR, x)));
  return b.op('select', low, b.op('add', value, steep), b.op('log', b.op('select', low, b.like(1, x), x)));
}

export const bce = loss({
  doc: 'binary cross entropy of probabilities; logarithms are clamped at -100, as in PyTorch',
  torch: 'torch.nn.BCELoss',
  parameters: { weight, reduction },
  optional: ['weight'],
  named: ['weight'],
  target: likePrediction,
  shares: true,
  reads: 'none',
  each(cx, p, t = p) {
    const { b } = cx;
    const one = b.like(1, p);
    const no = b.op('mul', b.op('sub', one, t), bounded(b, b.op('sub', one, p)));
    return weighed(cx, b.op('neg', b.op('add', b.op('mul', t, bounded(b, p)), no)));
  },
});

const pos_weight = { type: 'factors', doc: 'weight of positive targets' } as const;

export const bce_with_logits = loss({
  doc: 'binary cross entropy of logits: of sigmoid(pred), numerically stable',
  torch: 'torch.nn.BCEWithLogitsLoss',
  parameters: { weight, pos_weight, reduction },
  optional: ['weight', 'pos_weight'],
  named: ['weight', 'pos_weight'],
  target: likePrediction,
  shares: true,
  undecided: 0,
  reads: 'sigmoid',
  each(cx, x, t = x) {
    const { b } = cx;
    const yes = weightsLike(cx, x, 'pos_weight');
    if (typeof yes === 'object') return yes;
    const one = b.like(1, x);
    // -log(sigmoid(x)) where the target is 1, plus x where it is 0.
    const certain = softplus(b, b.op('neg', x));
    const counted = yes === undefined ? certain : b.op('mul', certain, b.op('add', one, b.op('mul', b.op('sub', yes, one), t)));
    return weighed(cx, b.op('add', b.op('mul', x, b.op('sub', one, t)), counted));
  },
});

/** Binary cross entropy of each class, averaged over the classes. */
export const multilabel_soft_margin = loss({
  doc: 'bce_with_logits, averaged over the classes on the last axis',
  torch: 'torch.nn.MultiLabelSoftMarginLoss',
  parameters: { weight: { ...weight, doc: 'weight of each class' }, reduction },
  optional: ['weight'],
  named: ['weight'],
  target: likePrediction,
  shares: true,
  undecided: 0,
  reads: 'sigmoid',
  each(cx, x, t = x) {
    const { b } = cx;
    const terms = weighed(cx, b.op('add', b.op('mul', x, b.op('sub', b.like(1, x), t)), softplus(b, b.op('neg', x))));
    return typeof terms === 'number' ? overClasses(b, terms) : terms;
  },
});
