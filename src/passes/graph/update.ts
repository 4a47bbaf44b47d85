import { fold, type ScalarExpr } from '../../base/scalar.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';

/** The name of an optimizer's state, such as `optim.exp_avg`. */
export const slotName = (slot: string): string => `optim.${slot}`;

/** Settings of an optimizer by name, checked and complete. */
export type Settings = Readonly<Record<string, number | boolean | readonly number[] | ScalarExpr>>;

/** A setting by name, of all parameters or of a group. */
export type Setting = (name: string) => ScalarExpr;
/** A scalar of the step; a function of the settings if groups may override them. */
export type Rate = ScalarExpr | ((set: Setting) => ScalarExpr);

/** One parameter's part of the vector. */
export interface ParamSlice {
  readonly shape: readonly number[];
  readonly offset: number;
  readonly size: number;
  /** A scalar that the host computes for each step from this parameter's settings, broadcast to a shape. */
  readonly scalar: (name: string, rate: Rate, shape: readonly number[]) => NodeId;
  /** Whether weight decay applies to it. */
  readonly decays: boolean;
}

export interface UpdateContext {
  readonly b: GraphBuilder;
  /** f32 [n]: all parameters, before the step. */
  readonly p: NodeId;
  /** f32 [n]: their gradients. */
  readonly g: NodeId;
  readonly parts: readonly ParamSlice[];
  /** The value of a state before the step, zeros before the first; [n] unless a shape is given. */
  readonly slot: (name: string, shape?: readonly number[]) => NodeId;
  /** Sets a state for the next step, unless this one is skipped. */
  readonly keep: (name: string, value: NodeId) => void;
  /** Sets a state for the next step even if this one is skipped because a gradient has overflowed. */
  readonly record: (name: string, value: NodeId) => void;
  /** Whether nothing has been kept before this step, in the shape of x: states are 0 then, whatever their proper initial value. */
  readonly first: (x: NodeId) => NodeId;
  /** A scalar that the host computes for each step, broadcast to a shape; [n] by default. It may differ by group only with [n]. */
  readonly scalar: (name: string, rate: Rate, shape?: readonly number[]) => NodeId;
  /** Applies `of` to each distinct value of a rate, [], and broadcasts over the parameters that have it: [n]. */
  readonly each: (name: string, rate: Rate, of: (value: NodeId, i: number) => NodeId) => NodeId;
  /** The value of a rate that is the same number in every step and for every parameter. */
  readonly plain: (rate: Rate) => number | undefined;
  /** Whether a rate is the same for all parameters. */
  readonly uniform: (rate: Rate) => boolean;
  /** A setting that is the same for all parameters: a number, or an expression of the step. */
  readonly set: Setting;
  readonly flag: (name: string) => boolean;
  readonly pair: (name: string) => readonly [ScalarExpr, ScalarExpr];
  /** `x` where weight decay applies, else `other`. */
  readonly decayed: (x: NodeId, other: NodeId) => NodeId;
}

/** Returns the parameters after the step. */
export type UpdateRule = (cx: UpdateContext) => NodeId;

/** The number of steps including this one. */
export const T: ScalarExpr = ['add', 'step', 1];
export const isZero = (e: ScalarExpr): boolean => e === 0;
/** 1 - a */
export const rest = (a: ScalarExpr): ScalarExpr => fold('sub', 1, a);
export const LR: Rate = (set) => set('lr');
const DECAY: Rate = (set) => set('weight_decay');

/** A scalar of this step in the shape of x. */
export function spread(cx: UpdateContext, x: NodeId, rate: Rate, name: string): NodeId {
  const plain = cx.plain(rate);
  return plain === undefined ? cx.scalar(name, rate, cx.b.shape(x) as number[]) : cx.b.like(plain, x);
}

/** x times a scalar of this step. */
export const times = (cx: UpdateContext, x: NodeId, factor: Rate, name: string): NodeId => cx.b.op('mul', x, spread(cx, x, factor, name));

/** x + eps */
export const plusEps = (cx: UpdateContext, x: NodeId): NodeId => cx.b.op('add', x, spread(cx, x, cx.set('eps'), 'eps'));

/**
 * Whether this is step 0, in the shape of x. That step may be skipped; states ask `first` for the first real step. What counts steps where
 * updates are rarer gives its scalar another name.
 */
export const isStart = (cx: Pick<UpdateContext, 'b' | 'scalar'>, x: NodeId, name = 'steps'): NodeId =>
  cx.b.op('lt', cx.scalar(name, 'step', cx.b.shape(x) as number[]), cx.b.like(0.5, x));

/** a * old + (1 - a) * fresh, stored under a name. */
export function average(cx: UpdateContext, name: string, fresh: NodeId, a: ScalarExpr): NodeId {
  const value = cx.b.op('add', times(cx, cx.slot(name), a, `${name}_decay`), times(cx, fresh, rest(a), `${name}_share`));
  cx.keep(name, value);
  return value;
}

export const decays = (cx: UpdateContext): boolean => cx.plain(DECAY) !== 0;

/** g + decay * p, unless decay is 0. */
export function withDecay(cx: UpdateContext): NodeId {
  return decays(cx) ? cx.decayed(cx.b.op('add', cx.g, times(cx, cx.p, DECAY, 'weight_decay')), cx.g) : cx.g;
}

export const SHRINKING: Rate = (set) => ['sub', 1, ['mul', set('lr'), set('weight_decay')]];

/** p (1 - lr decay): decoupled weight decay, which bypasses the moments (Loshchilov and Hutter, 2019). */
export function shrunk(cx: UpdateContext): NodeId {
  if (!decays(cx)) return cx.p;
  return cx.decayed(cx.b.op('mul', cx.p, cx.scalar('decay', SHRINKING)), cx.p);
}

export const minus = (cx: UpdateContext, p: NodeId, step: NodeId, rate: Rate = LR, name = 'lr'): NodeId =>
  cx.b.op('sub', p, cx.b.op('mul', cx.scalar(name, rate), step));

export const rooted = (cx: UpdateContext, square: NodeId): NodeId => plusEps(cx, cx.b.op('sqrt', square));

/** The moving averages of the gradient and of its square. */
export function moments(cx: UpdateContext, g: NodeId): readonly [NodeId, NodeId] {
  const [beta1, beta2] = cx.pair('betas');
  return [average(cx, 'exp_avg', g, beta1), average(cx, 'exp_avg_sq', cx.b.op('mul', g, g), beta2)];
}

/** m / (sqrt(v / correction^2) + eps), where correction is sqrt(1 - beta2^t). */
export function normalised(cx: UpdateContext, m: NodeId, v: NodeId): NodeId {
  const { b } = cx;
  const correction = cx.scalar('bias_correction2_sqrt', ['sqrt', ['sub', 1, ['pow', cx.pair('betas')[1], T]]]);
  return b.op('div', m, plusEps(cx, b.op('div', b.op('sqrt', v), correction)));
}

/** lr / (1 - beta1^t) */
export const corrected =
  (beta1: ScalarExpr): Rate =>
  (set) => ['div', set('lr'), ['sub', 1, ['pow', beta1, T]]];

/** Kingma and Ba, 2015. */
export function adamStep(cx: UpdateContext, p: NodeId, g: NodeId): NodeId {
  const { b } = cx;
  const [m, v] = moments(cx, g);
  const [beta1] = cx.pair('betas');
  // Reddi, Kale and Kumar, 2018: the largest average so far instead of the latest.
  const largest = cx.flag('amsgrad') ? b.op('max', cx.slot('max_exp_avg_sq'), v) : v;
  if (cx.flag('amsgrad')) cx.keep('max_exp_avg_sq', largest);
  return minus(cx, p, normalised(cx, m, largest), corrected(beta1), 'step_size');
}
