import { at } from '../../base/errors.ts';
import { FUNCTION_COSTS } from '../../ir/kernel/function-costs.ts';
import { isVector } from '../../ir/kernel/functions.ts';
import { endsOfRounds } from '../../ir/kernel/rounds.ts';
import type { Expr, Fn, Kernel, Stmt } from '../../ir/kernel/types.ts';

/** The costs of a kind of device, besides functions, in additions. */
export interface Costs {
  /** A load from cache; a vector of four costs little more than one element. */
  readonly load: number;
  readonly vectorLoad: number;
  /** An iteration of a loop. */
  readonly loop: number;
  /** Starting a thread and working out its indices. */
  readonly thread: number;
  /** A function on a vector of four. */
  readonly vector: number;
  /** The cost of index arithmetic relative to other arithmetic. */
  readonly index: number;
  /**
   * Registers, if the values of a loop iteration should fit into them: engines load everything of an iteration first, and spill what does
   * not fit.
   */
  readonly registers?: number;
  /** Functions whose cost differs from the default. */
  readonly functions: Partial<Readonly<Record<Fn, number>>>;
}

export const GPU_COSTS: Costs = { load: 6, vectorLoad: 8, loop: 2, thread: 30, vector: 4, index: 0.5, functions: {} };
/** A branch is taken a little more than half of the time. */
export const TAKEN = 0.6;

function exprCost(e: Expr, c: Costs): number {
  if (e.kind === 'load') return (isVector(e.type) ? c.vectorLoad : c.load) + exprCost(e.index, c) * c.index;
  if (e.kind === 'item') return exprCost(e.index, c);
  if (e.kind !== 'call') return 0;
  const width = isVector(e.type) ? c.vector : 1;
  return (c.functions[e.fn] ?? FUNCTION_COSTS[e.fn].cost) * width + e.args.reduce((n, a) => n + exprCost(a, c), 0);
}

function bodyCost(body: readonly Stmt[], c: Costs): number {
  let total = 0;
  for (const s of body) {
    if ('value' in s) total += exprCost(s.value, c);
    if ('values' in s) for (const e of s.values) total += exprCost(e, c);
    if (s.kind === 'store') total += (isVector(s.value.type) ? c.vectorLoad : c.load) + exprCost(s.index, c) * c.index;
    if (s.kind === 'if') total += exprCost(s.condition, c) + TAKEN * bodyCost(s.body, c);
    if (s.kind === 'for') total += s.extent * (c.loop + bodyCost(s.body, c) + 2 * spilled(s.body, c.registers ?? Infinity));
  }
  return total;
}

/**
 * Values of an iteration of an innermost loop that do not fit the registers, beside its sums: of what is loaded, or of what each round of a product
 * loads, with what a later one reads as well.
 */
function spilled(body: readonly Stmt[], registers: number): number {
  if (registers === Infinity || body.some((s) => s.kind === 'for')) return 0;
  const lets = body.reduce((n, s) => n + (s.kind === 'let' ? 1 : 0), 0);
  const free = registers - new Set(body.flatMap((s) => (s.kind === 'set' ? [s.name] : []))).size;
  // Mostly everything fits.
  if (lets <= free) return 0;
  const ends = endsOfRounds(body);
  if (ends.length < 2) return lets - free;
  const rounds = ends.map((end, i) => body.slice(i === 0 ? 0 : at(ends, i - 1) + 1, end + 1));
  const lastUse = new Map<string, number>();
  rounds.forEach((round, i) => {
    for (const s of round) if ('value' in s) eachValue(s.value, (name) => lastUse.set(name, i));
  });
  const held = new Set<string>();
  return rounds.reduce((total, round, i) => {
    for (const s of round) if (s.kind === 'let') held.add(s.name);
    const now = held.size;
    for (const name of [...held]) if ((lastUse.get(name) ?? 0) <= i) held.delete(name);
    return total + Math.max(0, now - free);
  }, 0);
}

/** The names in an expression, but for those that only say where something is in memory. */
function eachValue(e: Expr, found: (name: string) => void): void {
  if (e.kind === 'ref') found(e.name);
  else if (e.kind === 'call') for (const a of e.args) eachValue(a, found);
}

/** The estimated time of a kernel, in additions, on a device that runs `threads` threads at once. */
export function kernelCost(kernel: Kernel, threads: number, costs = GPU_COSTS): number {
  const points = kernel.axes.reduce((n, a) => n * a.extent, 1) * kernel.lanes;
  return (costs.thread + bodyCost(kernel.body, costs)) * Math.max(points, threads);
}

/** The estimated time of a kernel on one workgroup of `threads` threads, in additions of one thread. */
export function workgroupCost(kernel: Kernel, threads: number): number {
  const points = kernel.axes.reduce((n, a) => n * a.extent, 1);
  return Math.ceil(points / (kernel.lanes > 1 ? 1 : threads)) * (GPU_COSTS.thread + bodyCost(kernel.body, GPU_COSTS));
}
