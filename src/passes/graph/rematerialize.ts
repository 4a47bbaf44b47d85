import { at, get } from '../../base/errors.ts';
import { count, fixedShape } from '../../base/types.ts';
import { GraphBuilder } from '../../ir/graph/builder.ts';
import { contractLabels } from '../../ir/graph/contract.ts';
import { OPS, isLeaf, isView } from '../../ir/graph/ops.ts';
import type { Graph, Node, NodeId } from '../../ir/graph/types.ts';
import { comparedWithThemselves } from '../compared.ts';
import { copyNode } from './rewrite.ts';

/** Values with fewer elements are kept: they need little memory. */
const LARGE = 65_536;
/** A value this many times smaller than the result is kept in any case. */
const SMALL = 16;
/** Scalar operations per element that are worth saving its memory. */
const CHEAP = 40;
/**
 * Recomputes, in the backward pass, large forward values that are cheap to compute from others which the backward pass needs anyway, so
 * that they need no memory in between. The forward pass is the nodes up to the loss.
 */
export function rematerialize(graph: Graph): Graph {
  const loss = graph.outputs['loss'];
  return loss === undefined ? graph : new Rematerializer(graph, loss).run();
}

/** Random draws are excluded: fusion repeats them wherever they are read, so a recomputed reader would repeat them once more. */
const isCheap = (node: Node): boolean => OPS[node.op].family === 'pointwise';

/** A product is recomputed if its sums have at most this many terms and it is this many times larger than its operands. */
const FEW_TERMS = 128;
const GROWTH = 2;

class Rematerializer {
  private readonly graph: Graph;
  private readonly loss: NodeId;
  /** Forward values that the backward pass reads, directly or through views. */
  private readonly needed = new Set<NodeId>();
  private readonly costs = new Map<NodeId, number>();
  private readonly b: GraphBuilder;
  private readonly map = new Map<NodeId, NodeId>();
  private readonly clones = new Map<NodeId, NodeId>();

  constructor(graph: Graph, loss: NodeId) {
    this.graph = graph;
    this.loss = loss;
    this.b = new GraphBuilder(graph.name);
    for (const node of graph.nodes) if (node.id > loss) node.inputs.forEach((i) => this.need(i));
    const kept = [...Object.values(graph.outputs), ...graph.writes.map((w) => w.value)];
    [...kept, ...comparedWithThemselves(graph)].forEach((id) => this.costs.set(id, Infinity));
  }

  private node(id: NodeId): Node {
    return at(this.graph.nodes, id);
  }

  private need(id: NodeId): void {
    if (id > this.loss || this.needed.has(id)) return;
    this.needed.add(id);
    if (this.isView(id)) this.node(id).inputs.forEach((i) => this.need(i));
  }

  private isView(id: NodeId): boolean {
    return isView(this.node(id));
  }

  run(): Graph {
    for (const node of this.graph.nodes) {
      // What a loop keeps for the backward pass comes from the loop of the forward pass, so it must have the same operands.
      const backward = node.id > this.loss && node.op !== 'scan';
      const inputs = node.inputs.map((i) => (backward ? this.clone(i) : this.mapped(i)));
      this.map.set(node.id, copyNode(this.b, node, inputs));
    }
    for (const [name, id] of Object.entries(this.graph.outputs)) this.b.outputs[name] = this.mapped(id);
    for (const w of this.graph.writes) this.b.writes.push({ state: w.state, value: this.mapped(w.value) });
    return this.b.graph();
  }

  private mapped(id: NodeId): NodeId {
    return get(this.map, id, 'node');
  }

  /** A forward value as the backward pass reads it. */
  private clone(id: NodeId): NodeId {
    const known = this.clones.get(id);
    if (known !== undefined) return known;
    const made = this.copies(id)
      ? copyNode(
          this.b,
          this.node(id),
          this.node(id).inputs.map((i) => this.clone(i)),
        )
      : this.mapped(id);
    this.clones.set(id, made);
    return made;
  }

  private copies(id: NodeId): boolean {
    if (id > this.loss) return false;
    if (this.isView(id)) return this.copies(at(this.node(id).inputs, 0));
    return this.again(id) || (!this.needed.has(id) && this.isLarge(id) && this.cost(id) <= CHEAP);
  }

  private isLarge(id: NodeId): boolean {
    return count(this.node(id).type.shape) >= LARGE / SMALL;
  }

  /** Whether a value that the backward pass needs is recomputed there. */
  private again(id: NodeId): boolean {
    return this.needed.has(id) && count(this.node(id).type.shape) >= LARGE && this.cost(id) <= CHEAP;
  }

  /** Whether a batched product, such as attention scores, takes much more memory than its operands. */
  private grows(node: Node): boolean {
    if (node.op !== 'contract') return false;
    const l = contractLabels(node.attrs.spec);
    if (![...l.out].some((c) => l.a.includes(c) && l.b.includes(c))) return false;
    const [a, b] = node.inputs.map((i) => fixedShape(this.node(i).type.shape));
    if (!a || !b) return false;
    const terms = [...l.a].reduce((n, c, i) => (l.out.includes(c) ? n : n * at(a, i)), 1);
    return terms <= FEW_TERMS && count(node.type.shape) >= GROWTH * (count(a) + count(b));
  }

  /** Operations to compute a value from what the backward pass has at hand; infinite if impossible. */
  private cost(id: NodeId): number {
    const known = this.costs.get(id);
    if (known !== undefined) return known;
    const node = this.node(id);
    let total = isCheap(node) ? OPS[node.op].cost : this.grows(node) ? 0 : Infinity;
    for (const input of new Set(node.inputs)) if (total <= CHEAP) total += this.costOfOperand(input, count(node.type.shape));
    this.costs.set(id, total);
    return total;
  }

  private costOfOperand(id: NodeId, size: number): number {
    const node = this.node(id);
    if (this.isView(id)) return this.costOfOperand(at(node.inputs, 0), size);
    // Leaves are always available, and small values are kept in any case.
    if (isLeaf(node) || count(node.type.shape) * SMALL <= size) return 0;
    if (this.needed.has(id) && !this.again(id)) return 0;
    return this.cost(id);
  }
}
