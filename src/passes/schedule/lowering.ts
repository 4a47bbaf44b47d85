import { CompilerBug, at } from '../../base/errors.ts';
import { fixedShape } from '../../base/types.ts';
import type { PointwiseOp } from '../../ir/graph/pointwise.ts';
import type { Graph, Node, NodeId, NodeOf, Op } from '../../ir/graph/types.ts';
import type { ViewOp } from '../../ir/graph/views.ts';
import { call, literal } from '../../ir/kernel/build.ts';
import * as ix from '../../ir/kernel/index-math.ts';
import type { Expr } from '../../ir/kernel/types.ts';
import type { BlockWriter } from './block-writer.ts';
import { concatAt, padAt } from './joining.ts';
import { safeName } from './naming.ts';
import { mixAt } from './mixing.ts';
import { contractAt, reduceAt, scatterAt, unwindowAt, type Summing } from './sums.ts';
import type { Tiling } from './tiling.ts';
import { isWide, perLane } from './views.ts';

/** What the lowering of an operation can use. */
export interface Lowerer {
  readonly graph: Graph;
  readonly out: BlockWriter;
  readonly tiling: Tiling;
  readonly summing: Summing;
  /** The values of a node, one per point. */
  readonly at: (id: NodeId, points: readonly ix.Point[]) => Expr[];
  /** Whether a value is read from memory and nothing else. */
  readonly isLoad: (id: NodeId) => boolean;
}

/** The values of a node at points, from those of its operands. */
type Lowering<K extends Op> = (v: Lowerer, node: NodeOf<K>, points: readonly ix.Point[]) => Expr[];

const inMemory: Lowering<Op> = (_v, node) => {
  throw new CompilerBug(`%${node.id} = ${node.op} is read from memory, and lies nowhere`);
};

/** For operations whose value depends on the index itself: a wide point is computed lane by lane. */
const byElement =
  <K extends Op>(value: (v: Lowerer, node: NodeOf<K>, point: ix.Point) => Expr): Lowering<K> =>
  (v, node, points) =>
    points.map((p) => perLane(p, (q) => value(v, node, q)));

const scalar = (v: Lowerer, node: NodeOf<Op>, i: number): Expr => at(v.at(at(node.inputs, i), [[]]), 0);

/** One entry per operation, except those that follow from their records: views are index maps, pointwise operations are functions. */
const LOWERINGS: { readonly [K in Exclude<Op, PointwiseOp | Exclude<ViewOp, 'pad'>>]: Lowering<K> } = {
  input: inMemory,
  param: inMemory,
  state: inMemory,
  carry: inMemory,
  scan: inMemory,
  const: (_v, { type, attrs }, points) => points.map(() => literal(type.dtype, attrs.value)),
  scalar: (_v, { type, attrs }, points) => points.map(() => ({ kind: 'uniform', type: type.dtype, name: safeName(attrs.name) })),
  iota: byElement((_v, { type, attrs }, point) => call(type.dtype === 'f32' ? 'f32' : 'i32', ix.toExpr(at(point, attrs.axis)))),
  dimsize: () => {
    throw new CompilerBug('the batch is not bound');
  },
  cast: (v, node, points) => v.at(at(node.inputs, 0), points).map((value) => call(node.attrs.dtype, value)),
  pad: (v, node, points) => points.map((p) => padAt(v, node, p)),
  concat: (v, node, points) => points.map((p) => concatAt(v, node, p)),
  reduce_sum: (v, node, points) => reduceAt(v.summing, node, points),
  reduce_max: (v, node, points) => reduceAt(v.summing, node, points),
  contract: (v, node, points) => contractAt(v.summing, node, points),
  mix: (v, node, points) => mixAt(v.summing, node, points),
  unwindow: (v, node, points) => unwindowAt(v.summing, node, points),
  scatter_add: (v, node, points) => scatterAt(v.summing, node, points),
  gather,
  uniform: byElement((v, node, point) => {
    const element = ix.toExpr(ix.linear(point, fixedShape(node.type.shape)));
    return call('uniform', scalar(v, node, 0), literal('u32', node.attrs.stream), scalar(v, node, 1), element);
  }),
  shuffle: byElement((v, node, point) => {
    const index = at(v.at(at(node.inputs, 0), [point]), 0);
    return call('shuffle', index, call('u32', scalar(v, node, 1)), scalar(v, node, 2), scalar(v, node, 3));
  }),
};

/** How a node is lowered; undefined if that follows from its record. */
export function loweringOf(node: Node): Lowering<Op> | undefined {
  return (LOWERINGS as { readonly [K in Op]?: Lowering<Op> })[node.op];
}

function gather(v: Lowerer, node: NodeOf<'gather'>, points: readonly ix.Point[]): Expr[] {
  const [table, rows] = [at(node.inputs, 0), at(node.inputs, 1)];
  const rank = at(v.graph.nodes, rows).type.shape.length;
  const last = fixedShape(at(v.graph.nodes, table).type.shape)[0] ?? 1;
  // If the row differs between lanes, gather lane by lane.
  if (points.some((p) => isWide(p.slice(0, rank)))) return points.map((p) => perLane(p, (q) => at(v.at(node.id, [q]), 0)));
  const found = v
    .at(
      rows,
      points.map((p) => p.slice(0, rank)),
    )
    .map((value, i) => rowOf(v.out, value, `row ${rows}@${at(points, i).slice(0, rank).map(ix.showIndex).join()}`, last));
  return v.at(
    table,
    points.map((p, i) => [at(found, i), ...p.slice(rank)]),
  );
}

/** An index read from data, clamped so that no input can reach other memory. */
function rowOf(out: BlockWriter, value: Expr, key: string, rows: number): ix.Index {
  const inside = call('u32', call('min', call('max', value, literal('i32', 0)), literal('i32', rows - 1)));
  const row = out.recall(key) ?? out.keep(key, inside, 'row');
  return ix.runtimeValue(row, row.kind === 'ref' ? row.name : '', rows - 1);
}
