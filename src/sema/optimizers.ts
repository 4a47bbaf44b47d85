import type { Parameters } from './arguments.ts';

const setting = (value: number, doc: string) => ({ type: 'schedule', default: value, min: 0, doc }) as const;
const lr = (value: number) => setting(value, 'learning rate: a number, or a schedule such as cosine(3e-3, warmup=100)');
const betas = {
  type: 'rates',
  default: [0.9, 0.999],
  min: 0,
  below: 1,
  doc: 'decay rates of the moving averages; may be schedules',
} as const;
const eps = setting(1e-8, 'added to the denominator, for numerical stability');
const amsgrad = { type: 'bool', default: false, doc: 'AMSGrad: uses the largest average of squared gradients so far' } as const;
const decay = (value: number) => setting(value, 'weight decay');
const momentum = (value: number) => ({ ...setting(value, 'momentum factor'), max: 1 }) as const;
const nesterov = (value: boolean) => ({ type: 'bool', default: value, doc: 'uses Nesterov momentum' }) as const;
const decoupled = { type: 'bool', default: false, doc: 'decouples weight decay from the gradient, as AdamW does' } as const;

/** Settings that every optimizer has. */
export const COMMON = {
  clip: setting(0, 'maximum norm of all gradients together; 0 for no limit'),
  clip_value: setting(0, 'maximum absolute value of each gradient; 0 for no limit'),
  maximize: { type: 'bool', default: false, doc: 'maximises the loss instead of minimising it' },
  lookahead: {
    type: 'pair',
    default: [0, 0.5],
    example: [5, 0.5],
    min: 0,
    doc: 'Lookahead (k, alpha): every k steps the weights are set to slow + alpha * (weights - slow), as (5, 0.5); k=0 for never',
  },
  no_decay: { type: 'columns', default: [], doc: 'parameters without weight decay: bias, norm, or names of stages and parameters' },
  params: { type: 'columns', default: [], doc: 'parameters to train: names of stages or parameters; default: all' },
  freeze: { type: 'columns', default: [], doc: 'parameters not to train: names of stages or parameters' },
} as const satisfies Parameters;

/** The settings of each optimizer, with the defaults of torch.optim. The updates are in passes/graph/optimizers.ts. */
export const OPTIMIZERS: Readonly<Record<string, Parameters>> = {
  sgd: {
    lr: lr(1e-3),
    momentum: momentum(0),
    dampening: { ...setting(0, 'dampening of the gradient in the momentum'), min: -1 },
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
    momentum_decay: setting(4e-3, 'decay rate of the momentum schedule'),
    decoupled_weight_decay: decoupled,
  },
  radam: { lr: lr(1e-3), betas, eps, weight_decay: decay(0), decoupled_weight_decay: decoupled },
  adamax: { lr: lr(2e-3), betas, eps, weight_decay: decay(0) },
  rmsprop: {
    lr: lr(1e-2),
    alpha: { ...setting(0.99, 'decay rate of the average of squared gradients'), below: 1 },
    eps,
    weight_decay: decay(0),
    momentum: momentum(0),
    centered: { type: 'bool', default: false, doc: 'normalises by the variance of the gradient, not by its mean square' },
  },
  adagrad: {
    lr: lr(1e-2),
    lr_decay: setting(0, 'decay of the learning rate: lr / (1 + lr_decay * step)'),
    weight_decay: decay(0),
    initial_accumulator_value: setting(0, 'initial value of the sum of squared gradients'),
    eps: { ...eps, default: 1e-10 },
  },
  adadelta: {
    lr: lr(1),
    rho: { ...setting(0.9, 'decay rate of the averages'), below: 1 },
    eps: { ...eps, default: 1e-6 },
    weight_decay: decay(0),
  },
  rprop: {
    lr: lr(1e-2),
    etas: {
      type: 'pair',
      default: [0.5, 1.2],
      min: 0,
      doc: 'factors of the step size: where the gradient changes sign, and where it keeps it',
    },
    step_sizes: { type: 'pair', default: [1e-6, 50], min: 0, doc: 'minimum and maximum step size' },
  },
  asgd: {
    lr: lr(1e-2),
    lambd: setting(1e-4, 'decay rate of the parameters and of the learning rate'),
    alpha: setting(0.75, 'exponent of the decay of the learning rate'),
    t0: setting(1e6, 'step at which averaging starts'),
    weight_decay: decay(0),
  },
  adafactor: {
    lr: lr(1e-2),
    beta2_decay: {
      type: 'number',
      default: -0.8,
      max: 0,
      doc: 'exponent of the decay rate of squared gradients: beta2 = 1 - step^beta2_decay',
    },
    // PyTorch's None is float32's machine epsilon.
    eps: {
      type: 'pair',
      default: [2 ** -23, 1e-3],
      min: 0,
      doc: 'lower bounds of the root of the average of squared gradients, and of the root mean square of a parameter',
    },
    d: { type: 'number', default: 1, min: 1, doc: 'clipping threshold: maximum root mean square of the update' },
    weight_decay: decay(0),
  },
  lbfgs: {
    lr: lr(1),
    history_size: { type: 'int', default: 10, min: 1, max: 50, doc: 'number of past updates that are kept' },
    tolerance_grad: { type: 'number', default: 1e-7, min: 0, doc: 'makes no step if the largest absolute gradient is at most this' },
    tolerance_change: {
      type: 'number',
      default: 1e-9,
      min: 0,
      doc: 'makes no step if the directional derivative is above -tolerance_change',
    },
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
