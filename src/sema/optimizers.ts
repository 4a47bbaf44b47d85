import type { Parameters } from './arguments.ts';

const setting = (value: number, doc: string) => ({ type: 'schedule', default: value, min: 0, doc }) as const;
const lr = (value: number) => setting(value, 'learning rate: a number, or a schedule such as cosine(3e-3, warmup=100)');
const betas = { type: 'pair', default: [0.9, 0.999], min: 0, below: 1, doc: 'decay of the moving averages' } as const;
const eps = setting(1e-8, 'added to the denominator');
const amsgrad = { type: 'bool', default: false, doc: 'divides by the largest average of squares so far' } as const;
const decay = (value: number) => setting(value, 'weight decay');
const momentum = (value: number) => setting(value, 'share of the last step that is kept');
const nesterov = (value: boolean) => ({ type: 'bool', default: value, doc: 'looks ahead along the momentum' }) as const;
const decoupled = { type: 'bool', default: false, doc: 'the decay acts on the parameter, not on the gradient' } as const;

/** Settings that every optimizer has. */
export const COMMON = {
  clip: setting(0, 'largest norm of all gradients together; 0 for no limit'),
  clip_value: setting(0, 'largest magnitude of a gradient; 0 for no limit'),
  no_decay: { type: 'columns', default: [], doc: 'what has no weight decay: bias, norm, or names of stages' },
  freeze: { type: 'columns', default: [], doc: 'what is not trained: names of stages or parameters' },
} as const satisfies Parameters;

/** Settings of each optimizer with the defaults of torch.optim; what they do stands in passes/graph/optimizers.ts. */
export const OPTIMIZERS: Readonly<Record<string, Parameters>> = {
  sgd: {
    lr: lr(1e-3),
    momentum: momentum(0),
    dampening: { ...setting(0, 'share of the gradient that momentum ignores'), min: -1 },
    weight_decay: decay(0),
    nesterov: nesterov(false),
  },
  adam: { lr: lr(1e-3), betas, eps, weight_decay: decay(0), amsgrad },
  adamw: { lr: lr(1e-3), betas, eps, weight_decay: decay(1e-2), amsgrad },
  nadam: {
    lr: lr(2e-3),
    betas,
    eps,
    weight_decay: decay(0),
    momentum_decay: setting(4e-3, 'how fast the momentum grows'),
    decoupled_weight_decay: decoupled,
  },
  radam: { lr: lr(1e-3), betas, eps, weight_decay: decay(0), decoupled_weight_decay: decoupled },
  adamax: { lr: lr(2e-3), betas, eps, weight_decay: decay(0) },
  rmsprop: {
    lr: lr(1e-2),
    alpha: { ...setting(0.99, 'decay of the average of squares'), below: 1 },
    eps,
    weight_decay: decay(0),
    momentum: momentum(0),
    centered: { type: 'bool', default: false, doc: 'divides by the variance instead of the square' },
  },
  adagrad: {
    lr: lr(1e-2),
    lr_decay: setting(0, 'divides the rate by 1 + lr_decay * step'),
    weight_decay: decay(0),
    eps: { ...eps, default: 1e-10 },
  },
  adadelta: {
    lr: lr(1),
    rho: { ...setting(0.9, 'decay of the averages'), below: 1 },
    eps: { ...eps, default: 1e-6 },
    weight_decay: decay(0),
  },
  lion: { lr: lr(1e-4), betas: { ...betas, default: [0.9, 0.99] }, weight_decay: decay(0) },
  lamb: { lr: lr(1e-3), betas, eps: { ...eps, default: 1e-6 }, weight_decay: decay(0) },
  muon: {
    lr: lr(1e-3),
    weight_decay: decay(0.1),
    momentum: momentum(0.95),
    nesterov: nesterov(true),
    betas,
    eps,
  },
};
