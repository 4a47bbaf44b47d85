import { at, get } from '../base/errors.ts';
import { GraphBuilder } from '../ir/graph/builder.ts';
import { recordOf } from '../ir/graph/ops.ts';
import { leafNamed, nextOf, type Scan } from '../ir/graph/scan.ts';
import type { Graph, NodeId } from '../ir/graph/types.ts';
import { copyNodes } from '../ir/graph/copy.ts';
import { summedOverPlaces } from './hoist.ts';

/** What the gradient of a loop needs from that of the graph around it. */
interface Around {
  /** Whether the cotangent of an operand is asked for. */
  readonly wants: (operand: NodeId) => boolean;
  readonly pull: (b: GraphBuilder, seeds: ReadonlyMap<NodeId, NodeId>, wrt: readonly NodeId[]) => ReadonlyMap<NodeId, NodeId>;
}

/**
 * The cotangents of a loop's operands from those of its results: a loop the other way round, whose body is the pullback of the body. It
 * carries the cotangents of the states. Of the values of the forward body it computes again what is cheap; sums, and what the loop keeps
 * anyway, it reads. What belongs to all places, such as weights, gets one sum over the places behind the loop.
 */
export function loopVjp(
  b: GraphBuilder,
  results: readonly Scan[],
  cts: readonly (NodeId | undefined)[],
  around: Around,
): (readonly [operand: NodeId, cotangent: NodeId])[] {
  return new LoopVjp(b, results, around).run(cts);
}

class LoopVjp {
  private readonly b: GraphBuilder;
  private readonly results: readonly Scan[];
  private readonly around: Around;
  private readonly attrs: Scan['attrs'];
  private readonly operands: readonly NodeId[];
  /** The backward body as it grows. */
  private readonly r: GraphBuilder;
  /** Each node of the forward body in it, and the other way round. */
  private readonly forward: ReadonlyMap<NodeId, NodeId>;
  private readonly origin: ReadonlyMap<NodeId, NodeId>;
  /** Names that are in use. */
  private readonly taken: Set<string>;
  /** The operands that the backward loop has besides those of the forward one, and those of its names that have a value for each place. */
  private readonly given = new Map<string, NodeId>();
  private readonly sliced: Set<string>;
  /** What the forward loop gives besides its results, by the names under which the backward one reads it. */
  private readonly outputs: Record<string, NodeId>;
  private readonly kept = new Map<NodeId, string>();
  /** The states of numbers, by name, with the names of their cotangents. */
  private readonly carried = new Map<string, string>();

  constructor(b: GraphBuilder, results: readonly Scan[], around: Around) {
    const { inputs, attrs } = at(results, 0);
    this.b = b;
    this.results = results;
    this.around = around;
    this.attrs = attrs;
    this.operands = inputs;
    const { body, names, each } = attrs;
    this.r = new GraphBuilder(`d_${body.name}`);
    // An earlier gradient may have given some results more outputs.
    this.taken = new Set([...names, ...results.flatMap((n) => Object.keys(n.attrs.body.outputs))]);
    this.sliced = new Set(each);
    this.outputs = { ...body.outputs };
    // The forward body, with the states as they were before each place.
    this.forward = copyNodes(this.r, body, (node) => {
      if (node.op !== 'state') return undefined;
      const { name } = node.attrs;
      const before = this.fromForward(`before.${name}`, node.id);
      if (node.type.dtype === 'f32') this.carried.set(name, this.fresh(`d.${name}`));
      return this.r.add('input', [], { name: before }, node.type);
    });
    this.origin = new Map([...this.forward].map(([from, to]) => [to, from]));
  }

  run(cts: readonly (NodeId | undefined)[]): (readonly [NodeId, NodeId])[] {
    const { b, r, attrs } = this;
    const { body, each, length } = attrs;
    const asked = body.nodes.flatMap((n) => {
      if ((n.op !== 'input' && n.op !== 'state') || n.type.dtype !== 'f32') return [];
      const { name } = n.attrs;
      return n.op === 'state' || this.around.wants(this.operandOf(name)) ? [{ id: n.id, name, state: n.op === 'state' }] : [];
    });
    const pulled = this.around.pull(
      r,
      this.seeds(cts),
      asked.map(({ id }) => this.here(id)),
    );
    const cotangent = (id: NodeId): NodeId => pulled.get(this.here(id)) ?? r.like(0, this.here(id));
    for (const [state, name] of this.carried) r.writes.push({ state: name, value: cotangent(this.leaf(state)) });
    const slopes = new Map<string, string>();
    for (const { id, name } of asked) {
      if (!each.includes(name)) continue;
      slopes.set(name, this.fresh(`d.${name}`));
      r.outputs[get(slopes, name)] = cotangent(id);
    }
    const where = { length, isSliced: (name: string) => this.sliced.has(name), keep: (id: NodeId) => this.keep(id) };
    const totals = asked.flatMap(({ id, name, state }) => {
      const ct = state || each.includes(name) ? undefined : pulled.get(this.here(id));
      return ct === undefined ? [] : [{ operand: this.operandOf(name), total: summedOverPlaces(r, ct, where) }];
    });
    const { loop, operand } = this.loops();
    return [
      ...asked.flatMap(({ name, state }): (readonly [NodeId, NodeId])[] => {
        const to = this.operandOf(name);
        if (state) return this.around.wants(to) ? [[to, loop('last', get(this.carried, name))]] : [];
        return each.includes(name) ? [[to, loop('each', get(slopes, name))]] : [];
      }),
      ...totals.map((t) => [t.operand, t.total(b, { each: (of) => loop('each', of), operand })] as const),
    ];
  }

  private fresh(name: string): string {
    let free = name;
    while (this.taken.has(free)) free += "'";
    this.taken.add(free);
    return free;
  }

  private operandOf(name: string): NodeId {
    return at(this.operands, this.attrs.names.indexOf(name));
  }

  /** The leaf of a state of the forward body. */
  private leaf(state: string): NodeId {
    return leafNamed(this.attrs.body, state) ?? -1;
  }

  /** A node of the forward body in the backward one. */
  private here(id: NodeId): NodeId {
    return get(this.forward, id);
  }

  /** Makes the forward loop give a value of all places, under a name. */
  private fromForward(base: string, id: NodeId): string {
    const name = this.fresh(base);
    this.outputs[name] = id;
    this.sliced.add(name);
    return name;
  }

  /** The name under which the forward loop keeps a value of the backward body that it computes itself. */
  private keep(id: NodeId): string | undefined {
    const from = this.origin.get(id);
    if (from === undefined || this.r.node(id).inputs.length === 0) return undefined;
    const name = this.kept.get(from) ?? this.fromForward(`kept.${from}`, from);
    this.kept.set(from, name);
    return name;
  }

  /** Cotangents come in from the results, and from the place that the backward loop has just done. */
  private seeds(cts: readonly (NodeId | undefined)[]): ReadonlyMap<NodeId, NodeId> {
    const { b, r, results, given } = this;
    const { body } = this.attrs;
    const seeds = new Map<NodeId, NodeId>();
    const seed = (id: NodeId, ct: NodeId): void => {
      const sum = seeds.get(this.here(id));
      seeds.set(this.here(id), sum === undefined ? ct : r.op('add', sum, ct));
    };
    results.forEach(({ attrs: { take, of, body: own } }, i) => {
      const ct = cts[i];
      const id = own.outputs[of] ?? -1;
      const type = body.nodes[id]?.type;
      if (take !== 'each' || ct === undefined || type?.dtype !== 'f32') return;
      const name = this.fresh(`ct.${of}`);
      given.set(name, ct);
      this.sliced.add(name);
      seed(id, r.add('input', [], { name }, type));
    });
    for (const [state, name] of this.carried) {
      const { type } = at(body.nodes, this.leaf(state));
      // Before equal nodes are merged, several results may be the same.
      const last = results.flatMap(({ attrs }, i) => (attrs.take === 'last' && attrs.of === state ? (cts[i] ?? []) : []));
      given.set(name, last.length === 0 ? b.full(0, type) : last.reduce((x, y) => b.op('add', x, y)));
      seed(nextOf(body, state) ?? -1, r.add('state', [], { name }, type));
    }
    return seeds;
  }

  /** The backward loop, whose results are taken by name, and its operands by name. */
  private loops(): { readonly loop: (take: 'each' | 'last', of: string) => NodeId; readonly operand: (name: string) => NodeId } {
    const { b, r, attrs } = this;
    // What of the forward body the backward one reads instead of computing it.
    const saved = new Map(keptValues(r, attrs.body, this.origin).map((id) => [this.here(id), this.keep(this.here(id))]));
    const back = new GraphBuilder(r.name);
    const rewritten = copyNodes(back, r.graph(), (node) => {
      const name = saved.get(node.id);
      return name === undefined ? undefined : back.add('input', [], { name }, node.type);
    });
    for (const [name, id] of Object.entries(r.outputs)) back.outputs[name] = get(rewritten, id);
    for (const w of r.writes) back.writes.push({ state: w.state, value: get(rewritten, w.value) });
    const body = needed(back.graph());
    const keeping = { ...attrs.body, outputs: this.outputs };
    const known = new Map<string, NodeId>(this.given);
    const operand = (name: string): NodeId => {
      const before = known.get(name);
      if (before !== undefined) return before;
      const forward = (): NodeId => b.add('scan', this.operands, { ...attrs, body: keeping, take: 'each', of: name });
      const made = attrs.names.includes(name) ? this.operandOf(name) : forward();
      known.set(name, made);
      return made;
    };
    const names = body.nodes.flatMap((n) => (n.op === 'input' || n.op === 'state' ? [n.attrs.name] : []));
    const operands = names.map(operand);
    const each = names.filter((name) => this.sliced.has(name));
    const { length, reverse } = attrs;
    return { operand, loop: (take, of) => b.add('scan', operands, { body, length, reverse: !reverse, names, each, take, of }) };
  }
}

/** Forward values that the backward body reads: sums, and states, which are kept anyway. Whatever else it needs of them is cheap. */
function keptValues(r: GraphBuilder, body: Graph, origin: ReadonlyMap<NodeId, NodeId>): NodeId[] {
  const states = new Set(body.writes.map((w) => w.value));
  const kept = new Set<NodeId>();
  const seen = new Set<NodeId>();
  const visit = (id: NodeId): void => {
    if (seen.has(id)) return;
    seen.add(id);
    const node = r.node(id);
    const from = origin.get(id);
    if (from !== undefined && node.inputs.length > 0 && (recordOf(node).sum || states.has(from))) kept.add(from);
    else node.inputs.forEach(visit);
  };
  [...Object.values(r.outputs), ...r.writes.map((w) => w.value)].forEach(visit);
  return [...kept].sort((x, y) => x - y);
}

/** A body without the nodes that nothing needs. */
function needed(body: Graph): Graph {
  const b = new GraphBuilder(body.name);
  const live = new Set<NodeId>([...Object.values(body.outputs), ...body.writes.map((w) => w.value)]);
  for (let id = body.nodes.length - 1; id >= 0; id--) {
    const node = at(body.nodes, id);
    if (node.op === 'state') live.add(id);
    if (live.has(id)) node.inputs.forEach((i) => live.add(i));
  }
  const map = copyNodes(b, body, () => undefined, live);
  for (const [name, id] of Object.entries(body.outputs)) b.outputs[name] = get(map, id);
  for (const w of body.writes) b.writes.push({ state: w.state, value: get(map, w.value) });
  return b.graph();
}
