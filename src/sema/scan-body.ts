import { at } from '../base/errors.ts';
import type { Dim } from '../base/types.ts';
import { GraphBuilder } from '../ir/graph/builder.ts';
import { isFree, isView, recordOf } from '../ir/graph/ops.ts';
import type { Graph, NodeId } from '../ir/graph/types.ts';
import { unroll } from '../ir/graph/unroll.ts';
import { lifted, type Lifted } from './lift.ts';
import type { ModelBuilder } from './model-builder.ts';

/** The first place of a loop, from which the body is made. */
export interface Place {
  /** What the stage reads: places of the sequences, in their order, and states. */
  readonly leaves: ReadonlyMap<NodeId, { readonly name: string; readonly op: 'input' | 'state' }>;
  /** The next value of each state, and perhaps an output. */
  readonly results: readonly NodeId[];
  /** The first node of the stage. */
  readonly mark: NodeId;
}

/** The name of a sequence in the body. States have the program's names, which hold no dots. */
export const sequenceName = (i: number): string => `x.${i}`;

/** A body with all that it reads. */
interface Body {
  readonly graph: Graph;
  /** What it reads besides the sequences and the states. */
  readonly operands: ReadonlyMap<string, NodeId>;
  /** Those of them that have a value for each place. */
  readonly made: readonly string[];
}

/**
 * The graph of one place. What does not depend on the place stays outside; products that need no state are one product of all places before
 * the loop; and every place draws random numbers of its own.
 */
export function bodyOf(m: ModelBuilder, place: Place, states: readonly string[], sequences: readonly NodeId[], length: number): Body {
  return new BodyMaker(m, place, sequences, length).make(states);
}

class BodyMaker {
  private readonly m: ModelBuilder;
  private readonly place: Place;
  private readonly sequences: readonly NodeId[];
  private readonly length: number;
  /** Nodes that differ from place to place. */
  private readonly changes: Set<NodeId>;
  /** Those that are known of all places before the loop begins: they depend on no state, and on nothing drawn. */
  private readonly early = new Map<NodeId, NodeId | undefined>();
  private readonly body = new GraphBuilder('scan');
  private readonly operands = new Map<string, NodeId>();
  private readonly made: string[] = [];
  private readonly copies = new Map<NodeId, NodeId>();

  constructor(m: ModelBuilder, place: Place, sequences: readonly NodeId[], length: number) {
    this.m = m;
    this.place = place;
    this.sequences = sequences;
    this.length = length;
    const { leaves, mark } = place;
    this.changes = new Set(leaves.keys());
    let i = 0;
    for (const [id, { op }] of leaves) if (op === 'input') this.early.set(id, sequences[i++]);
    for (const node of m.b.nodes.slice(mark)) {
      const drawn = node.op === 'uniform';
      if (!drawn && !node.inputs.some((k) => this.changes.has(k))) continue;
      this.changes.add(node.id);
      if (!drawn && node.inputs.every((k) => this.early.has(k) || !this.changes.has(k))) this.early.set(node.id, undefined);
    }
  }

  make(states: readonly string[]): Body {
    const { leaves, results } = this.place;
    // States are declared even if the stage does not read them.
    for (const [id, { op }] of leaves) if (op === 'state') this.copy(id);
    const values = results.map((id) => this.copy(id));
    states.forEach((state, i) => this.body.writes.push({ state, value: at(values, i) }));
    this.body.outputs['y'] = at(values, values.length > states.length ? values.length - 1 : 0);
    // A loop within the loop is written out.
    return { graph: unroll(this.body.graph()), operands: this.operands, made: this.made };
  }

  /** A value of all places, computed before the loop; undefined if that cannot be. */
  private before(id: NodeId): NodeId | undefined {
    const known = this.early.get(id);
    if (known !== undefined || !this.early.has(id)) return known;
    const { b } = this.m;
    const node = b.node(id);
    const operands = node.inputs.map((i) => (this.changes.has(i) ? { id: this.before(i), places: true } : { id: i, places: false }));
    if (operands.some((o) => o.id === undefined)) return undefined;
    const all = b.within(node, () => lifted(b, node, operands as readonly Lifted[], this.length));
    if (all === undefined) this.early.delete(id);
    else this.early.set(id, all);
    return all;
  }

  private copy(id: NodeId): NodeId {
    const known = this.copies.get(id);
    if (known !== undefined) return known;
    const made = this.copied(id);
    this.copies.set(id, made);
    return made;
  }

  private copied(id: NodeId): NodeId {
    const { changes, body, m } = this;
    const node = m.b.node(id);
    const { name, loc, type } = node;
    const leaf = this.place.leaves.get(id);
    if (leaf) return body.add(leaf.op, [], { name: leaf.name }, type);
    const differs = changes.has(id);
    const all = differs && recordOf(node).sum ? this.before(id) : undefined;
    if (all !== undefined) return this.sequence(id, all);
    if (differs && node.op === 'uniform') return this.sequence(id, m.random([this.length, ...(type.shape as readonly Dim[])]));
    if (differs || isFree(node) || isView(node)) {
      const inputs = node.inputs.map((i) => this.copy(i));
      return body.add(node.op, inputs, node.attrs, type, { name, loc });
    }
    return this.operand(`v.${this.operands.size}`, id, id);
  }

  private sequence(id: NodeId, all: NodeId): NodeId {
    const name = sequenceName(this.sequences.length + this.made.length);
    this.made.push(name);
    return this.operand(name, all, id);
  }

  private operand(name: string, operand: NodeId, like: NodeId): NodeId {
    this.operands.set(name, operand);
    return this.body.add('input', [], { name }, this.m.b.type(like));
  }
}
