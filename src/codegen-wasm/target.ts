import { at } from '../base/errors.ts';
import { fixedShape } from '../base/types.ts';
import type { Kernel, Stmt } from '../ir/kernel/types.ts';
import type { Unroll } from '../passes/schedule/block-writer.ts';
import type { Costs } from '../passes/schedule/cost.ts';
import { innermost, loopLoads, mayOverrun, sharedAxis, tiling, type Target, type Tiling } from '../passes/schedule/tiling.ts';
import type { Group, Schedule } from '../passes/schedule/types.ts';

/** A vector costs what a scalar does; what pays is that each load serves many sums. */
export const CPU_COSTS: Costs = {
  load: 1.2,
  vectorLoad: 1,
  loop: 2,
  thread: 4,
  vector: 1,
  index: 0.1,
  registers: 15,
  functions: { vec4: 4, x: 1, y: 1, z: 1, w: 1, sum4: 8, max4: 8, fma: 1.5 },
};

/** WebAssembly with SIMD: sixteen registers of vectors, some of which hold operands. */
export const WASM_TARGET: Target = {
  lanes: 1,
  tiles: true,
  masked: false,
  registers: 12,
  threads: 1,
  costs: CPU_COSTS,
  worthTrying: 20_000,
  beyond: 4,
  candidates: cpuTilings,
};

/** Points along an axis that one thread computes together, from many to few; they divide it. */
function sizes(extent: number): number[] {
  return [8, 6, 5, 4, 3, 2, 1].filter((t) => extent % t === 0);
}

/**
 * The tilings worth trying where vectors are four wide and registers few: vectors along the innermost axis, or along the
 * axis that is summed, each with as many rows and columns as there are accumulators.
 */
function cpuTilings(s: Schedule, group: Group, plain: Kernel, target: Target): Tiling[] {
  const shape = fixedShape(at(s.graph.nodes, at(group.stores, 0).node).type.shape);
  const inner = innermost(shape);
  if (inner < 0 || group.stores.some((st) => st.perStep)) return plainLoops(shape.length, plain, target);
  const extent = at(shape, inner);
  const vectors = extent % 4 === 0 || mayOverrun(s, group, plain, shape, inner);
  const make = (tile: readonly number[], vector: number, unroll: Unroll): Tiling =>
    tiling(shape.length, { tile, vector, unroll, masked: target.masked, gathered: false });
  const tileOf = (rows: number, outer: number | undefined, columns: number): number[] =>
    shape.map((_, axis) => (axis === inner ? columns : axis === outer ? rows : 1));
  const loads = loopLoads(plain.body);
  if (loads.length === 0) return vectors ? [make(tileOf(1, undefined, 4), inner, 'none')] : [];
  const outer = sharedAxis(loads, shape, inner);
  // Short loops are written out; others are left to the engine, since the loads of several rounds do not fit the registers.
  const unroll: Unroll = shortestLoop(plain.body) <= WRITTEN_OUT ? 'four' : 'none';
  const heights = outer === undefined ? [1] : sizes(at(shape, outer));
  const found: Tiling[] = [];
  /** The two highest tiles of so many vectors (or single sums) in a row that registers hold, with a row and a column of operands. */
  const fitting = (width: number): number[] =>
    heights.filter((rows) => rows * width <= target.registers && rows * width + Math.min(rows, width) < SIMD_REGISTERS).slice(0, 2);
  for (const columns of [16, 8, 4].filter((c) => (c === 4 ? vectors : extent % c === 0)))
    for (const rows of fitting(columns / 4)) found.push(make(tileOf(rows, outer, columns), inner, unroll));
  for (const columns of sizes(extent).slice(0, 4))
    for (const rows of fitting(columns).slice(0, 1)) found.push(make(tileOf(rows, outer, columns), -1, 'vector'));
  return found;
}

const SIMD_REGISTERS = 16;
const WRITTEN_OUT = 9;

/** Rounds of the shortest loop. */
function shortestLoop(body: readonly Stmt[]): number {
  return body.reduce((n, s) => ('body' in s ? Math.min(n, s.kind === 'for' ? s.extent : n, shortestLoop(s.body)) : n), Infinity);
}

/** Where results lie alone: vectors along what is summed. */
function plainLoops(rank: number, plain: Kernel, target: Target): Tiling[] {
  return loopLoads(plain.body).length > 0 ? [tiling(rank, { unroll: 'vector', masked: target.masked, gathered: false })] : [];
}
