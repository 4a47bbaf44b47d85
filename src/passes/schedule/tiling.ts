import { at } from '../../base/errors.ts';
import { fixedShape } from '../../base/types.ts';
import type { Expr, Kernel, MatrixUnit, Stmt } from '../../ir/kernel/types.ts';
import { visitExpr, visitKernel } from '../../ir/kernel/visit.ts';
import type { Unroll } from './block-writer.ts';
import type { Costs } from './cost.ts';
import { axisName } from './naming.ts';
import { subgroupTiles } from './subgroup-tiling.ts';
import { STAGES, stagedWay, stageSizeFor, threadsOf, type StageSize } from './staging.ts';
import type { Group, Schedule } from './types.ts';

/** How the points of a kernel are distributed over threads, and how a thread iterates over its own. */
export interface Tiling {
  /** Points of one thread along each axis of the result. */
  readonly tile: readonly number[];
  /** The axis along which four points form a vector; -1 for none. */
  readonly vector: number;
  readonly unroll: Unroll;
  /** Lanes of a workgroup that share one point. */
  readonly lanes: number;
  /** Size of a subgroup whose threads each load one of the values that all of them need; 1 if each loads for itself. */
  readonly subgroup: number;
  /** The axis that varies slowest from thread to thread, if it is not the first. */
  readonly leading: number;
  /** If a workgroup brings parts of a product's operands into its memory: how large they are. */
  readonly staged?: StageSize | undefined;
  /** Loads outside a padded value are harmless: their results are dropped instead of branching around the load. */
  readonly masked: boolean;
  /** The step of a variable if the same thread also reads the neighbouring elements. */
  readonly neighbours: (variable: string) => number | undefined;
}

/** What a kind of device needs of its kernels. */
export interface Target {
  /** Lanes that may share a long reduction; 1 if there are no workgroups. */
  readonly lanes: number;
  /** Whether kernels may use vectors and tiles. */
  readonly tiles: boolean;
  readonly masked: boolean;
  /** Accumulators that one thread keeps in registers. */
  readonly registers: number;
  /** The same, if threads of a subgroup load for one another. */
  readonly shared?: number;
  /** Threads that are guaranteed to run as one subgroup. */
  readonly subgroup?: number;
  /** Matrix units that products may use. */
  readonly units?: readonly MatrixUnit[] | undefined;
  /** Whether workgroups have fast memory, in which a product's operands pay to be staged. */
  readonly stages?: boolean;
  /** Whether loads are named, shared and hoisted out of loops, because the device's compiler cannot do it. */
  readonly sharesLoads?: boolean;
  /** Whether statements that repeat for all rows of a tile become a loop, because compiling takes long. */
  readonly rerolls?: boolean;
  /** Threads that run at once: fewer leave the device idle. */
  readonly threads: number;
  /** Costs, if they differ from those of a GPU. */
  readonly costs?: Costs;
  /** Of the candidates for kernels that cost less than this, only the first few are tried. */
  readonly small?: { readonly cost: number; readonly tries: number };
  /** How many elements past the end of a tensor may be read, since memory continues there. */
  readonly beyond?: number;
  /** The tilings of measured kernels, by the hash of their signature: see {@link tilingKey}. */
  readonly tuned?: ReadonlyMap<string, string> | undefined;
  /** The tilings worth trying, if not {@link tilings}. */
  readonly candidates?: (s: Schedule, group: Group, plain: Kernel, target: Target) => Tiling[];
}

/** A tiling as text; equal tilings have equal keys. */
export function tilingKey({ tile, vector, unroll, lanes, subgroup, leading, staged }: Tiling): string {
  if (staged) return `${staged.rows} by ${staged.columns} by ${staged.depth} staged, ${staged.tall}x${staged.wide} in ${staged.slices}`;
  const parts = [tile.join('x') || '1', unroll === 'none' ? '' : unroll];
  if (vector >= 0) parts.push(`vectors along ${vector}`);
  if (subgroup > 1) parts.push(`rows along ${leading} read by ${subgroup}`);
  if (lanes > 1) parts.push(`${lanes} lanes`);
  return parts.filter((p) => p !== '').join(', ');
}

export function tiling(
  rank: number,
  given: {
    readonly tile?: readonly number[];
    readonly vector?: number;
    readonly unroll?: Unroll;
    readonly lanes?: number;
    readonly subgroup?: number;
    readonly leading?: number;
    readonly masked?: boolean;
    /** Whether adjacent elements are loaded as vectors. */
    readonly gathered?: boolean;
    readonly staged?: StageSize;
  },
): Tiling {
  const { tile = Array<number>(rank).fill(1), vector = -1, unroll = 'none', lanes = 1, masked = false, gathered = true } = given;
  const { subgroup = 1, leading = -1 } = given;
  const steps = new Map(tile.map((points, axis) => [axisName(axis), points]));
  // Loops that are unrolled by four move by four.
  const loopStep = unroll === 'none' || unroll === 'short' ? 1 : 4;
  const neighbours = (variable: string): number | undefined => {
    const step = steps.get(variable) ?? loopStep;
    return gathered && step % 4 === 0 ? step : undefined;
  };
  return { tile, vector, unroll, lanes, subgroup, leading, masked, neighbours, staged: given.staged };
}

/** Tile sizes that divide an axis, largest first. */
function tileSizes(extent: number): number[] {
  const even = [8, 4, 2].filter((t) => extent % t === 0);
  if (even.includes(4)) return [...even, 1];
  const odd = [13, 11, 10, 9, 7, 6, 5, 3].filter((t) => extent % t === 0).slice(0, 2);
  return [...odd, ...even, 1];
}

/** The innermost axis with more than one element: results are contiguous along it. */
export function innermost(shape: readonly number[]): number {
  let axis = shape.length - 1;
  while (axis >= 0 && shape[axis] === 1) axis--;
  return axis;
}

/** Whether vectors of four may run past the end of a tensor, where memory belongs to nothing else. */
export function mayOverrun(s: Schedule, group: Group, plain: Kernel, shape: readonly number[], inner: number): boolean {
  return (
    readsInStep(plain, axisName(inner)) &&
    plain.buffers.every((b) => b.offset % 4 === 0) &&
    shape.filter((d) => d > 1).length === 1 &&
    group.stores.every((st) => !st.perStep && st.offset + shape.reduce((a, b) => a * b, 1) === s.tensors.get(st.tensor)?.size)
  );
}

/** The stride of a sum in a variable; undefined if it is not constant. Loads inside it do not count. */
function factor(e: Expr, name: string): number | undefined {
  if (e.kind === 'ref') return e.name === name ? 1 : 0;
  if (e.kind !== 'call') return 0;
  const parts = e.args.map((a) => factor(a, name));
  if (parts.every((p) => p === 0)) return 0;
  const [a, b] = parts;
  const [, by] = e.args;
  if (a === undefined || b === undefined) return undefined;
  if (e.fn === 'add') return a + b;
  if (e.fn === 'sub') return a - b;
  return e.fn === 'mul' && by?.kind === 'literal' ? a * by.value : undefined;
}

/** Whether every load moves with the axis by at most one element, so that vectors only overrun at their end. */
function readsInStep(plain: Kernel, axis: string): boolean {
  let ok = true;
  visitKernel(plain, { load: ({ index }) => (ok &&= [0, 1].includes(factor(index, axis) ?? -1)) });
  return ok;
}

/**
 * The tilings worth trying for a group, besides the plain one: tiles along the innermost axis and along the axis that lets the inner loops
 * share most loads.
 */
export function tilings(s: Schedule, group: Group, plain: Kernel, target: Target): Tiling[] {
  const shape = fixedShape(at(s.graph.nodes, at(group.stores, 0).node).type.shape);
  const inner = innermost(shape);
  if (plain.lanes > 1 || inner < 0 || group.stores.some((st) => st.perStep)) return [];
  const { masked } = target;
  const extent = at(shape, inner);
  const vectors = extent % 4 === 0 || mayOverrun(s, group, plain, shape, inner);
  const make = (tile: readonly number[], vector: number, unroll: Unroll): Tiling => tiling(shape.length, { tile, vector, unroll, masked });
  const whole = mixedTile(s, group, shape);
  if (whole) return [make(whole.tile, whole.vector, 'none')];
  const ones = shape.map(() => 1);
  const withInner = (tile: readonly number[], t: number): number[] => tile.map((v, i) => (i === inner ? t : v));
  const loads = loopLoads(plain.body);
  if (loads.length === 0) {
    if (vectors) return [make(withInner(ones, 4), inner, 'none')];
    // If working out a thread's indices is expensive, a thread should compute several neighbouring points.
    const several = target.rerolls ? tileSizes(extent).filter((t) => t > 1 && t <= target.registers) : [];
    return several.map((t) => make(withInner(ones, t), -1, 'none'));
  }
  const alongInner: { readonly t: number; readonly vector: boolean }[] = [
    ...(extent % 8 === 0 ? [{ t: 8, vector: true }] : []),
    ...(vectors ? [{ t: 4, vector: true }] : []),
    ...(vectors ? [] : tileSizes(extent).map((t) => ({ t, vector: false }))),
    { t: 1, vector: false },
  ];
  const unrolls = unrollsOf(loads, target);
  const found: Tiling[] = [];
  const seen = new Set<string>();
  const outer = sharedAxis(loads, shape, inner);
  for (const t of outer === undefined ? [1] : tileSizes(at(shape, outer))) {
    for (const i of alongInner) {
      if (t * i.t > target.registers) continue;
      const tile = withInner(ones, i.t).map((v, axis) => (axis === outer ? t : v));
      for (const unroll of unrolls) {
        const key = `${tile.join()}/${String(i.vector)}/${unroll}`;
        if (seen.has(key)) continue;
        seen.add(key);
        found.push(make(tile, i.vector ? inner : -1, unroll));
      }
    }
  }
  const { subgroup = 1, shared = target.registers } = target;
  if (subgroup > 1 && outer !== undefined)
    for (const how of subgroupTiles(
      shape,
      { inner, outer, vectors },
      { subgroup, shared },
      unrolls.includes('short') ? ['short'] : ['none'],
    ))
      found.push(tiling(shape.length, { ...how, subgroup, masked }));
  return found;
}

/**
 * The tile of a kernel of linear combinations: all elements along their axes, since they share what they are made of; in vectors along the axis in which
 * their operand lies in memory, if that is another one. Undefined for other kernels.
 */
export function mixedTile(
  s: Schedule,
  { stores }: Group,
  shape: readonly number[],
): { readonly tile: readonly number[]; readonly vector: number } | undefined {
  let node = at(s.graph.nodes, at(stores, 0).node);
  // The axis of the kernel that each axis of the node is.
  let axes = shape.map((_, i) => i);
  while (node.op !== 'mix') {
    if (node.op === 'permute') {
      const { perm } = node.attrs;
      axes = perm.map((_, i) => at(axes, perm.indexOf(i)));
    } else if (node.op !== 'detach') return undefined;
    node = at(s.graph.nodes, at(node.inputs, 0));
  }
  const whole = node.attrs.axes.map((axis) => at(axes, axis));
  const last = at(axes, axes.length - 1);
  const vector = whole.includes(last) || at(shape, last) % 4 > 0 ? -1 : last;
  return { tile: shape.map((d, axis) => (whole.includes(axis) ? d : axis === vector ? 4 : 1)), vector };
}

const staged = (rank: number, size: StageSize): Tiling => tiling(rank, { lanes: threadsOf(size), masked: true, staged: size });

/** How a group's product is staged, if it can be and that pays. */
export function stagedTiling(s: Schedule, group: Group): Tiling | undefined {
  const way = stagedWay(s, group);
  const size = way && stageSizeFor(way);
  return size && staged(group.rank, size);
}

/** All sizes in which a group's product can be staged. */
export const stagedTilings = (s: Schedule, group: Group): Tiling[] =>
  stagedWay(s, group) ? STAGES.map((size) => staged(group.rank, size)) : [];

/**
 * How the loop of a sum may be written: unrolling by four pays if adjacent elements along it can be loaded together; with few registers,
 * only if that holds for both operands of a product.
 */
function unrollsOf(loads: readonly LoopLoad[], target: Target): readonly Unroll[] {
  const short = loads.some((l) => l.rounds <= 5);
  const contiguous = loads.filter((l) => l.contiguous).length;
  if (contiguous > (target.registers <= 16 ? 1 : 0)) return short ? ['four', 'short'] : ['four'];
  return short ? ['short', 'none'] : ['none'];
}

export interface LoopLoad {
  readonly index: Expr;
  /** Whether it moves by one element with the innermost loop. */
  readonly contiguous: boolean;
  /** Iterations of the innermost loop. */
  readonly rounds: number;
}

/** All loads inside loops. */
export function loopLoads(body: readonly Stmt[], loop?: string, rounds = 0): LoopLoad[] {
  const found: LoopLoad[] = [];
  const load = ({ index }: { readonly index: Expr }): void => {
    if (loop !== undefined) found.push({ index, rounds, contiguous: addends(index).some((e) => e.kind === 'ref' && e.name === loop) });
  };
  for (const s of body) {
    if ('value' in s) visitExpr(s.value, { load });
    if ('condition' in s) visitExpr(s.condition, { load });
    if ('body' in s) found.push(...(s.kind === 'for' ? loopLoads(s.body, s.name, s.extent) : loopLoads(s.body, loop, rounds)));
  }
  return found;
}

function addends(e: Expr): readonly Expr[] {
  return e.kind === 'call' && e.fn === 'add' ? e.args.flatMap(addends) : [e];
}

/** The variables that an expression depends on. */
export function names(e: Expr, into = new Set<string>()): Set<string> {
  if (e.kind === 'ref') into.add(e.name);
  else if (e.kind === 'load') names(e.index, into);
  else if (e.kind === 'call') e.args.forEach((a) => names(a, into));
  return into;
}

/**
 * The axis, besides the innermost, that most loads do not depend on. Loads that depend on the innermost axis count more, since tiles along
 * both axes then share everything. Ties go to the longest axis that tiles can divide.
 */
export function sharedAxis(loads: readonly LoopLoad[], shape: readonly number[], inner: number): number | undefined {
  const used = loads.map((l) => names(l.index));
  let best: { readonly axis: number; readonly score: number; readonly tie: number } | undefined;
  shape.forEach((extent, axis) => {
    if (axis === inner || extent === 1) return;
    const same = used.filter((u) => !u.has(axisName(axis)));
    const score = same.length + 2 * same.filter((u) => u.has(axisName(inner))).length;
    const tie = [2, 3, 5, 7].some((t) => extent % t === 0) ? extent : 1;
    if (!best || score > best.score || (score === best.score && tie > best.tie)) best = { axis, score, tie };
  });
  return best && best.score > 0 ? best.axis : undefined;
}
