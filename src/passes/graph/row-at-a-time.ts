import { NotCausal, at, get } from '../../base/errors.ts';
import { fixedShape, type TensorType } from '../../base/types.ts';
import { GraphBuilder } from '../../ir/graph/builder.ts';
import { copyNodes } from '../../ir/graph/copy.ts';
import { OPS } from '../../ir/graph/ops.ts';
import type { Graph, Node, NodeId, NodeOf } from '../../ir/graph/types.ts';
import { withStates, type LoopStates } from './loop-states.ts';
import { isMaskedBefore, timeAxes, timed, type Time } from './time-axes.ts';
import { copyNode } from './rewrite.ts';

/** The output of the graph that computes one position. */
export const ROW = 'row';
/** The output of the graph that computes all positions and fills the caches. */
export const FILL = 'fill';
/** The states that keep what later positions need. */
export const CACHE = 'cache';

/**
 * Turns a graph over all positions of a sequence into one that computes the position `step`. The output row is asked for, and each node is
 * asked for that row of its own or, where a sum goes over all positions, for its whole value: that one is a state to which every step adds
 * its row (the key/value cache of a transformer, wherever the program has it). Such a sum must weigh later positions with 0, which is proved
 * from the causal mask; else the graph is refused with {@link NotCausal}.
 */
export function rowAtATime(graph: Graph, input: string, axis: number): Graph {
  return new RowBuilder(graph, input, axis).build();
}

/**
 * Fills the caches of {@link rowAtATime} for all positions at once: the graph as it is, which also writes the values that the rows need. Rows
 * after the last token are computed too, and overwritten later.
 */
export function fillCaches(graph: Graph, input: string, axis: number): Graph {
  const rows = new RowBuilder(graph, input, axis);
  rows.build();
  const b = new GraphBuilder(graph.name, { ...rows.graph, outputs: {} });
  b.outputs[FILL] = at(Object.values(graph.outputs), 0);
  rows.cachedNodes.forEach((value, i) => {
    b.add('state', [], { name: cacheName(i) }, b.type(value));
    b.writes.push({ state: cacheName(i), value });
  });
  return b.graph();
}

const cacheName = (i: number): string => `${CACHE}.${i}`;

class RowBuilder {
  /** The nodes of the graph that have a cache, in order. */
  readonly cachedNodes: NodeId[] = [];
  private readonly b: GraphBuilder;
  /** The graph, in which loops also give the states of all places. */
  readonly graph: Graph;
  private readonly states: LoopStates['of'];
  private readonly loops = new Map<NodeId, ReadonlyMap<NodeId, NodeId>>();
  private readonly input: string;
  private readonly time: Time;
  private readonly rows = new Map<string, NodeId>();
  private readonly wholes = new Map<NodeId, NodeId>();
  private place: NodeId | undefined;

  constructor(graph: Graph, input: string, axis: number) {
    const given = withStates(graph);
    this.graph = given.graph;
    this.states = given.of;
    this.input = input;
    this.b = new GraphBuilder(graph.name);
    this.time = timeAxes(this.graph, input, axis);
  }

  build(): Graph {
    const { b, graph } = this;
    const pred = at(Object.values(graph.outputs), 0);
    const [axis, ...others] = timed(this.time, pred);
    if (axis === undefined || others.length > 0) throw new NotCausal('its output does not have one row for each position');
    b.outputs[ROW] = this.row(pred, axis);
    return b.graph();
  }

  /** The position of the step. */
  private get position(): NodeId {
    return (this.place ??= this.b.add('scalar', [], { name: 'position', expr: 'step' }, { dtype: 'i32', shape: [] }));
  }

  private node(id: NodeId): Node {
    return at(this.graph.nodes, id, 'node');
  }

  /** The row of a node at the position, along an axis, which stays with size 1. */
  private row(id: NodeId, axis: number): NodeId {
    const key = `${id}:${axis}`;
    const known = this.rows.get(key);
    if (known !== undefined) return known;
    const node = this.node(id);
    const found = this.b.within({ name: node.name, loc: node.loc }, () => this.rowOf(node, axis) ?? this.picked(node, axis));
    this.rows.set(key, found);
    return found;
  }

  /** The row of a node, made of rows of its operands; undefined if that cannot be. */
  private rowOf(node: Node, axis: number): NodeId | undefined {
    const { b } = this;
    const shape = fixedShape(node.type.shape);
    const type: TensorType = { dtype: node.type.dtype, shape: shape.map((d, i) => (i === axis ? 1 : d)) };
    const { inputs } = node;
    const [x = -1] = inputs;
    if (node.op === 'const') return copyNode(b, node, [], node.attrs, type);
    if (node.op === 'iota')
      return node.attrs.axis === axis ? b.splat(b.cast(this.position, type.dtype), type.shape) : copyNode(b, node, [], node.attrs, type);
    if (OPS[node.op].family === 'pointwise')
      return copyNode(
        b,
        node,
        inputs.map((i) => this.row(i, axis)),
      );
    if (node.op === 'reduce_sum' || node.op === 'reduce_max') {
      const from = shape.length + node.attrs.axes.length;
      const kept = Array.from({ length: from }, (_, i) => i).filter((i) => !node.attrs.axes.includes(i));
      const mine = at(kept, axis);
      for (const a of node.attrs.axes) this.mustBeMasked(x, mine, a, node.op === 'reduce_sum' ? 'zero' : 'low');
      return copyNode(b, node, [this.row(x, mine)]);
    }
    if (node.op === 'contract') return this.contractRow(node, axis);
    if (node.op === 'broadcast') {
      const from = node.attrs.axes.indexOf(axis);
      return copyNode(b, node, [from < 0 ? this.whole(x) : this.row(x, from)], { ...node.attrs, shape: type.shape });
    }
    if (node.op === 'reshape') {
      const from = sameAxis(fixedShape(this.node(x).type.shape), shape, axis);
      return from === undefined ? undefined : copyNode(b, node, [this.row(x, from)], { shape: type.shape });
    }
    if (node.op === 'permute') return copyNode(b, node, [this.row(x, at(node.attrs.perm, axis))]);
    if (node.op === 'slice' && at(node.attrs.start, axis) === 0 && shape[axis] === this.node(x).type.shape[axis])
      return copyNode(b, node, [this.row(x, axis)], { ...node.attrs, size: type.shape });
    if (node.op === 'pad' && at(node.attrs.low, axis) + at(node.attrs.high, axis) === 0) return copyNode(b, node, [this.row(x, axis)]);
    if (node.op === 'concat' && node.attrs.axis !== axis)
      return copyNode(
        b,
        node,
        inputs.map((i) => this.row(i, axis)),
      );
    if (node.op === 'scan' && axis === 0 && timed(this.time, node.id).includes(0)) {
      const value = get(this.loopRow(node), node.attrs.body.outputs[node.attrs.of] ?? -1);
      return b.reshape(value, type.shape);
    }
    if (node.op === 'gather' && axis < this.node(at(inputs, 1)).type.shape.length)
      return copyNode(b, node, [this.whole(x), this.row(at(inputs, 1), axis)]);
    return undefined;
  }

  /**
   * One place of a loop: what every node of its body is. The states of earlier places are kept like those of attention, so that a text that
   * is already there can be read at once.
   */
  private loopRow(node: NodeOf<'scan'>): ReadonlyMap<NodeId, NodeId> {
    const { first, states } = get(this.states, node.id);
    const known = this.loops.get(first);
    if (known) return known;
    const { b, position } = this;
    const { body, names, each } = node.attrs;
    const operandOf = (name: string): NodeId => at(node.inputs, names.indexOf(name));
    const earlier = b.op('max', b.op('sub', position, b.like(1, position)), b.like(0, position));
    const begins = b.op('eq', position, b.like(0, position));
    const kept = new Map<string, NodeId>();
    const made = copyNodes(b, body, (leaf) => {
      if (leaf.op !== 'input' && leaf.op !== 'state') return undefined;
      const { name } = leaf.attrs;
      const shape = fixedShape(leaf.type.shape);
      if (each.includes(name)) return b.reshape(this.row(operandOf(name), 0), shape);
      const operand = this.whole(operandOf(name));
      const all = states.get(name);
      if (leaf.op === 'input' || all === undefined) return operand;
      const before = this.state(all);
      kept.set(name, before);
      const last = b.reshape(b.op('gather', before, b.reshape(earlier, [1])), shape);
      return b.op('select', b.splat(begins, shape), operand, last);
    });
    this.loops.set(first, made);
    for (const { state, value } of body.writes) {
      const before = kept.get(state);
      if (before !== undefined) this.keep(before, b.reshape(get(made, value), [1, ...b.shape(get(made, value))]), 0);
    }
    return made;
  }

  private contractRow(node: NodeOf<'contract'>, axis: number): NodeId {
    const [from = '', to = ''] = node.attrs.spec.split('->');
    const labels = from.split(',');
    const mine = at([...to], axis);
    for (const label of new Set(labels.join('')))
      if (!to.includes(label) && label !== mine) {
        // One factor that is 0 at later positions is enough.
        const isZero = node.inputs.some((id, k) => {
          const [q, s] = [at(labels, k).indexOf(mine), at(labels, k).indexOf(label)];
          return q >= 0 && s >= 0 && isMaskedBefore(this.graph, id, q, s) === 'zero';
        });
        const overTime = node.inputs.some((id, k) => {
          const s = at(labels, k).indexOf(label);
          return s >= 0 && timed(this.time, id).includes(s);
        });
        if (overTime && !isZero) throw new NotCausal('a product goes over all positions without a causal mask');
      }
    return copyNode(
      this.b,
      node,
      node.inputs.map((id, k) => {
        const own = at(labels, k).indexOf(mine);
        return own < 0 ? this.whole(id) : this.row(id, own);
      }),
    );
  }

  /** A sum or maximum over positions may not see later ones. */
  private mustBeMasked(id: NodeId, row: number, over: number, how: 'zero' | 'low'): void {
    if (timed(this.time, id).includes(over) && isMaskedBefore(this.graph, id, row, over) !== how)
      throw new NotCausal(`a ${how === 'zero' ? 'sum' : 'maximum'} goes over all positions without a causal mask`);
  }

  /** A row of something that is the same in every step, or of the input: picked by index. */
  private picked(node: Node, axis: number): NodeId {
    const { b } = this;
    const isInput = node.op === 'input' && node.attrs.name === this.input;
    if (!isInput && this.time.has(node.id)) throw new NotCausal(`'${node.op}' mixes positions`);
    const whole = this.whole(node.id);
    const shape = fixedShape(node.type.shape);
    const order = [axis, ...shape.map((_, i) => i).filter((i) => i !== axis)];
    const rows = b.add('gather', [b.permute(whole, order), b.reshape(this.position, [1])], {});
    return b.permute(
      rows,
      shape.map((_, i) => order.indexOf(i)),
    );
  }

  /** The value of a node for all positions so far. */
  private whole(id: NodeId): NodeId {
    const known = this.wholes.get(id);
    if (known !== undefined) return known;
    const node = this.node(id);
    const made = this.b.within({ name: node.name, loc: node.loc }, () => this.wholeOf(node));
    this.wholes.set(id, made);
    return made;
  }

  private wholeOf(node: Node): NodeId {
    const axes = timed(this.time, node.id);
    const isInput = node.op === 'input' && node.attrs.name === this.input;
    if (isInput || !this.time.has(node.id))
      return copyNode(
        this.b,
        node,
        node.inputs.map((i) => this.whole(i)),
      );
    // The cache lies behind views, so that heads that share keys share their cache.
    if (node.op === 'broadcast' || node.op === 'permute' || node.op === 'reshape')
      return copyNode(this.b, node, [this.whole(at(node.inputs, 0))]);
    const [axis, ...others] = axes;
    if (axis === undefined || others.length > 0) throw new NotCausal(`'${node.op}' depends on all positions at once`);
    return this.cached(node, axis);
  }

  /** A state that holds the rows of earlier positions, with the row of this one put in. */
  private cached(node: Node, axis: number): NodeId {
    return this.keep(this.state(node.id), this.row(node.id, axis), axis);
  }

  /** A state for the rows of a node. */
  private state(id: NodeId): NodeId {
    const name = cacheName(this.cachedNodes.length);
    this.cachedNodes.push(id);
    return this.b.add('state', [], { name }, this.node(id).type);
  }

  /** Puts the row of this position into a state. */
  private keep(before: NodeId, row: NodeId, axis: number): NodeId {
    const { b } = this;
    const shape = fixedShape(b.shape(before));
    const wide = b.broadcast(
      b.reshape(
        row,
        shape.filter((_, i) => i !== axis),
      ),
      shape,
      shape.map((_, i) => i).filter((i) => i !== axis),
    );
    const places = b.add('iota', [], { axis }, { dtype: 'i32', shape });
    const value = b.op('select', b.op('eq', places, b.splat(this.position, shape)), wide, before);
    const state = b.node(before);
    if (state.op === 'state') b.writes.push({ state: state.attrs.name, value });
    return value;
  }
}

/** The axis of `from` that a reshape leaves as axis `axis` of `to`: of the same size, with as many elements before it. */
function sameAxis(from: readonly number[], to: readonly number[], axis: number): number | undefined {
  const before = (shape: readonly number[], i: number): number => shape.slice(0, i).reduce((a, b) => a * b, 1);
  const found = from.findIndex((d, i) => d === to[axis] && before(from, i) === before(to, axis));
  return found < 0 ? undefined : found;
}
