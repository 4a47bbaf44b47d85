import { at } from '../base/errors.ts';
import { fixedShape } from '../base/types.ts';
import type { Kernel, Stmt } from '../ir/kernel/types.ts';
import type { Unroll } from '../passes/schedule/block-writer.ts';
import type { Costs } from '../passes/schedule/cost.ts';
import { innermost, loopLoads, mayOverrun, sharedAxis, tiling, type Target, type Tiling } from '../passes/schedule/tiling.ts';
import type { Group, Schedule } from '../passes/schedule/types.ts';

/** A vector costs as much as a scalar; what pays is using each load in many sums. */
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

/** WebAssembly with SIMD: sixteen vector registers, some of which hold operands. */
export const WASM_TARGET: Target = {
  lanes: 1,
  tiles: true,
  masked: false,
  registers: 12,
  threads: 1,
  costs: CPU_COSTS,
  small: { cost: 20_000, tries: 2 },
  beyond: 4,
  candidates: cpuTilings,
};

/** Tile sizes that divide an axis, largest first. */
function sizes(extent: number): number[] {
  return [8, 6, 5, 4, 3, 2, 1].filter((t) => extent % t === 0);
}

/**
 * The tilings worth trying with vectors of four and few registers: vectors along the innermost axis or along the sum, each with as many
 * rows and columns as accumulators fit.
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
  // Short loops are unrolled; others stay loops, since the loads of several iterations do not fit the registers.
  const unroll: Unroll = shortestLoop(plain.body) <= WRITTEN_OUT ? 'four' : 'none';
  const heights = outer === undefined ? [1] : sizes(at(shape, outer));
  const found: Tiling[] = [];
  /**
   * The heights of the two tallest tiles, `width` vectors (or single sums) wide, that fit the registers with a row and a column of
   * operands.
   */
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

/** Iterations of the shortest loop. */
function shortestLoop(body: readonly Stmt[]): number {
  return body.reduce((n, s) => ('body' in s ? Math.min(n, s.kind === 'for' ? s.extent : n, shortestLoop(s.body)) : n), Infinity);
}

/** If results have no axis for vectors: vectors along the sum. */
function plainLoops(rank: number, plain: Kernel, target: Target): Tiling[] {
  return loopLoads(plain.body).length > 0 ? [tiling(rank, { unroll: 'vector', masked: target.masked, gathered: false })] : [];
}
