import { CompilerBug, at } from '../../base/errors.ts';
import { isView, recordOf } from '../../ir/graph/ops.ts';
import { POINTWISE_OPS, isPointwise } from '../../ir/graph/pointwise.ts';
import type { Graph, Node, NodeId } from '../../ir/graph/types.ts';
import { call, depth } from '../../ir/kernel/build.ts';
import * as ix from '../../ir/kernel/index-math.ts';
import type { Expr } from '../../ir/kernel/types.ts';
import type { BlockWriter } from './block-writer.ts';
import { loweringOf, type Lowerer } from './lowering.ts';
import { Reads } from './reads.ts';
import type { Summing } from './sums.ts';
import type { Tiling } from './tiling.ts';
import type { Group, Schedule } from './types.ts';
import { viewedPoint } from './views.ts';

/** Deeper expressions are split by names, because shader compilers limit nesting. */
const MAX_DEPTH = 24;

/** How often each node is an operand; counted once per graph. */
export function usesIn(graph: Graph): ReadonlyMap<NodeId, number> {
  let uses = USES.get(graph);
  if (!uses) {
    uses = new Map();
    for (const node of graph.nodes) for (const i of node.inputs) uses.set(i, (uses.get(i) ?? 0) + 1);
    USES.set(graph, uses);
  }
  return uses;
}
const USES = new WeakMap<Graph, Map<NodeId, number>>();

/** A product that a workgroup has computed together, and the value that it has at a point. */
interface KnownProduct {
  readonly node: NodeId;
  readonly at: (point: ix.Point) => Expr;
}

/** A node at a point, as text. */
function keyOf(id: NodeId, point: ix.Point): string {
  let key = `${id}@`;
  for (const v of point) key += `${ix.showIndex(v)},`;
  return key;
}

/**
 * Whether a value with a place is read from there. A root is computed, except one along the rows that was stored before the `current` one. So
 * is a slice of a root: it shares the root's place, which may not be in memory at all.
 */
export function isStored(graph: Graph, { roots, rank }: Pick<Group, 'roots' | 'rank'>, current: NodeId | undefined, node: Node): boolean {
  if (roots.includes(node.id)) return node.type.shape.length > rank && node.id !== current;
  return node.op !== 'slice' || isStored(graph, { roots, rank }, current, at(graph.nodes, at(node.inputs, 0)));
}

/** Computes nodes at many points of one thread at once, so that what the points share is computed once. */
export class ValueLowering implements Lowerer {
  readonly reads: Reads;
  readonly summing: Summing;
  /** The root that is being computed along the rows, if any; other roots of the row have been stored and are loaded. */
  current: NodeId | undefined;
  /** The product that is known already, if any. */
  product: KnownProduct | undefined;
  readonly graph: Graph;
  private readonly useCount: ReadonlyMap<NodeId, number>;
  private readonly s: Schedule;
  private readonly group: Group;
  readonly out: BlockWriter;
  readonly tiling: Tiling;

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

  /** The values of a node as expressions, one per point; statements that they need are emitted first. */
  at(id: NodeId, points: readonly ix.Point[]): Expr[] {
    const node = at(this.graph.nodes, id);
    const place = this.s.places.get(id);
    const stored = place !== undefined && isStored(this.graph, this.group, this.current, node);
    const shared = (this.useCount.get(id) ?? 0) > 1 || this.group.roots.includes(id);
    const [point] = points;
    if (points.length === 1 && point) {
      const key = keyOf(id, point);
      const known = this.out.recall(key);
      if (known) return [known];
      const value = at(stored ? this.reads.all(node, place, points) : this.compute(node, points), 0);
      return [shared || depth(value) > MAX_DEPTH ? this.out.keep(key, value, stored ? 'x' : 'v') : value];
    }
    const keys = points.map((p) => keyOf(id, p));
    const known = new Map<string, Expr | undefined>();
    for (const key of keys) if (!known.has(key)) known.set(key, this.out.recall(key));
    const missing = [...known].filter(([, e]) => e === undefined).map(([key]) => key);
    const todo = missing.map((key) => at(points, keys.indexOf(key)));
    const computed = todo.length === 0 ? [] : stored ? this.reads.all(node, place, todo) : this.compute(node, todo);
    missing.forEach((key, i) => {
      const value = at(computed, i);
      const often = shared || stored || keys.indexOf(key) !== keys.lastIndexOf(key);
      known.set(key, often || depth(value) > MAX_DEPTH ? this.out.keep(key, value, stored ? 'x' : 'v') : value);
    });
    return keys.map((key) => known.get(key) as Expr);
  }

  private compute(node: Node, points: readonly ix.Point[]): Expr[] {
    const { product } = this;
    if (node.id === product?.node) return points.map((p) => product.at(p));
    const special = loweringOf(node);
    if (special) return special(this, node, points);
    if (isView(node))
      return this.at(
        at(node.inputs, 0),
        points.map((p) => viewedPoint(this.graph, node, p)),
      );
    if (!isPointwise(node.op)) throw new CompilerBug(`${node.op} has no lowering`);
    const { fn } = POINTWISE_OPS[node.op];
    const args = node.inputs.map((i) => this.at(i, points));
    return fn === null ? at(args, 0) : points.map((_, p) => call(fn, ...args.map((a) => at(a, p))));
  }

  /** Whether a value is read from memory and nothing else. */
  isLoad(id: NodeId): boolean {
    const node = at(this.graph.nodes, id);
    if (this.s.places.has(id)) return isStored(this.graph, this.group, this.current, node);
    return isView(node) && !recordOf(node).guards && this.isLoad(at(node.inputs, 0));
  }
}
