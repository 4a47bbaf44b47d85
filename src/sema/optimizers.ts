import type { Parameters } from './arguments.ts';

const setting = (value: number, doc: string) => ({ type: 'schedule', default: value, min: 0, doc }) as const;
const lr = (value: number) => setting(value, 'learning rate: a number, or a schedule such as cosine(3e-3, warmup=100)');
const betas = { type: 'rates', default: [0.9, 0.999], min: 0, below: 1, doc: 'decay of the moving averages; schedules too' } as const;
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
  maximize: { type: 'bool', default: false, doc: 'goes up instead of down' },
  lookahead: {
    type: 'pair',
    default: [0, 0.5],
    min: 0,
    doc: 'every so many steps the weights go back to a share of the way from where they were, as (5, 0.5); 0 for never',
  },
  no_decay: { type: 'columns', default: [], doc: 'what has no weight decay: bias, norm, or names of stages and parameters' },
  params: { type: 'columns', default: [], doc: 'what is trained: names of stages or parameters; all where it is not said' },
  freeze: { type: 'columns', default: [], doc: 'what is not trained: names of stages or parameters' },
} as const satisfies Parameters;

/** The settings of each optimizer, with the defaults of torch.optim. The updates are in passes/graph/optimizers.ts. */
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
    initial_accumulator_value: setting(0, 'what the sum of squares starts with'),
    eps: { ...eps, default: 1e-10 },
  },
  adadelta: {
    lr: lr(1),
    rho: { ...setting(0.9, 'decay of the averages'), below: 1 },
    eps: { ...eps, default: 1e-6 },
    weight_decay: decay(0),
  },
  rprop: {
    lr: lr(1e-2),
    etas: { type: 'pair', default: [0.5, 1.2], min: 0, doc: 'factors of a step where the sign of the gradient turns, and where it stays' },
    step_sizes: { type: 'pair', default: [1e-6, 50], min: 0, doc: 'smallest and largest step' },
  },
  asgd: {
    lr: lr(1e-2),
    lambd: setting(1e-4, 'decay of the parameters'),
    alpha: setting(0.75, 'power by which the rate falls'),
    t0: setting(1e6, 'step at which averaging starts'),
    weight_decay: decay(0),
  },
  adafactor: {
    lr: lr(1e-2),
    beta2_decay: { type: 'number', default: -0.8, max: 0, doc: 'power of the step by which the average of squares gets slower' },
    // PyTorch's None is float32's machine epsilon.
    eps: { type: 'pair', default: [2 ** -23, 1e-3], min: 0, doc: 'least root of the average of squares, and least size of a parameter' },
    d: { type: 'number', default: 1, min: 1, doc: 'largest root mean square of a step' },
    weight_decay: decay(0),
  },
  lbfgs: {
    lr: lr(1),
    history_size: { type: 'int', default: 10, min: 1, max: 50, doc: 'pairs of steps and changes of the gradient that are kept' },
    tolerance_grad: { type: 'number', default: 1e-7, min: 0, doc: 'stands still where no gradient is larger' },
    tolerance_change: { type: 'number', default: 1e-9, min: 0, doc: 'stands still where the slope along the step is less' },
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
