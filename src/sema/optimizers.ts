import type { Parameters } from './arguments.ts';

const lr = (value: number) =>
  ({ type: 'schedule', default: value, min: 0, doc: 'learning rate: a number, or a schedule such as cosine(3e-3, warmup=100)' }) as const;
const clip = { type: 'number', default: 0, min: 0, doc: 'largest norm of all gradients together; 0 for no limit' } as const;
const betas = { type: 'pair', default: [0.9, 0.999], min: 0, below: 1, doc: 'decay of the moving averages' } as const;
const eps = { type: 'number', default: 1e-8, min: 0, doc: 'added to the denominator' } as const;
const amsgrad = { type: 'bool', default: false, doc: 'divides by the largest average of squares so far' } as const;
const decay = (value: number) => ({ type: 'number', default: value, min: 0, doc: 'weight decay' }) as const;

/** Settings of each optimizer with the defaults of torch.optim; what they do stands in passes/graph/optimizers.ts. */
export const OPTIMIZERS: Readonly<Record<string, Parameters>> = {
  sgd: {
    lr: lr(1e-3),
    momentum: { type: 'number', default: 0, min: 0, doc: 'share of the last step that is kept' },
    dampening: { type: 'number', default: 0, doc: 'share of the gradient that momentum ignores' },
    weight_decay: decay(0),
    nesterov: { type: 'bool', default: false, doc: 'looks ahead along the momentum' },
    clip,
  },
  adam: { lr: lr(1e-3), betas, eps, weight_decay: decay(0), amsgrad, clip },
  adamw: { lr: lr(1e-3), betas, eps, weight_decay: decay(1e-2), amsgrad, clip },
  rmsprop: {
    lr: lr(1e-2),
    alpha: { type: 'number', default: 0.99, min: 0, below: 1, doc: 'decay of the average of squares' },
    eps,
    weight_decay: decay(0),
    momentum: { type: 'number', default: 0, min: 0, doc: 'share of the last step that is kept' },
    clip,
  },
  adagrad: {
    lr: lr(1e-2),
    lr_decay: { type: 'number', default: 0, min: 0, doc: 'divides the rate by 1 + lr_decay * step' },
    weight_decay: decay(0),
    eps: { ...eps, default: 1e-10 },
    clip,
  },
};
