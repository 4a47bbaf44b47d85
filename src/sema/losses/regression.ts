import { likePrediction, loss, reduction } from './loss.ts';
import { weighed, weight, weightSum } from './weights.ts';

/** Regression losses. */

export const mse = loss({
  doc: 'squared error (pred - target)^2; with weights, mean divides by their sum',
  torch: 'torch.nn.MSELoss',
  parameters: { weight, reduction },
  optional: ['weight'],
  named: ['weight'],
  zero: true,
  target: likePrediction,
  counts: weightSum,
  each(cx, pred, target = pred) {
    const d = cx.b.op('sub', pred, target);
    return weighed(cx, cx.b.op('mul', d, d));
  },
});

export const l1 = loss({
  doc: 'absolute error |pred - target|; with weights, mean divides by their sum',
  torch: 'torch.nn.L1Loss',
  parameters: { weight, reduction },
  optional: ['weight'],
  named: ['weight'],
  zero: true,
  target: likePrediction,
  counts: weightSum,
  each: (cx, pred, target = pred) => weighed(cx, cx.b.op('abs', cx.b.op('sub', pred, target))),
});

export const huber = loss({
  doc: 'Huber loss: quadratic up to delta, linear beyond; with weights, mean divides by the number of elements, as in PyTorch',
  torch: 'torch.nn.HuberLoss',
  parameters: { delta: { type: 'number', default: 1, min: 1e-12, doc: 'error from which on the loss is linear' }, weight, reduction },
  optional: ['weight'],
  named: ['weight'],
  zero: true,
  target: likePrediction,
  each(cx, pred, target = pred) {
    const { b } = cx;
    const { delta } = cx.args;
    const d = b.op('sub', pred, target);
    const a = b.op('abs', d);
    const square = b.op('mul', b.op('mul', d, d), b.like(0.5, d));
    const line = b.op('mul', b.op('sub', a, b.like(delta / 2, d)), b.like(delta, d));
    return weighed(cx, b.op('select', b.op('lt', a, b.like(delta, a)), square, line));
  },
});

export const smooth_l1 = loss({
  doc: 'smooth L1 loss: quadratic up to beta, linear beyond; huber divided by beta, or l1 for beta=0',
  torch: 'torch.nn.SmoothL1Loss',
  parameters: { beta: { type: 'number', default: 1, min: 0, doc: 'error from which on the loss is linear' }, reduction },
  zero: true,
  target: likePrediction,
  each({ b, args: { beta } }, pred, target = pred) {
    const d = b.op('sub', pred, target);
    const a = b.op('abs', d);
    if (beta === 0) return a;
    const square = b.op('mul', b.op('mul', d, d), b.like(0.5 / beta, d));
    return b.op('select', b.op('lt', a, b.like(beta, a)), square, b.op('sub', a, b.like(beta / 2, d)));
  },
});
