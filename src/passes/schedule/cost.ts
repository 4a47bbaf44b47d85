import { isVector } from '../../ir/kernel/functions.ts';
import type { Expr, Fn, Kernel, Stmt } from '../../ir/kernel/types.ts';

/** Cost of one scalar function in units of an addition; what is not named costs 1. */
const FUNCTION_COST: Partial<Readonly<Record<Fn, number>>> = {
  splat: 0,
  vec4: 0,
  x: 0,
  y: 0,
  z: 0,
  w: 0,
  f32: 0.5,
  i32: 0.5,
  u32: 0.5,
  div: 4,
  mod: 4,
  sqrt: 4,
  exp: 8,
  log: 8,
  log1p: 12,
  expm1: 12,
  sin: 12,
  cos: 12,
  atan: 16,
  tanh: 12,
  sigmoid: 12,
  erf: 16,
  pow: 16,
  uniform: 60,
  shuffle: 300,
};
/** A load from a cache, which a vector of four costs little more than one element. */
const LOAD = 6;
const VECTOR_LOAD = 8;
const LOOP = 2;
/** Starting a thread: its place among the points is worked out. */
const THREAD = 30;
/** A branch is taken about as often as not. */
const TAKEN = 0.6;

function exprCost(e: Expr): number {
  if (e.kind === 'load') return (isVector(e.type) ? VECTOR_LOAD : LOAD) + exprCost(e.index) * 0.5;
  if (e.kind !== 'call') return 0;
  const width = isVector(e.type) ? 4 : 1;
  return (FUNCTION_COST[e.fn] ?? 1) * width + e.args.reduce((n, a) => n + exprCost(a), 0);
}

function bodyCost(body: readonly Stmt[]): number {
  let total = 0;
  for (const s of body) {
    if ('value' in s) total += exprCost(s.value);
    if (s.kind === 'store') total += (isVector(s.value.type) ? VECTOR_LOAD : LOAD) + exprCost(s.index) * 0.5;
    if (s.kind === 'if') total += exprCost(s.condition) + TAKEN * bodyCost(s.body);
    if (s.kind === 'for') total += s.extent * (LOOP + bodyCost(s.body));
  }
  return total;
}

/** About how long a kernel takes, in additions, on a device that runs so many threads at once. */
export function kernelCost(kernel: Kernel, threads: number): number {
  const points = kernel.axes.reduce((n, a) => n * a.extent, 1) * kernel.lanes;
  return (THREAD + bodyCost(kernel.body)) * Math.max(points, threads);
}

/** About how long one workgroup of so many threads takes for a kernel, in additions of one thread. */
export function workgroupCost(kernel: Kernel, threads: number): number {
  const points = kernel.axes.reduce((n, a) => n * a.extent, 1);
  return Math.ceil(points / (kernel.lanes > 1 ? 1 : threads)) * (THREAD + bodyCost(kernel.body));
}
