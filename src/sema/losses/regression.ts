import { likePrediction, loss, reduction } from './loss.ts';

/** Losses that compare numbers with numbers. */

export const mse = loss({
  doc: '(pred - target)^2',
  torch: 'torch.nn.MSELoss',
  parameters: { reduction },
  zero: true,
  target: likePrediction,
  each({ b }, pred, target = pred) {
    const d = b.op('sub', pred, target);
    return b.op('mul', d, d);
  },
});

export const l1 = loss({
  doc: '|pred - target|',
  torch: 'torch.nn.L1Loss',
  parameters: { reduction },
  zero: true,
  target: likePrediction,
  each: ({ b }, pred, target = pred) => b.op('abs', b.op('sub', pred, target)),
});

export const huber = loss({
  doc: 'quadratic up to delta, linear beyond',
  torch: 'torch.nn.HuberLoss',
  parameters: { delta: { type: 'number', default: 1, min: 1e-12, doc: 'where the line begins' }, reduction },
  zero: true,
  target: likePrediction,
  each({ b, args: { delta } }, pred, target = pred) {
    const d = b.op('sub', pred, target);
    const a = b.op('abs', d);
    const square = b.op('mul', b.op('mul', d, d), b.like(0.5, d));
    const line = b.op('mul', b.op('sub', a, b.like(delta / 2, d)), b.like(delta, d));
    return b.op('select', b.op('le', a, b.like(delta, a)), square, line);
  },
});

export const smooth_l1 = loss({
  doc: 'quadratic up to beta, linear beyond; huber divided by beta',
  torch: 'torch.nn.SmoothL1Loss',
  parameters: { beta: { type: 'number', default: 1, min: 1e-12, doc: 'where the line begins' }, reduction },
  zero: true,
  target: likePrediction,
  each({ b, args: { beta } }, pred, target = pred) {
    const d = b.op('sub', pred, target);
    const a = b.op('abs', d);
    const square = b.op('mul', b.op('mul', d, d), b.like(0.5 / beta, d));
    return b.op('select', b.op('lt', a, b.like(beta, a)), square, b.op('sub', a, b.like(beta / 2, d)));
  },
});

export const poisson_nll = loss({
  doc: 'exp(pred) - target pred: counts, with the logarithm of their rate',
  torch: 'torch.nn.PoissonNLLLoss',
  parameters: { reduction },
  target: likePrediction,
  each: ({ b }, pred, target = pred) => b.op('sub', b.op('exp', pred), b.op('mul', target, pred)),
});
