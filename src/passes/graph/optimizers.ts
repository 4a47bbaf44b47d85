import { fold, type ScalarExpr } from '../../base/scalar.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { adafactor } from './adafactor.ts';
import { lbfgs } from './lbfgs.ts';
import { muon } from './muon.ts';
import { rprop } from './rprop.ts';
import {
  T,
  adamStep,
  average,
  corrected,
  decays,
  isZero,
  minus,
  moments,
  normalised,
  plusEps,
  rest,
  rooted,
  shrunk,
  spread,
  times,
  withDecay,
  type Rate,
  type UpdateContext,
  type UpdateRule,
} from './update.ts';

/** For each parameter, a function of the sum over its part, broadcast over the part: [n]. */
function perPart(cx: UpdateContext, x: NodeId, of: (sum: NodeId) => NodeId): NodeId {
  const { b } = cx;
  const parts = cx.parts.map(({ offset, size }) => b.splat(of(b.sum(b.add('slice', [x], { start: [offset], size: [size] }), [0])), [size]));
  return b.add('concat', parts, { axis: 0 });
}

/** The updates of torch.optim, with its order of operations, and some that it lacks. */
export const UPDATES: Readonly<Record<string, UpdateRule>> = {
  sgd(cx) {
    const { b } = cx;
    const momentum = cx.set('momentum');
    let g = withDecay(cx);
    if (!isZero(momentum)) {
      // In the first step the buffer is the gradient itself, whatever the dampening (torch.optim.SGD).
      const kept = times(cx, cx.slot('momentum_buffer'), momentum, 'momentum');
      const dampening = cx.set('dampening');
      const fresh = isZero(dampening) ? g : b.op('select', cx.first(g), g, times(cx, g, rest(dampening), 'fresh'));
      const buffer = b.op('add', kept, fresh);
      cx.keep('momentum_buffer', buffer);
      g = cx.flag('nesterov') ? b.op('add', g, times(cx, buffer, momentum, 'momentum')) : buffer;
    }
    return minus(cx, cx.p, g);
  },

  adam: (cx) => adamStep(cx, cx.p, withDecay(cx)),
  adamw: (cx) => adamStep(cx, shrunk(cx), cx.g),

  /** Dozat, 2016. The running product of the momenta is a separate state. */
  nadam(cx) {
    const { b } = cx;
    const [beta1] = cx.pair('betas');
    const one = { dtype: 'f32', shape: [] } as const;
    const mu = (t: ScalarExpr): ScalarExpr => ['mul', beta1, ['sub', 1, ['mul', 0.5, ['pow', 0.96, ['mul', t, cx.set('momentum_decay')]]]]];
    const unit = b.full(1, one);
    const before = b.op('select', cx.first(unit), unit, cx.slot('mu_product', []));
    const product = b.op('mul', before, cx.scalar('mu', mu(T), []));
    cx.keep('mu_product', product);
    const decoupled = cx.flag('decoupled_weight_decay');
    const g = decoupled ? cx.g : withDecay(cx);
    const [m, v] = moments(cx, g);
    const shape = b.shape(cx.p);
    const next = b.op('mul', product, cx.scalar('mu_next', mu(['add', 'step', 2]), []));
    const share = (x: NodeId, factor: Rate, name: string, mass: NodeId): NodeId => {
      const left = b.op('sub', b.full(1, one), mass);
      // A scalar if all groups agree on it.
      return cx.uniform(factor)
        ? b.op('mul', x, b.splat(b.op('div', cx.scalar(name, factor, []), left), shape))
        : b.op('mul', x, b.op('div', cx.scalar(name, factor), b.splat(left, shape)));
    };
    const fromGradient = share(g, (set) => ['mul', set('lr'), ['sub', 1, mu(T)]], 'gradient_share', product);
    const fromMoment = share(m, (set) => ['mul', set('lr'), mu(['add', 'step', 2])], 'moment_share', next);
    const step = normalised(cx, b.op('add', fromGradient, fromMoment), v);
    return b.op('sub', decoupled ? shrunk(cx) : cx.p, step);
  },

  /** Liu et al., 2020: plain momentum until the variance of the adaptive rate is tractable. */
  radam(cx) {
    const { b } = cx;
    const [beta1, beta2] = cx.pair('betas');
    const decoupled = cx.flag('decoupled_weight_decay');
    const [m, v] = moments(cx, decoupled ? cx.g : withDecay(cx));
    const most = fold('sub', fold('div', 2, rest(beta2)), 1);
    const power: ScalarExpr = ['pow', beta2, T];
    const rho: ScalarExpr = ['sub', most, ['div', ['mul', 2, ['mul', T, power]], ['sub', 1, power]]];
    const scale = fold('mul', fold('sub', most, 4), fold('sub', most, 2));
    const ratio: ScalarExpr = ['div', ['mul', ['mul', ['sub', rho, 4], ['sub', rho, 2]], most], ['mul', scale, rho]];
    const rectified: ScalarExpr = ['mul', ['sqrt', ['max', 0, ratio]], ['sqrt', ['sub', 1, power]]];
    const known = b.op('lt', b.like(0.5, v), cx.scalar('rectifies', ['lt', 5, rho]));
    const rate = b.op('select', known, b.op('div', cx.scalar('rectification', rectified), rooted(cx, v)), b.like(1, v));
    const p = decoupled ? shrunk(cx) : cx.p;
    return minus(cx, p, b.op('mul', m, rate), corrected(beta1), 'step_size');
  },

  /** Kingma and Ba, 2015, section 7.1. */
  adamax(cx) {
    const { b } = cx;
    const [beta1, beta2] = cx.pair('betas');
    const g = withDecay(cx);
    const m = average(cx, 'exp_avg', g, beta1);
    const size = plusEps(cx, b.op('abs', g));
    const largest = b.op('max', b.op('mul', cx.slot('exp_inf'), spread(cx, g, beta2, 'exp_inf_decay')), size);
    cx.keep('exp_inf', largest);
    return minus(cx, cx.p, b.op('div', m, largest), corrected(beta1), 'step_size');
  },

  /** Tieleman and Hinton, 2012. */
  rmsprop(cx) {
    const { b } = cx;
    const g = withDecay(cx);
    const square = average(cx, 'square_avg', b.op('mul', g, g), cx.set('alpha'));
    let variance = square;
    if (cx.flag('centered')) {
      const mean = average(cx, 'grad_avg', g, cx.set('alpha'));
      // Rounding may make it negative, and the root NaN.
      variance = b.op('max', b.op('sub', square, b.op('mul', mean, mean)), b.like(0, square));
    }
    let step = b.op('div', g, rooted(cx, variance));
    const momentum = cx.set('momentum');
    if (!isZero(momentum)) {
      step = b.op('add', times(cx, cx.slot('momentum_buffer'), momentum, 'momentum'), step);
      cx.keep('momentum_buffer', step);
    }
    return minus(cx, cx.p, step);
  },

  /** Duchi, Hazan and Singer, 2011. */
  adagrad(cx) {
    const { b } = cx;
    const g = withDecay(cx);
    const sum = b.op('add', cx.slot('sum'), b.op('mul', g, g));
    cx.keep('sum', sum);
    const lr: Rate = (set) => ['div', set('lr'), ['add', 1, ['mul', 'step', cx.set('lr_decay')]]];
    // States start at 0, so the initial value is added where the sum is read.
    const initial = cx.set('initial_accumulator_value');
    const total = isZero(initial) ? sum : b.op('add', sum, spread(cx, sum, initial, 'initial_accumulator_value'));
    return minus(cx, cx.p, b.op('div', g, rooted(cx, total)), lr);
  },

  /** Zeiler, 2012. */
  adadelta(cx) {
    const { b } = cx;
    const g = withDecay(cx);
    const square = average(cx, 'square_avg', b.op('mul', g, g), cx.set('rho'));
    const delta = b.op('mul', b.op('div', b.op('sqrt', plusEps(cx, cx.slot('acc_delta'))), b.op('sqrt', plusEps(cx, square))), g);
    average(cx, 'acc_delta', b.op('mul', delta, delta), cx.set('rho'));
    return minus(cx, cx.p, delta);
  },

  /** Chen et al., 2023. */
  lion(cx) {
    const { b } = cx;
    const [beta1, beta2] = cx.pair('betas');
    const before = cx.slot('exp_avg');
    const direction = b.op('sign', b.op('add', times(cx, before, beta1, 'kept_share'), times(cx, cx.g, rest(beta1), 'fresh_share')));
    average(cx, 'exp_avg', cx.g, beta2);
    return minus(cx, shrunk(cx), direction);
  },

  /** You et al., 2020: Adam's direction, rescaled for each parameter to the norm of the parameter. */
  lamb(cx) {
    const { b } = cx;
    const [m, v] = moments(cx, cx.g);
    const hat = times(cx, m, ['div', 1, ['sub', 1, ['pow', cx.pair('betas')[0], T]]], 'unbiased');
    const direction = normalised(cx, hat, v);
    const decay = times(cx, cx.p, (set) => set('weight_decay'), 'weight_decay');
    const u = decays(cx) ? cx.decayed(b.op('add', direction, decay), direction) : direction;
    const norm = (x: NodeId): NodeId => perPart(cx, b.op('mul', x, x), (s) => b.op('sqrt', s));
    const [size, length] = [norm(cx.p), norm(u)];
    const zero = b.like(0, size);
    const both = b.op('and', b.op('lt', zero, size), b.op('lt', zero, length));
    const one = b.like(1, size);
    const trust = b.op('select', both, b.op('div', size, b.op('select', both, length, one)), one);
    return minus(cx, cx.p, b.op('mul', trust, u));
  },

  /** Polyak and Juditsky, 1992. The averages are stored next to the parameters, as in torch.optim.ASGD. */
  asgd(cx) {
    const { b } = cx;
    const g = withDecay(cx);
    const lambd = cx.set('lambd');
    const eta = (lr: ScalarExpr): ScalarExpr => ['div', lr, ['pow', ['add', 1, ['mul', ['mul', lambd, lr], 'step']], cx.set('alpha')]];
    const kept = b.op(
      'mul',
      cx.p,
      cx.scalar('term_decay', (set) => ['sub', 1, ['mul', lambd, eta(set('lr'))]]),
    );
    const next = minus(cx, kept, g, (set) => eta(set('lr')), 'eta');
    const before = cx.slot('ax');
    const mu: ScalarExpr = ['div', 1, ['max', 1, ['sub', 'step', cx.set('t0')]]];
    // As long as mu is 1, the average is set to the parameters.
    const average = b.op('add', before, b.op('mul', b.op('sub', next, before), cx.scalar('mu', mu)));
    const starts = b.op('or', cx.first(next), b.op('le', b.like(1, next), cx.scalar('mu', mu)));
    cx.keep('ax', b.op('select', starts, next, average));
    return next;
  },

  rprop,
  adafactor,
  lbfgs,
  muon,
};
