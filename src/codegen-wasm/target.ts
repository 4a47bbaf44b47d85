import { at } from '../base/errors.ts';
import { fixedShape } from '../base/types.ts';
import type { Kernel, Stmt } from '../ir/kernel/types.ts';
import type { Unroll } from '../passes/schedule/block-writer.ts';
import type { Costs } from '../passes/schedule/cost.ts';
import {
  innermost,
  loopLoads,
  mayOverrun,
  mixedTile,
  names,
  sharedAxis,
  tiling,
  type LoopLoad,
  type Target,
  type Tiling,
} from '../passes/schedule/tiling.ts';
import { axisName } from '../passes/schedule/naming.ts';
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
  const whole = mixedTile(s, group, shape);
  if (whole) return [make(whole.tile, whole.vector, 'none')];
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
    for (const rows of fitting(columns).slice(0, 1)) {
      found.push(make(tileOf(rows, outer, columns), -1, 'vector'));
      // What follows the sums may be worth vectors as well.
      if (vectors && columns === 4) found.push(make(tileOf(rows, outer, columns), inner, 'vector'));
    }
  if (outer !== undefined && at(shape, outer) % 4 === 0)
    found.push(...acrossRows(shape, loads, inner, outer, (tile) => make(tile, outer, unroll)));
  return found;
}

/**
 * Vectors across rows, for rows that are no whole vectors (images of 14 pixels, windows of 3) or whose weights are used again and again: their
 * elements are loaded one by one, once for all columns of a tile, and for its layers along a third axis.
 */
function acrossRows(
  shape: readonly number[],
  loads: readonly LoopLoad[],
  inner: number,
  outer: number,
  make: (tile: readonly number[]) => Tiling,
): Tiling[] {
  const third = sharedAxis(
    loads.filter((l) => names(l.index).has(axisName(outer))),
    shape.map((extent, axis) => (axis === outer ? 1 : extent)),
    inner,
  );
  const found: { readonly tile: readonly number[]; readonly sums: number }[] = [];
  for (const width of [4, 2, 1])
    for (const columns of divisors(at(shape, inner)))
      for (const layers of third === undefined ? [1] : divisors(at(shape, third))) {
        const sums = columns * layers * width;
        // A vector of weights, the element that it is multiplied with, and their product need registers as well, and the engine keeps one.
        if (at(shape, outer) % (4 * width) > 0 || sums + width + 2 >= SIMD_REGISTERS) continue;
        const tile = shape.map((_, axis) => (axis === outer ? 4 * width : axis === inner ? columns : axis === third ? layers : 1));
        found.push({ tile, sums });
      }
  return found
    .sort((a, b) => b.sums - a.sums)
    .slice(0, 2)
    .map(({ tile }) => make(tile));
}

/** Numbers up to 14 that divide an extent. */
const divisors = (extent: number): number[] => Array.from({ length: 14 }, (_, i) => 14 - i).filter((t) => extent % t === 0);

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
