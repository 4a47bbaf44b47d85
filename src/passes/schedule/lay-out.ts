import { at, get } from '../../base/errors.ts';
import { count } from '../../base/types.ts';
import { copyNodes } from '../../ir/graph/copy.ts';
import { GraphBuilder } from '../../ir/graph/builder.ts';
import { baseOf, isLeaf, isMovement } from '../../ir/graph/ops.ts';
import { loopsOf, type Scan } from '../../ir/graph/scan.ts';
import type { Graph, NodeId } from '../../ir/graph/types.ts';
import type { Place } from './types.ts';

/** A tensor that holds a value of every place of a loop, one behind the other. */
interface Held {
  readonly name: string;
  /** A node of its type. */
  readonly node: NodeId;
  readonly size: number;
}

/** A loop whose body lies among the nodes of the graph. */
export interface LaidLoop {
  readonly length: number;
  readonly results: readonly NodeId[];
  /** What the loop reads of the graph around it, below all views. */
  readonly operands: ReadonlySet<NodeId>;
  /** What has to be in memory before the first place: the states. */
  readonly starts: readonly (Place & { readonly node: NodeId })[];
  readonly held: readonly Held[];
}

/** A graph with the bodies of its loops behind it. */
export interface LaidOut {
  /** The nodes of the graph itself keep their numbers. */
  readonly graph: Graph;
  readonly loops: readonly LaidLoop[];
  /** The loop that a node of a body belongs to. */
  readonly loopOf: (id: NodeId) => number | undefined;
  /** Where values of loops lie: states, results, and the values of bodies that outlive their place. */
  readonly places: ReadonlyMap<NodeId, Place>;
  /** The values of bodies that outlive their place. */
  readonly homes: ReadonlySet<NodeId>;
}

/**
 * Puts the body of each loop behind the graph, once, so that it is scheduled like everything else; its kernels then run once for each
 * place. A state has a tensor with room for one value more than there are places: a place reads its own and writes the next one, so nothing
 * is ever overwritten, and the values of all places are there for the gradient. `traced` are outputs that a kernel has to compute itself.
 */
export function layOutLoops(given: Graph, traced: readonly string[]): LaidOut {
  const families = loopsOf(given.nodes);
  const places = new Map<NodeId, Place>();
  const homes = new Set<NodeId>();
  if (families.length === 0) return { graph: given, loops: [], loopOf: () => undefined, places, homes };
  const b = new GraphBuilder(given.name, given);
  const loops: LaidLoop[] = [];
  const ends: { readonly from: NodeId; readonly to: NodeId }[] = [];
  for (const results of families) {
    const from = b.nodes.length;
    loops.push(new Layout(b, results, `loop${loops.length}`, places, homes).run());
    ends.push({ from, to: b.nodes.length });
  }
  for (const name of traced) {
    const id = b.outputs[name];
    if (id !== undefined && b.node(id).op === 'scan') b.outputs[name] = b.op('detach', id);
  }
  const loopOf = (id: NodeId): number | undefined => {
    const i = ends.findIndex(({ from, to }) => from <= id && id < to);
    return i < 0 ? undefined : i;
  };
  return { graph: b.graph(), loops, loopOf, places, homes };
}

class Layout {
  private readonly b: GraphBuilder;
  private readonly results: readonly Scan[];
  private readonly name: string;
  private readonly places: Map<NodeId, Place>;
  private readonly homes: Set<NodeId>;
  private readonly first: NodeId;
  private readonly held: Held[] = [];

  constructor(b: GraphBuilder, results: readonly Scan[], name: string, places: Map<NodeId, Place>, homes: Set<NodeId>) {
    this.b = b;
    this.results = results;
    this.name = name;
    this.places = places;
    this.homes = homes;
    this.first = b.nodes.length;
  }

  run(): LaidLoop {
    const { b } = this;
    const { inputs, attrs } = at(this.results, 0);
    const { body, names, each, length, reverse } = attrs;
    const operandOf = (name: string): NodeId => at(inputs, names.indexOf(name));
    const map = copyNodes(b, body, (node) => {
      if (node.op === 'state') return b.add('carry', [], { name: `${this.name}.${node.attrs.name}` }, node.type);
      if (node.op !== 'input') return undefined;
      const operand = operandOf(node.attrs.name);
      return each.includes(node.attrs.name) ? b.add('pick', [operand], { reverse }) : operand;
    });
    /** Where a value is at each place, from the tensor's start on. */
    const moving = (tensor: string, size: number, slots: number, before: boolean): Place => {
      // The slot at the first place. States have one more: the value before a place is a slot behind the one after it.
      const start = reverse ? slots - 1 - (slots > length && !before ? 1 : 0) : slots > length && !before ? 1 : 0;
      return { tensor, offset: 0, moves: { from: start * size, by: reverse ? -size : size, length } };
    };
    const starts: (Place & { readonly node: NodeId })[] = [];
    /** The tensors of states by the nodes before and after a place. */
    const slots = new Map<NodeId, { readonly tensor: string; readonly size: number; readonly after: boolean }>();
    const stateOf = new Map<string, { readonly tensor: string; readonly size: number }>();
    for (const node of body.nodes) {
      if (node.op !== 'state') continue;
      const { name } = node.attrs;
      const leaf = get(map, node.id);
      const size = count(node.type.shape);
      const tensor = this.tensor(name, leaf, (length + 1) * size);
      stateOf.set(name, { tensor, size });
      slots.set(node.id, { tensor, size, after: false });
      this.places.set(leaf, moving(tensor, size, length + 1, true));
      starts.push({ node: operandOf(name), tensor, offset: reverse ? length * size : 0 });
      const written = body.writes.find((w) => w.state === name)?.value ?? node.id;
      const next = this.computed(get(map, written));
      this.home(next, moving(tensor, size, length + 1, false));
      if (!slots.has(written)) slots.set(written, { tensor, size, after: true });
    }
    const own = new Map<NodeId, string>();
    for (const { id, attrs: mine } of this.results) {
      if (mine.take === 'last') {
        const { tensor, size } = get(stateOf, mine.of, 'state');
        this.places.set(id, { tensor, offset: reverse ? 0 : length * size });
        continue;
      }
      const value = mine.body.outputs[mine.of] ?? -1;
      const slot = slots.get(value);
      if (slot) {
        this.places.set(id, { tensor: slot.tensor, offset: slot.after === reverse ? 0 : slot.size });
        continue;
      }
      let tensor = own.get(value);
      if (tensor === undefined) {
        const node = this.computed(get(map, value));
        const size = count(b.shape(node));
        tensor = this.tensor(`y${own.size}`, node, length * size);
        this.home(node, moving(tensor, size, length, false));
        own.set(value, tensor);
      }
      this.places.set(id, { tensor, offset: 0 });
    }
    const operands = new Set(inputs.map((i) => baseOf(b.graph(), i)));
    return { length, results: this.results.map((r) => r.id), operands, starts, held: this.held };
  }

  private tensor(name: string, node: NodeId, size: number): string {
    const tensor = `${this.name}_${name.replace(/\W/g, '_')}_${this.held.length}`;
    this.held.push({ name: tensor, node, size });
    return tensor;
  }

  private home(node: NodeId, place: Place): void {
    this.homes.add(node);
    this.places.set(node, place);
  }

  /** A value that the body computes and that has no home yet: itself, or a copy. */
  private computed(id: NodeId): NodeId {
    const node = this.b.node(id);
    const itself = id >= this.first && !isLeaf(node) && !isMovement(node) && !this.homes.has(id);
    return itself ? id : this.b.op('detach', id);
  }
}
