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
  { wants, pull }: Around,
): (readonly [operand: NodeId, cotangent: NodeId])[] {
  const { inputs: operands, attrs } = at(results, 0);
  const { body, names, each, length, reverse } = attrs;
  const operandOf = (name: string): NodeId => at(operands, names.indexOf(name));
  const r = new GraphBuilder(`d_${body.name}`);
  /** Operands of the new loop by name. */
  const given = new Map<string, NodeId>();
  const sliced = new Set<string>();
  // An earlier gradient may have given some results more outputs.
  const taken = new Set([...names, ...results.flatMap((n) => Object.keys(n.attrs.body.outputs))]);
  const fresh = (name: string): string => {
    let free = name;
    while (taken.has(free)) free += "'";
    taken.add(free);
    return free;
  };
  const bodyType = (id: NodeId): ReturnType<GraphBuilder['type']> => at(body.nodes, id).type;

  // The forward body, with the states as they were before each place.
  const states = body.nodes.flatMap((n) => (n.op === 'state' ? [n.attrs.name] : []));
  const before = new Map(states.map((s) => [s, fresh(`before.${s}`)]));
  const forward = copyNodes(r, body, (node) =>
    node.op === 'state' ? r.add('input', [], { name: get(before, node.attrs.name) }, node.type) : undefined,
  );
  const here = (id: NodeId): NodeId => get(forward, id);

  // Cotangents come in from the results, and from the place that the backward loop has just done.
  const seeds = new Map<NodeId, NodeId>();
  const seed = (id: NodeId, ct: NodeId): void => {
    const sum = seeds.get(here(id));
    seeds.set(here(id), sum === undefined ? ct : r.op('add', sum, ct));
  };
  const float = (id: NodeId | undefined): id is NodeId => id !== undefined && bodyType(id).dtype === 'f32';
  results.forEach(({ attrs: { take, of, body: own } }, i) => {
    const ct = cts[i];
    const id = own.outputs[of];
    if (take !== 'each' || ct === undefined || !float(id)) return;
    const name = fresh(`ct.${of}`);
    given.set(name, ct);
    sliced.add(name);
    seed(id, r.add('input', [], { name }, bodyType(id)));
  });
  const carried = new Map(states.filter((s) => float(leafNamed(body, s))).map((s) => [s, fresh(`d.${s}`)]));
  for (const [s, name] of carried) {
    const type = bodyType(get(new Map([[s, leafNamed(body, s) ?? -1]]), s));
    // Before equal nodes are merged, several results may be the same.
    const last = results.flatMap((n, i) => (n.attrs.take === 'last' && n.attrs.of === s ? (cts[i] ?? []) : []));
    given.set(name, last.length === 0 ? b.full(0, type) : last.reduce((x, y) => b.op('add', x, y)));
    seed(nextOf(body, s) ?? -1, r.add('state', [], { name }, type));
  }
  const leaves = body.nodes.filter((n) => (n.op === 'input' || n.op === 'state') && n.type.dtype === 'f32');
  const asked = leaves.filter((n) => n.op === 'state' || (n.op === 'input' && wants(operandOf(n.attrs.name))));
  const pulled = pull(
    r,
    seeds,
    asked.map((n) => here(n.id)),
  );
  for (const [s, name] of carried) {
    const leaf = here(leafNamed(body, s) ?? -1);
    r.writes.push({ state: name, value: pulled.get(leaf) ?? r.like(0, leaf) });
  }
  const slopes = new Map<NodeId, string>();
  for (const node of asked)
    if (node.op === 'input' && each.includes(node.attrs.name)) {
      const leaf = here(node.id);
      const name = fresh(`d.${node.attrs.name}`);
      slopes.set(node.id, name);
      r.outputs[name] = pulled.get(leaf) ?? r.like(0, leaf);
    }
  const isSliced = (name: string): boolean => sliced.has(name) || each.includes(name);
  const origin = new Map([...forward].map(([from, to]) => [to, from]));
  // What the forward loop gives besides its results, by the names under which the backward one reads it.
  const outputs: Record<string, NodeId> = { ...body.outputs };
  const keptNames = new Map<NodeId, string>();
  const nameOf = (from: NodeId): string => {
    const name = keptNames.get(from) ?? fresh(`kept.${from}`);
    keptNames.set(from, name);
    outputs[name] = from;
    sliced.add(name);
    return name;
  };
  for (const [s, name] of before) {
    outputs[name] = leafNamed(body, s) ?? -1;
    sliced.add(name);
  }
  const keep = (id: NodeId): string | undefined => {
    const from = origin.get(id);
    return from === undefined || r.node(id).inputs.length === 0 ? undefined : nameOf(from);
  };
  const totals = asked.flatMap((node) => {
    if (node.op !== 'input' || each.includes(node.attrs.name)) return [];
    const ct = pulled.get(here(node.id));
    return ct === undefined ? [] : [{ operand: operandOf(node.attrs.name), total: summedOverPlaces(r, ct, { length, isSliced, keep }) }];
  });

  // What of the forward body the backward one reads instead of computing it.
  const saved = new Map(keptValues(r, body, origin).map((id) => [here(id), nameOf(id)]));
  const back = new GraphBuilder(r.name);
  const rewritten = copyNodes(back, r.graph(), (node) => {
    const name = saved.get(node.id);
    return name === undefined ? undefined : back.add('input', [], { name }, node.type);
  });
  for (const [name, id] of Object.entries(r.outputs)) back.outputs[name] = get(rewritten, id);
  for (const w of r.writes) back.writes.push({ state: w.state, value: get(rewritten, w.value) });
  const backward = needed(back.graph());

  const keeping = { ...body, outputs };
  const forwardLoop = (of: string): NodeId => b.add('scan', operands, { ...attrs, body: keeping, take: 'each', of });
  const backwardNames = backward.nodes.flatMap((n) => (n.op === 'input' || n.op === 'state' ? [n.attrs.name] : []));
  const known = new Map<string, NodeId>();
  const operandNamed = (name: string): NodeId => {
    const done = known.get(name) ?? given.get(name);
    if (done !== undefined) return done;
    const made = names.includes(name) ? operandOf(name) : forwardLoop(name);
    known.set(name, made);
    return made;
  };
  const backwardOperands = backwardNames.map(operandNamed);
  const loop = (take: 'each' | 'last', of: string): NodeId =>
    b.add('scan', backwardOperands, {
      body: backward,
      length,
      reverse: !reverse,
      names: backwardNames,
      each: backwardNames.filter(isSliced),
      take,
      of,
    });
  return [
    ...asked.flatMap((node): (readonly [NodeId, NodeId])[] => {
      const { name } = node.attrs as { readonly name: string };
      if (node.op === 'state') return wants(operandOf(name)) ? [[operandOf(name), loop('last', get(carried, name))]] : [];
      return each.includes(name) ? [[operandOf(name), loop('each', get(slopes, node.id))]] : [];
    }),
    ...totals.map(({ operand, total }) => [operand, total(b, { each: (of) => loop('each', of), operand: operandNamed })] as const),
  ];
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
  const map = copyNodes(b, { ...body, nodes: body.nodes }, () => undefined, live);
  for (const [name, id] of Object.entries(body.outputs)) b.outputs[name] = get(map, id);
  for (const w of body.writes) b.writes.push({ state: w.state, value: get(map, w.value) });
  return b.graph();
}
