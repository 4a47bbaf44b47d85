import type { Fn } from './types.ts';

/** The cost of one call of a scalar function; on a vector of four, four times that. */
interface FunctionCost {
  /** In additions, averaged over devices. */
  readonly cost: number;
  /** Floating-point operations: one for any function of numbers, two for a multiply-add, none for moves. */
  readonly flops: number;
}

const of = (cost: number, flops = 1): FunctionCost => ({ cost, flops });
/** Elements move between scalars and vectors. */
const PLACED = of(0, 0);

/** One entry per function of the kernel IR; operations of the tensor IR that are a single function use its figures. */
export const FUNCTION_COSTS: Readonly<Record<Fn, FunctionCost>> = {
  neg: of(1),
  abs: of(1),
  sign: of(1),
  exp: of(8),
  log: of(8),
  log1p: of(12),
  expm1: of(12),
  sqrt: of(4),
  sin: of(12),
  cos: of(12),
  atan: of(16),
  tanh: of(12),
  sigmoid: of(12),
  erf: of(16),
  floor: of(1),
  round_f16: of(1),
  finite: of(1),
  add: of(1),
  sub: of(1),
  mul: of(1),
  div: of(4),
  mod: of(4),
  fmod: of(24),
  pow: of(16),
  max: of(1),
  min: of(1),
  fma: of(1, 2),
  lt: of(1),
  le: of(1),
  eq: of(1),
  before: of(4),
  and: of(1),
  or: of(1),
  not: of(1),
  select: of(1, 0),
  f32: of(0.5),
  i32: of(0.5),
  u32: of(0.5),
  bool: of(1),
  uniform: of(60),
  shuffle: of(300),
  broadcast: of(1, 0),
  splat: PLACED,
  vec4: PLACED,
  x: PLACED,
  y: PLACED,
  z: PLACED,
  w: PLACED,
  // Three operations for the four elements.
  sum4: of(1, 0.75),
  max4: of(1, 0.75),
};
