import { erf, half, pow, sigmoid } from '../../base/math.ts';
import type { Op } from './types.ts';

/**
 * What the pointwise operations mean on numbers, in float64 (bool is 0 or 1). The reference evaluates with these and the
 * simplifier folds constants with them, so that both agree by construction.
 */
export const POINTWISE = {
  neg: (x) => -x,
  abs: Math.abs,
  sign: Math.sign,
  exp: Math.exp,
  log: Math.log,
  log1p: Math.log1p,
  expm1: Math.expm1,
  sqrt: Math.sqrt,
  sin: Math.sin,
  cos: Math.cos,
  atan: Math.atan,
  tanh: Math.tanh,
  sigmoid,
  erf,
  floor: Math.floor,
  half,
  finite: (x) => (Number.isFinite(x) ? 1 : 0),
  not: (x) => (x === 0 ? 1 : 0),
  detach: (x) => x,
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  idiv: (a, b) => Math.trunc(a / b),
  mod: (a, b) => a % b,
  pow,
  max: Math.max,
  min: Math.min,
  lt: (a, b) => (a < b ? 1 : 0),
  le: (a, b) => (a <= b ? 1 : 0),
  eq: (a, b) => (a === b ? 1 : 0),
  and: (a, b) => (a !== 0 && b !== 0 ? 1 : 0),
  or: (a, b) => (a !== 0 || b !== 0 ? 1 : 0),
  select: (c, a, b) => (c !== 0 ? a : b),
} as const satisfies Partial<Record<Op, (...xs: number[]) => number>>;

export type PointwiseOp = keyof typeof POINTWISE;

export function isPointwise(op: Op): op is PointwiseOp {
  return op in POINTWISE;
}

export function pointwise(op: PointwiseOp): (...xs: number[]) => number {
  return POINTWISE[op];
}
