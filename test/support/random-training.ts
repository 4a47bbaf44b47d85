import type { Random } from './random.ts';

/** What a prediction is compared with: numbers, one class for each example, or one class for each place. */
export type Goal = 'numbers' | 'class' | 'classes';

const RATES = [
  '0.1',
  '0.05',
  'cosine(0.1)',
  'linear(0.1, warmup=2)',
  'exponential(0.1, 0.9)',
  'step(0.1, every=1)',
  'multi_step(0.1, [1, 3])',
  'polynomial(0.1, power=2)',
  'one_cycle(0.1)',
  'cyclic(0.01, max=0.1, step_size_up=2)',
  'cosine_restarts(0.1, 2)',
  'plateau(0.1, patience=0)',
] as const;

/** A loss for a goal. `regular` is a parameter that may be kept small, `x` an input by which may be differentiated. */
export function randomLoss(r: Random, goal: Goal, regular: string): string {
  const loss =
    goal === 'numbers'
      ? r.pick([
          'mse(pred, target)',
          'l1(pred, target)',
          'huber(pred, target, delta=0.5)',
          'smooth_l1(pred, target)',
          'mean(sin(pred - target)^2)',
          'mse(pred, target, reduction=sum)',
          'bce_with_logits(pred, target)',
          'poisson_nll(pred, target)',
          'soft_margin(pred, target)',
          'mean(where(target > 0.2, (pred - target)^2, 0.5 * (pred - target)))',
        ])
      : r.pick([
          'cross_entropy(pred, target)',
          'cross_entropy(pred, target, label_smoothing=0.1)',
          'nll(log_softmax(pred), target)',
          ...(goal === 'class' ? ['multi_margin(pred, target)'] : []),
        ]);
  const more = r.unit();
  if (more < 0.15) return `loss ${loss} + 0.05 * sum(${regular}^2)`;
  // Among them is the short form, which names neither.
  const short = /^(mse|l1|smooth_l1|bce_with_logits|cross_entropy)\(pred, target\)$/.exec(loss)?.[1];
  return `loss ${short ?? loss}`;
}

export function randomMetric(r: Random, goal: Goal): string {
  return `metric ${goal === 'numbers' ? r.pick(['mae', 'rmse', 'mse(pred, target)']) : r.pick(['perplexity', 'accuracy'])}`;
}

/** Optimizers whose step is a smooth function of the gradient, so that rounding stays small. */
export function randomOptimizer(r: Random): string {
  const kind = r.pick([
    'sgd',
    'sgd momentum=0.9 weight_decay=0.01',
    'sgd momentum=0.8 dampening=0.2',
    'sgd momentum=0.9 nesterov',
    'rmsprop eps=0.1',
    'rmsprop eps=0.1 momentum=0.9',
    'adam eps=0.1 amsgrad',
    'adamw eps=0.1',
    'nadam eps=0.1',
    'radam eps=0.1',
    'adamax eps=0.1',
    'adagrad eps=0.1',
    'adadelta eps=0.1',
    'lamb eps=0.1',
  ]);
  const [name = 'sgd', ...settings] = kind.split(' ');
  const parts = [name, `lr=${r.pick(RATES)}`, ...settings];
  if (r.unit() < 0.15) parts.push(`lr[head]=0.02`);
  if (settings.includes('weight_decay=0.01') && r.unit() < 0.5) parts.push(`no_decay=${r.pick(['bias', 'norm', '[bias, norm]'])}`);
  if (r.unit() < 0.1) parts.push(`freeze=${r.pick(['bias', 'norm', 'head.weight'])}`);
  if (r.unit() < 0.2) parts.push(r.pick(['clip=0.5', 'clip_value=0.1']));
  if (r.unit() < 0.08) parts.push('lookahead=(2, 0.5)');
  if (r.unit() < 0.05) parts.push('maximize');
  return `optim ${parts.join(' ')}`;
}

export function randomRun(r: Random): string {
  const parts = ['train steps=4'];
  if (r.unit() < 0.15) parts.push('accumulate=2');
  if (r.unit() < 0.15) parts.push('ema=0.9');
  return parts.join(' ');
}
