import { at, get, invariant } from '../../base/errors.ts';
import { hash } from '../../base/hash.ts';
import { count, fixedShape } from '../../base/types.ts';
import { call, literal, ref } from '../../ir/kernel/build.ts';
import { isVector, scalarOf } from '../../ir/kernel/functions.ts';
import * as ix from '../../ir/kernel/index-math.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import type { Axis, Buffer, Expr, Kernel } from '../../ir/kernel/types.ts';
import { BlockWriter } from './block-writer.ts';
import { kernelCost } from './cost.ts';
import { estimator } from './estimate.ts';
import { firstLaneAlone } from './first-lane.ts';
import { inPhases, lanesMeet } from './phases.ts';
import { chooseLanes } from './lanes.ts';
import { matrixWay, type MatrixWay } from './matrix.ts';
import { about, axisName, kernelName } from './naming.ts';
import { reroll } from './reroll.ts';
import { isRowwise } from './rows.ts';
import { bufferName, positionIn, rangeOf, type TensorRange } from './reads.ts';
import { shareLoads } from './share-loads.ts';
import { stagedWay, type StageSize } from './staging.ts';
import { stagedTiling, stagedTilings, tiling, tilingKey, tilings, type Target, type Tiling } from './tiling.ts';
import type { Group, Schedule, Store } from './types.ts';
import { ValueLowering } from './values.ts';
import { StagedWriter, stagedAxes } from './write-staged.ts';

/** Which tiling of a kernel to take: the cheapest or, for tests, one by index. */
export type TilingChoice = 'cheapest' | number;

/** Writes a group as a kernel. */
export function lowerGroup(...given: Parameters<typeof chooseOption>): Kernel {
  const [s, group, index, target] = given;
  const way = target.units?.length && s.level > 0 ? matrixWay(s, group, target.units, target.lanes) : undefined;
  return way ? writeMatrices(s, group, index, way, target.lanes) : finish(chooseOption(...given).kernel, target);
}

/** Writes a group whose product runs on matrix units: a workgroup fills a table, then its lanes process the elements. */
function writeMatrices(s: Schedule, group: Group, index: number, way: MatrixWay, lanes: number): Kernel {
  const { product, row, column } = way;
  const shape = fixedShape(at(s.graph.nodes, way.node).type.shape);
  const step = (axis: number): number => (axis === row ? product.rows : axis === column ? product.columns : 1);
  const how = tiling(group.rank, { lanes, masked: true });
  const out = new BlockWriter();
  const values = new ValueLowering(s, group, out, how);
  const start = shape.map((extent, axis) => ix.scale(ix.variable(axisName(axis), extent / step(axis)), step(axis)));
  values.product = {
    node: way.node,
    at(point) {
      const [r, c] = [row, column].map((axis) => ix.add(at(point, axis), ix.scale(at(start, axis), -1))) as [ix.Index, ix.Index];
      return { kind: 'item', type: 'f32', table: product.name, index: ix.toExpr(ix.add(ix.scale(r, product.columns), c)) };
    },
  };
  const written = new Map<string, TensorRange>();
  const body = out.inBlock(() => {
    out.emit(product);
    out.loopOver([product.rows, product.columns], { lanes, unroll: 'none' }, ([r = ix.ZERO, c = ix.ZERO]) => {
      const point = start.map((v, axis) => (axis === row ? ix.add(v, r) : axis === column ? ix.add(v, c) : v));
      storeAll(s, group, values, point, written);
    });
  });
  const windows = new Map([...way.windows, ...values.reads.windows, ...written]);
  const reads = new Set([...way.windows.keys(), ...values.reads.windows.keys()]);
  return {
    name: kernelName(s.graph, group, index),
    about: about(s.graph, group),
    buffers: buffersOf(s, windows, written, reads),
    axes: shape.map((extent, axis) => ({ name: axisName(axis), extent: extent / step(axis) })).filter((a) => a.extent > 1),
    lanes,
    subgroup: 1,
    ...placesOf(s, group),
    body,
  };
}

/** Computes everything that a group stores at a point, and then stores it. */
function storeAll(s: Schedule, group: Group, values: ValueLowering, point: ix.Point, written: Map<string, TensorRange>): void {
  const computed = group.stores.map((st) => at(values.at(st.node, [point]), 0));
  group.stores.forEach((st, i) => {
    const { name, window } = bufferOf(s, st);
    written.set(name, window);
    store(values.out, name, false, at(computed, i), positionIn(st, point, fixedShape(at(s.graph.nodes, st.node).type.shape)));
  });
}

/** Writes a group whose product is staged in the memory of workgroups. */
function writeStaged(s: Schedule, group: Group, index: number, how: Tiling, size: StageSize): Kernel {
  const way = stagedWay(s, group);
  invariant(way, 'a group without a product is staged');
  const out = new BlockWriter();
  const values = new ValueLowering(s, group, out, how);
  const written = new Map<string, TensorRange>();
  const { shape } = at(s.graph.nodes, at(group.stores, 0).node).type;
  let current: Expr | undefined;
  values.product = { node: way.node.id, at: () => current as Expr };
  const body = out.inBlock(() =>
    new StagedWriter(out, values, way, size).write((found, value) => {
      current = value;
      // What is stored may have other axes of a single element than the product.
      const long = found.filter((_, i) => at(way.node.type.shape, i) !== 1);
      const point = fixedShape(shape).map((extent) => (extent === 1 ? ix.ZERO : (long.shift() ?? ix.ZERO)));
      storeAll(s, group, values, point, written);
    }),
  );
  return {
    name: kernelName(s.graph, group, index),
    about: about(s.graph, group),
    buffers: buffersOf(s, new Map([...values.reads.windows, ...written]), written, values.reads.windows),
    axes: stagedAxes(way, size),
    lanes: how.lanes,
    subgroup: 1,
    ...placesOf(s, group),
    body,
  };
}

/** How often a loop runs the group's kernel. */
const placesOf = (s: Schedule, { loop }: Group): Pick<Kernel, 'places'> => (loop === undefined ? {} : { places: at(s.loops, loop).length });

/** Buffers in the order of first use, so that equal layers have equal kernels. */
function buffersOf(
  s: Schedule,
  windows: ReadonlyMap<string, TensorRange>,
  written: ReadonlyMap<string, TensorRange>,
  reads: { readonly has: (name: string) => boolean },
): Buffer[] {
  return [...windows].map(([name, window]): Buffer => {
    const t = get(s.tensors, window.tensor, 'tensor');
    const access = written.has(name) ? (reads.has(name) ? 'update' : 'write') : 'read';
    return { name, type: t.dtype, size: window.size, access, tensor: window.tensor, offset: window.offset };
  });
}

/** A kernel and its tiling. */
export interface Option {
  readonly how: Tiling;
  readonly kernel: Kernel;
}

/** All kernels worth trying for a group: what is chosen without measuring, then the lowest estimated cost first; and the plain one. */
export function optionsFor(
  s: Schedule,
  group: Group,
  index: number,
  target: Target,
): { readonly key: string; readonly plain: Option; readonly options: readonly Option[] } {
  const plain = plainOption(s, group, index, target);
  const all = [plain, ...candidatesFor(s, group, plain, target).map((how) => ({ how, kernel: write(s, group, index, how, target) }))];
  const cost = new Map(all.map((o) => [o, kernelCost(o.kernel, target.threads, target.costs)]));
  const usual = tilingKey(chooseOption(s, group, index, { ...target, tuned: undefined }).how);
  const rank = (o: Option): number => (tilingKey(o.how) === usual ? -1 : (cost.get(o) ?? 0));
  const options = all.sort((a, b) => rank(a) - rank(b)).map((o) => ({ ...o, kernel: finish(o.kernel, target) }));
  return { key: hash(signature(plain.kernel)), plain: { ...plain, kernel: finish(plain.kernel, target) }, options };
}

const finish = (kernel: Kernel, target: Target): Kernel => inPhases(firstLaneAlone(target.rerolls ? reroll(kernel) : kernel));

function write(s: Schedule, group: Group, index: number, how: Tiling, target: Target): Kernel {
  const kernel = how.staged ? writeStaged(s, group, index, how, how.staged) : writeKernel(s, group, index, how);
  return target.sharesLoads ? shareLoads(kernel) : kernel;
}

function plainOption(s: Schedule, group: Group, index: number, target: Target): Option {
  const how = tiling(group.rank, { lanes: chooseLanes(s, group, target), masked: target.masked });
  const kernel = write(s, group, index, how, target);
  if (how.lanes === 1 || lanesMeet(kernel)) return { how, kernel };
  const alone = tiling(group.rank, { masked: target.masked });
  return { how: alone, kernel: write(s, group, index, alone, target) };
}

function candidatesFor(s: Schedule, group: Group, plain: Option, target: Target): Tiling[] {
  if (!target.tiles || s.level === 0) return [];
  if (plain.kernel.lanes === 1 && isRowwise(s.graph, group)) return [tiling(group.rank, { unroll: 'vector', masked: target.masked })];
  return [...(target.candidates ?? tilings)(s, group, plain.kernel, target), ...(target.stages ? stagedTilings(s, group) : [])];
}

function chooseOption(s: Schedule, group: Group, index: number, target: Target, choice: TilingChoice = 'cheapest'): Option {
  const option = (how: Tiling): Option => ({ how, kernel: write(s, group, index, how, target) });
  const staged = target.stages && s.level > 0 && choice === 'cheapest' && !target.tuned?.size ? stagedTiling(s, group) : undefined;
  if (staged) return option(staged);
  const plain = plainOption(s, group, index, target);
  if (!target.tiles || s.level === 0) return plain;
  const candidates = candidatesFor(s, group, plain, target);
  if (typeof choice === 'number') {
    const chosen = candidates[choice % (candidates.length + 1)];
    return chosen ? option(chosen) : plain;
  }
  const measured = target.tuned?.size ? target.tuned.get(hash(signature(plain.kernel))) : undefined;
  const tuned = measured === undefined ? undefined : [plain.how, ...candidates].find((how) => tilingKey(how) === measured);
  const usual = target.stages && !tuned ? stagedTiling(s, group) : undefined;
  if (usual) return option(usual);
  let best = { option: plain, cost: kernelCost(plain.kernel, target.threads, target.costs) };
  // A small kernel has little to gain.
  const { small } = target;
  const tried = tuned
    ? [tuned]
    : small && best.cost < small.cost
      ? candidates.slice(0, small.tries)
      : likely(candidates, plain.kernel, target);
  for (const how of tried) {
    const found = option(how);
    const cost = kernelCost(found.kernel, target.threads, target.costs);
    if (cost < best.cost || tuned) best = { option: found, cost };
  }
  return best.option;
}

/** So many candidates are written out. Among these is the cheapest of all, or one that costs as much to a few in ten thousand. */
const LIKELY = 5;

/** The candidates that are likely to be cheap, in their order. */
function likely(candidates: readonly Tiling[], plain: Kernel, target: Target): readonly Tiling[] {
  if (candidates.length <= LIKELY) return candidates;
  const estimate = estimator(plain, target.threads, target.costs);
  const ranked = candidates.map((how) => ({ how, cost: estimate(how) })).sort((a, b) => a.cost - b.cost);
  const chosen = new Set(ranked.slice(0, LIKELY).map(({ how }) => how));
  return candidates.filter((how) => chosen.has(how));
}

/** What a kernel computes, independent of the names of its buffers. */
export function signature(kernel: Kernel): string {
  const order = new Map(kernel.buffers.map((b, i) => [b.name, i]));
  const { axes, lanes, body } = kernel;
  const buffers = kernel.buffers.map((b) => [b.type, b.size, b.access, b.offset % 64]);
  return JSON.stringify([axes, lanes, buffers, body], (key, value: unknown) => (key === 'buffer' ? order.get(value as string) : value));
}

/** The points of one thread: a tile, in vectors along one axis. */
function tilePoints(shape: readonly number[], how: Tiling): ix.Point[] {
  let points: ix.Index[][] = [[]];
  shape.forEach((extent, axis) => {
    const t = at(how.tile, axis);
    const start = ix.scale(ix.variable(axisName(axis), Math.ceil(extent / t)), t);
    const wide = axis === how.vector;
    const places = Array.from({ length: wide ? t / 4 : t }, (_, i) => ix.add(start, ix.constant(wide ? 4 * i : i)));
    const four = (v: ix.Index): ix.Index => (extent % 4 === 0 ? ix.add(v, ix.LANES) : ix.overrunning(v, extent));
    points = points.flatMap((p) => places.map((v) => [...p, wide ? four(v) : v]));
  });
  return points;
}

function writeKernel(s: Schedule, group: Group, index: number, how: Tiling): Kernel {
  const shapeOf = (node: NodeId): number[] => fixedShape(at(s.graph.nodes, node).type.shape);
  const rows = shapeOf(at(group.stores, 0).node).slice(0, group.rank);
  const all = rows.map((extent, i) => ({ name: axisName(i), extent: Math.ceil(extent / at(how.tile, i)) }));
  const axes = [...all.filter((_, i) => i === how.leading), ...all.filter((_, i) => i !== how.leading)].filter((a) => a.extent > 1);
  const points = tilePoints(rows, how);
  const out = new BlockWriter();
  const values = new ValueLowering(s, group, out, how, uniformAxes(axes, how.subgroup));
  const written = new Map<string, TensorRange>();
  const put = (st: Store, value: Expr, point: ix.Point): void => {
    const shape = shapeOf(st.node);
    const buffer = bufferOf(s, st);
    written.set(buffer.name, buffer.window);
    store(out, buffer.name, st.perStep, value, positionIn(st, point, shape));
  };
  const oneLane = (body: () => void): void =>
    how.lanes === 1 ? body() : out.guarded(call('eq', ref('u32', 'lane'), literal('u32', 0)), body);

  const body = out.inBlock(() => {
    if (group.roots.length === 0) {
      for (const st of group.stores)
        points.forEach((p) =>
          put(st, st.from ? values.reads.one(at(s.graph.nodes, st.node), st.from, p) : at(values.at(st.node, [p]), 0), p),
        );
      return;
    }
    const later: (() => void)[] = [];
    for (const root of group.roots) {
      const stores = group.stores.filter((st) => st.node === root);
      const inner = shapeOf(root).slice(group.rank);
      if (inner.length === 0) {
        // All values at a point are computed before any is stored, so that state may be written in place.
        const computed = values.at(root, points);
        later.push(() => stores.forEach((st) => points.forEach((p, j) => put(st, at(computed, j), p))));
        continue;
      }
      values.current = root;
      out.loopOver(inner, { lanes: how.lanes, unroll: how.unroll === 'vector' ? 'vector' : 'none' }, (k) => {
        const point = [...at(points, 0), ...k];
        const [value] = values.at(root, [point]);
        stores.forEach((st) => put(st, value as Expr, point));
      });
      values.current = undefined;
    }
    if (later.length) oneLane(() => later.forEach((write) => write()));
  });
  const windows = new Map([...values.reads.windows, ...written]);
  const buffers = buffersOf(s, windows, written, values.reads.windows);
  return {
    name: kernelName(s.graph, group, index),
    about: about(s.graph, group),
    buffers,
    axes,
    lanes: how.lanes,
    subgroup: values.reads.shares ? how.subgroup : 1,
    ...placesOf(s, group),
    body,
  };
}

/** The axes along which all threads of a subgroup have the same index. */
function uniformAxes(axes: readonly Axis[], subgroup: number): ReadonlySet<string> {
  const inner = (i: number): number => axes.slice(i + 1).reduce((n, a) => n * a.extent, 1);
  return new Set(axes.filter((_, i) => inner(i) % subgroup === 0).map((a) => a.name));
}

/** The window of a tensor that a kernel stores into. */
function bufferOf(s: Schedule, st: Store): { readonly name: string; readonly window: TensorRange } {
  const size = st.perStep ? get(s.tensors, st.tensor, 'tensor').size : count(at(s.graph.nodes, st.node).type.shape);
  const window = rangeOf(s, st, size);
  return { name: bufferName(s, window), window };
}

function store(out: BlockWriter, buffer: string, perStep: boolean, value: Expr, position: ix.Index): void {
  const v = scalarOf(value.type) === 'bool' ? call('i32', value) : value;
  if (perStep) {
    out.emit({ kind: 'store', buffer, index: { kind: 'uniform', type: 'u32', name: 'slot' }, value: v });
    return;
  }
  if (!ix.isWide(position)) {
    out.emit({ kind: 'store', buffer, index: ix.toExpr(position), value: v });
    return;
  }
  const vector = isVector(v.type) ? v : call('splat', v);
  const start = ix.vectorStart(position);
  if (start) {
    out.emit({ kind: 'store', buffer, index: ix.toExpr(ix.div(start, 4)), value: vector });
    return;
  }
  const named = vector.kind === 'ref' ? vector : out.define('v', vector);
  (['x', 'y', 'z', 'w'] as const).forEach((lane, i) =>
    out.emit({ kind: 'store', buffer, index: ix.toExpr(ix.atLane(position, i)), value: call(lane, named) }),
  );
}
