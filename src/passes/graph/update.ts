import type { ScalarExpr } from '../../base/scalar.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';

/** State that an optimizer keeps for each parameter, as `optim.exp_avg`. */
export const slotName = (slot: string): string => `optim.${slot}`;

/** Settings of an optimizer by name, checked and complete. */
export type Settings = Readonly<Record<string, number | boolean | readonly number[] | ScalarExpr>>;

/** One parameter's part of the vector. */
export interface Part {
  readonly shape: readonly number[];
  readonly offset: number;
  readonly size: number;
}

export interface UpdateContext {
  readonly b: GraphBuilder;
  /** f32 [n]: all parameters, before the step. */
  readonly p: NodeId;
  /** f32 [n]: their gradients. */
  readonly g: NodeId;
  readonly parts: readonly Part[];
  /** The value of a state before the step, [n] where no other shape is given; zeros before the first. */
  readonly slot: (name: string, shape?: readonly number[]) => NodeId;
  /** Sets a state for the next step. */
  readonly keep: (name: string, value: NodeId) => void;
  /** A number that the host computes for each step, in a shape; [n] where it is not said. */
  readonly scalar: (name: string, expr: ScalarExpr, shape?: readonly number[]) => NodeId;
  /** A setting: a number, or an expression of the step. */
  readonly set: (name: string) => ScalarExpr;
  readonly flag: (name: string) => boolean;
  readonly pair: (name: string) => readonly [number, number];
  /** `x` where weight decay applies, else `other`. */
  readonly decayed: (x: NodeId, other: NodeId) => NodeId;
}

/** Gives the parameters after the step. */
export type UpdateRule = (cx: UpdateContext) => NodeId;

/** The steps that are done after this one. */
export const T: ScalarExpr = ['add', 'step', 1];
export const isZero = (e: ScalarExpr): boolean => e === 0;

/** x times a number of this step. */
export function times(cx: UpdateContext, x: NodeId, factor: ScalarExpr, name: string): NodeId {
  const { b } = cx;
  return b.op('mul', x, typeof factor === 'number' ? b.like(factor, x) : cx.scalar(name, factor, b.shape(x) as number[]));
}

/** a * old + (1 - a) * fresh, kept under a name. */
export function average(cx: UpdateContext, name: string, fresh: NodeId, a: ScalarExpr): NodeId {
  const rest: ScalarExpr = typeof a === 'number' ? 1 - a : ['sub', 1, a];
  const value = cx.b.op('add', times(cx, cx.slot(name), a, `${name}_decay`), times(cx, fresh, rest, `${name}_share`));
  cx.keep(name, value);
  return value;
}

/** g + decay * p, where decay is not 0. */
export function withDecay(cx: UpdateContext): NodeId {
  const decay = cx.set('weight_decay');
  if (isZero(decay)) return cx.g;
  return cx.decayed(cx.b.op('add', cx.g, times(cx, cx.p, decay, 'weight_decay')), cx.g);
}

/** p (1 - lr decay): the decay acts on the parameter, not through the moments. Loshchilov and Hutter, 2019. */
export function shrunk(cx: UpdateContext): NodeId {
  const decay = cx.set('weight_decay');
  if (isZero(decay)) return cx.p;
  return cx.decayed(cx.b.op('mul', cx.p, cx.scalar('decay', ['sub', 1, ['mul', cx.set('lr'), decay]])), cx.p);
}

export const minus = (cx: UpdateContext, p: NodeId, step: NodeId, rate: ScalarExpr = cx.set('lr'), name = 'lr'): NodeId =>
  cx.b.op('sub', p, cx.b.op('mul', cx.scalar(name, rate), step));

export const rooted = (cx: UpdateContext, square: NodeId): NodeId => {
  const { b } = cx;
  const eps = cx.set('eps');
  return b.op('add', b.op('sqrt', square), typeof eps === 'number' ? b.like(eps, square) : cx.scalar('eps', eps));
};

/** The moving averages of the gradient and of its square. */
export function moments(cx: UpdateContext, g: NodeId): readonly [NodeId, NodeId] {
  const [beta1, beta2] = cx.pair('betas');
  return [average(cx, 'exp_avg', g, beta1), average(cx, 'exp_avg_sq', cx.b.op('mul', g, g), beta2)];
}

/** m / (sqrt(v / correction^2) + eps), where correction is sqrt(1 - beta2^t). */
export function normalised(cx: UpdateContext, m: NodeId, v: NodeId): NodeId {
  const { b } = cx;
  const correction = cx.scalar('bias_correction2_sqrt', ['sqrt', ['sub', 1, ['pow', cx.pair('betas')[1], T]]]);
  const root = b.op('div', b.op('sqrt', v), correction);
  const eps = cx.set('eps');
  return b.op('div', m, b.op('add', root, typeof eps === 'number' ? b.like(eps, v) : cx.scalar('eps', eps)));
}

/** Kingma and Ba, 2015. */
export function adamStep(cx: UpdateContext, p: NodeId, g: NodeId): NodeId {
  const { b } = cx;
  const [m, v] = moments(cx, g);
  const stepSize: ScalarExpr = ['div', cx.set('lr'), ['sub', 1, ['pow', cx.pair('betas')[0], T]]];
  // Reddi, Kale and Kumar, 2018: the largest average so far instead of the last.
  const largest = cx.flag('amsgrad') ? b.op('max', cx.slot('max_exp_avg_sq'), v) : v;
  if (cx.flag('amsgrad')) cx.keep('max_exp_avg_sq', largest);
  return minus(cx, p, normalised(cx, m, largest), stepSize, 'step_size');
}
