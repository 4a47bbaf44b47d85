import { CompilerBug, at } from '../../base/errors.ts';
import { fixedShape } from '../../base/types.ts';
import { isPointwise, type PointwiseOp } from '../../ir/graph/pointwise.ts';
import { isView } from '../../ir/graph/ops.ts';
import type { Graph, Node, NodeId, NodeOf } from '../../ir/graph/types.ts';
import { call, depth, literal } from '../../ir/kernel/build.ts';
import * as ix from '../../ir/kernel/index-math.ts';
import type { Expr, Fn } from '../../ir/kernel/types.ts';
import type { BlockWriter } from './block-writer.ts';
import { safeName } from './naming.ts';
import { Reads } from './reads.ts';
import { contractAt, reduceAt, scatterAt, unwindowAt, type Summing } from './sums.ts';
import type { Tiling } from './tiling.ts';
import type { Group, Schedule } from './types.ts';
import { between, isWide, lanesOf, viewedPoint, type Point } from './views.ts';

/** Pointwise operations that are one function of the kernel IR under another name. */
const FN: Partial<Readonly<Record<PointwiseOp, Fn>>> = { idiv: 'div' };

/** Deeper expressions get names in between: shader compilers bound how deep they nest. */
const MAX_DEPTH = 24;

/** How often each node is an operand; counted once a graph. */
function usesIn(graph: Graph): ReadonlyMap<NodeId, number> {
  let uses = USES.get(graph);
  if (!uses) {
    uses = new Map();
    for (const node of graph.nodes) for (const i of node.inputs) uses.set(i, (uses.get(i) ?? 0) + 1);
    USES.set(graph, uses);
  }
  return uses;
}
const USES = new WeakMap<Graph, Map<NodeId, number>>();

/** Axis and first index of the rows and of the columns of a table. */
interface TabledProduct {
  readonly node: NodeId;
  readonly table: string;
  readonly columns: number;
  readonly row: readonly [axis: number, start: ix.Index];
  readonly column: readonly [axis: number, start: ix.Index];
}

function itemOf({ table, columns, row, column }: TabledProduct, point: Point): Expr {
  const [r, c] = [row, column].map(([axis, start]) => ix.add(at(point, axis), ix.scale(start, -1))) as [ix.Index, ix.Index];
  return { kind: 'item', type: 'f32', table, index: ix.toExpr(ix.add(ix.scale(r, columns), c)) };
}

/** Gives the values of nodes at many points of one thread at once, so that what they share is computed once. */
export class Values {
  readonly reads: Reads;
  readonly summing: Summing;
  /** The root that is being computed along the rows, if any: what others have stored there is loaded. */
  current: NodeId | undefined;
  /** A product that lies in a table: which, and where the table begins along its rows and columns. */
  product: TabledProduct | undefined;
  private readonly graph: Graph;
  private readonly useCount: ReadonlyMap<NodeId, number>;
  private readonly s: Schedule;
  private readonly group: Group;
  private readonly out: BlockWriter;
  private readonly tiling: Tiling;

  constructor(s: Schedule, group: Group, out: BlockWriter, tiling: Tiling, uniform: ReadonlySet<string> = new Set()) {
    this.s = s;
    this.group = group;
    this.graph = s.graph;
    this.out = out;
    this.tiling = tiling;
    this.reads = new Reads(s, { out, tiling, uniform, values: (id, points) => this.at(id, points) });
    this.useCount = usesIn(s.graph);
    this.summing = { graph: this.graph, out, tiling, values: (id, points) => this.at(id, points) };
  }

  /** The values of a node as expressions, one a point; statements that they need are emitted before. */
  at(id: NodeId, points: readonly Point[]): Expr[] {
    const node = at(this.graph.nodes, id);
    const place = this.s.places.get(id);
    const stored = place !== undefined && this.isStored(id, node);
    const keys = points.map((p) => `${id}@${p.map(ix.showIndex).join()}`);
    const known = new Map<string, Expr | undefined>();
    for (const key of keys) if (!known.has(key)) known.set(key, this.out.recall(key));
    const missing = [...known].filter(([, e]) => e === undefined).map(([key]) => key);
    const todo = missing.map((key) => at(points, keys.indexOf(key)));
    const computed = todo.length === 0 ? [] : stored ? this.reads.all(node, place, todo) : this.compute(node, todo);
    const shared = (this.useCount.get(id) ?? 0) > 1 || this.group.roots.includes(id);
    missing.forEach((key, i) => {
      const value = at(computed, i);
      const often = shared || (points.length > 1 && (stored || keys.indexOf(key) !== keys.lastIndexOf(key)));
      known.set(key, often || depth(value) > MAX_DEPTH ? this.out.keep(key, value, stored ? 'x' : 'v') : value);
    });
    return keys.map((key) => known.get(key) as Expr);
  }

  /** Whether a value with a place is read from there; a root is computed, but for one along the rows that was stored before. */
  private isStored(id: NodeId, node: Node): boolean {
    return !this.group.roots.includes(id) || (node.type.shape.length > this.group.rank && id !== this.current);
  }

  private compute(node: Node, points: readonly Point[]): Expr[] {
    if (node.id === this.product?.node) return points.map((p) => itemOf(this.product as TabledProduct, p));
    switch (node.op) {
      case 'pad':
        return points.map((p) => this.pad(node, p));
      case 'concat':
        return points.map((p) => this.concat(node, p));
      case 'reduce_sum':
      case 'reduce_max':
        return reduceAt(this.summing, node, points);
      case 'contract':
        return contractAt(this.summing, node, points);
      case 'unwindow':
        return unwindowAt(this.summing, node, points);
      case 'scatter_add':
        return scatterAt(this.summing, node, points);
      case 'gather':
        return this.gather(node, points);
      default:
        if (isView(node)) {
          const inShape = fixedShape(at(this.graph.nodes, at(node.inputs, 0)).type.shape);
          return this.at(
            at(node.inputs, 0),
            points.map((p) => viewedPoint(node, p, inShape)),
          );
        }
        return this.pointwise(node, points);
    }
  }

  private pointwise(node: Node, points: readonly Point[]): Expr[] {
    if (node.op === 'uniform' || node.op === 'shuffle' || node.op === 'iota')
      return points.map((p) => this.perLane(p, (q) => this.leaf(node, q)));
    if (node.op === 'const') return points.map(() => literal(node.type.dtype, node.attrs.value));
    if (node.op === 'scalar') {
      const { attrs, type } = node;
      return points.map(() => ({ kind: 'tick', type: type.dtype, name: safeName(attrs.name) }) as const);
    }
    const args = node.inputs.map((i) => this.at(i, points));
    const operands = (p: number): Expr[] => args.map((a) => at(a, p));
    if (node.op === 'detach') return at(args, 0);
    if (node.op === 'cast') return points.map((_, p) => call(node.attrs.dtype, ...operands(p)));
    const { op } = node;
    if (!isPointwise(op)) throw new CompilerBug(`${op} has no lowering`);
    return points.map((_, p) => call(FN[op] ?? (op as Fn), ...operands(p)));
  }

  /** What depends on the place itself, at one element. */
  private leaf(node: NodeOf<'uniform'> | NodeOf<'shuffle'> | NodeOf<'iota'>, point: Point): Expr {
    if (node.op === 'iota') return call(node.type.dtype === 'f32' ? 'f32' : 'i32', ix.toExpr(at(point, node.attrs.axis)));
    const scalar = (i: number): Expr => at(this.at(at(node.inputs, i), [[]]), 0);
    if (node.op === 'uniform') {
      const element = ix.toExpr(ix.linear(point, fixedShape(node.type.shape)));
      return call('uniform', scalar(0), literal('u32', node.attrs.stream), scalar(1), element);
    }
    const [index] = this.at(at(node.inputs, 0), [point]);
    return call('shuffle', index as Expr, literal('u32', node.attrs.n), scalar(1), scalar(2));
  }

  /** One element after the other where the point stands for four. */
  private perLane(point: Point, value: (p: Point) => Expr): Expr {
    return isWide(point) ? call('vec4', ...lanesOf(point).map(value)) : value(point);
  }

  private gather(node: NodeOf<'gather'>, points: readonly Point[]): Expr[] {
    const [table, rows] = [at(node.inputs, 0), at(node.inputs, 1)];
    const rank = at(this.graph.nodes, rows).type.shape.length;
    const last = fixedShape(at(this.graph.nodes, table).type.shape)[0] ?? 1;
    // A row that differs from lane to lane is four rows.
    if (points.some((p) => isWide(p.slice(0, rank)))) return points.map((p) => this.perLane(p, (q) => at(this.at(node.id, [q]), 0)));
    const found = this.at(
      rows,
      points.map((p) => p.slice(0, rank)),
    ).map((value, i) => this.row(value, `row ${rows}@${at(points, i).slice(0, rank).map(ix.showIndex).join()}`, last));
    return this.at(
      table,
      points.map((p, i) => [at(found, i), ...p.slice(rank)]),
    );
  }

  /** An index that is data, kept inside so that no input can reach foreign memory. */
  private row(value: Expr, key: string, rows: number): ix.Index {
    const inside = call('u32', call('min', call('max', value, literal('i32', 0)), literal('i32', rows - 1)));
    const row = this.out.recall(key) ?? this.out.keep(key, inside, 'row');
    return ix.runtimeValue(row, row.kind === 'ref' ? row.name : '', rows - 1);
  }

  private pad(node: NodeOf<'pad'>, point: Point): Expr {
    const inShape = fixedShape(at(this.graph.nodes, at(node.inputs, 0)).type.shape);
    const inner = point.map((v, i) => ix.add(v, ix.constant(-at(node.attrs.low, i))));
    const padded = node.attrs.low.map((low, i) => low > 0 || at(node.attrs.high, i) > 0);
    if (point.some((v, i) => padded[i] && ix.isWide(v))) return this.perLane(point, (p) => at(this.at(node.id, [p]), 0));
    const tests = point.map((v, i) => (padded[i] ? between(v, at(node.attrs.low, i), at(node.attrs.low, i) + at(inShape, i)) : 'always'));
    const outside = literal(node.type.dtype, node.attrs.value);
    if (tests.includes('never')) return outside;
    const unknown = tests.filter((t) => typeof t !== 'string');
    const value = (): Expr => at(this.at(at(node.inputs, 0), [inner]), 0);
    if (unknown.length === 0) return value();
    const condition = unknown.reduce((a, b) => call('and', a, b));
    // Outside, a load gives anything and its result is dropped: cheaper than a branch, and neighbours can share it.
    if (this.tiling.masked && this.isLoad(at(node.inputs, 0)))
      return call('select', this.wide(condition, point), value(), this.wide(outside, point));
    const result = this.out.variable('p', this.wide(outside, point));
    this.out.guarded(condition, () => this.out.assign(result, this.wide(value(), point)));
    return result;
  }

  private wide(value: Expr, point: Point): Expr {
    return isWide(point) && !value.type.endsWith('x4') ? call('splat', value) : value;
  }

  /** Whether a value is read from memory and nothing else. */
  private isLoad(id: NodeId): boolean {
    const node = at(this.graph.nodes, id);
    if (this.s.places.has(id)) return this.isStored(id, node);
    return isView(node) && node.op !== 'pad' && this.isLoad(at(node.inputs, 0));
  }

  private concat(node: NodeOf<'concat'>, point: Point): Expr {
    const { axis } = node.attrs;
    const place = at(point, axis);
    if (ix.isWide(place) && !ix.vectorStart(place)) return this.perLane(point, (p) => at(this.at(node.id, [p]), 0));
    let from = 0;
    let result: Expr | undefined;
    for (const input of node.inputs) {
      const size = fixedShape(at(this.graph.nodes, input).type.shape)[axis] ?? 0;
      const start = from;
      from += size;
      const inner = point.map((v, i) => (i === axis ? ix.add(v, ix.constant(-start)) : v));
      // Four that may lie in two parts are looked at one by one.
      if (ix.isWide(place) && (start % 4 !== 0 || size % 4 !== 0)) return this.perLane(point, (p) => at(this.at(node.id, [p]), 0));
      const test = between(ix.isWide(place) ? (ix.vectorStart(place) as ix.Index) : place, start, from);
      if (test === 'never') continue;
      if (test === 'always') return at(this.at(input, [inner]), 0);
      const target = (result ??= this.out.variable('c', this.wide(literal(node.type.dtype, 0), point)));
      this.out.guarded(test, () => this.out.assign(target, this.wide(at(this.at(input, [inner]), 0), point)));
    }
    return result ?? literal(node.type.dtype, 0);
  }
}
