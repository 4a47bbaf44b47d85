import { CompilerBug, at, get } from '../../base/errors.ts';
import { count } from '../../base/types.ts';
import { OPS, isLeaf, isView } from '../../ir/graph/ops.ts';
import type { Graph, Node, NodeId } from '../../ir/graph/types.ts';
import { holdHalves } from '../graph/precision.ts';
import { chooseRoots } from './fuse.ts';
import { formGroups, readsOnlyInPlace } from './groups.ts';
import { Log } from './log.ts';
import { layOutLoops, type LaidOut } from './lay-out.ts';
import { safeName } from './naming.ts';
import { isRowwise } from './rows.ts';
import type { Fused, Group, Level, Place, Schedule, Store, Tensor } from './types.ts';

export interface ScheduleOptions {
  readonly level: Level;
  /** Scalar outputs that are recorded for every step of a chunk. */
  readonly trace: readonly string[];
  /** The most steps of a chunk: the size of a trace. */
  readonly chunk: number;
  /** Values that fit binary16 are stored as f16; the device must support it. */
  readonly half?: boolean | undefined;
  /** Products run on matrix units, whose operands must be in memory. */
  readonly units?: boolean | undefined;
}

export const dataTensor = (input: string): string => `data_${safeName(input)}`;
export const stateTensor = (state: string): string => `state_${safeName(state)}`;
export const traceTensor = (output: string): string => `trace_${safeName(output)}`;

/** Splits a bound graph into kernels and places every value in memory. */
export function schedule(given: Graph, options: ScheduleOptions): Schedule {
  const { level } = options;
  const laid = layOutLoops(given, options.trace);
  const { graph } = laid;
  const tensors = new Map<string, Tensor>();
  const places = new Map<NodeId, Place>();
  // Outputs are read from outside and stay f32.
  const halves = options.half ? holdHalves(graph) : [];
  for (const id of Object.values(graph.outputs)) halves[id] = false;
  // Declares a tensor with its storage type; bool is stored as i32.
  const declare = (name: string, node: Node, kind: Tensor['kind'], size = count(node.type.shape)): void => {
    const float = kind === 'transient' && halves[node.id] ? 'f16' : 'f32';
    tensors.set(name, { name, dtype: node.type.dtype === 'f32' ? float : 'i32', size, kind });
  };
  for (const node of graph.nodes) {
    const { memory } = OPS[node.op];
    if (memory === 'none' || memory === 'loop' || !('name' in node.attrs)) continue;
    const name = memory === 'data' ? dataTensor(node.attrs.name) : stateTensor(node.attrs.name);
    declare(name, node, memory);
    places.set(node.id, { tensor: name, offset: 0 });
  }
  for (const [id, place] of laid.places) places.set(id, place);
  for (const { held } of laid.loops) for (const { name, node, size } of held) declare(name, at(graph.nodes, node), 'transient', size);
  const log = new Log(graph);
  const roots = chooseRoots(laid, level, log, options.units);
  const parts = level === 0 ? new Map<NodeId, Place>() : placeParts(graph, roots, laid.homes);
  const joined = new Set([...parts.values()].map((p) => p.tensor));
  const elided = new Set(graph.nodes.filter((n) => joined.has(`concat_${n.id}`)).map((n) => n.id));
  for (const id of [...roots].sort((a, b) => a - b)) {
    const node = at(graph.nodes, id);
    if (places.has(id)) continue;
    const part = parts.get(id);
    places.set(id, part ?? { tensor: `${node.op}_${id}`, offset: 0 });
    if (!part) declare(`${node.op}_${id}`, node, 'transient');
  }
  // A slice of a stored vector is read in place, so that kernels need not know its offset.
  for (const node of graph.nodes) {
    const from = places.get(node.inputs[0] ?? -1);
    if (node.op === 'slice' && node.type.shape.length === 1 && from && !places.has(node.id))
      places.set(node.id, { ...from, offset: from.offset + (node.attrs.start[0] ?? 0) });
  }
  const read = laid.loops.flatMap((l) => [...l.operands]);
  const kept = new Set([...Object.values(graph.outputs), ...graph.writes.map((w) => w.value), ...parts.keys(), ...laid.homes, ...read]);
  const fused = formGroups(laid, roots, elided, kept, level, log);
  // Roots that are recomputed wherever they are read need no tensor.
  const remaining = new Set(fused.flatMap((g) => g.roots));
  for (const id of roots) {
    const place = places.get(id);
    if (!place || remaining.has(id) || place.tensor !== `${at(graph.nodes, id).op}_${id}` || elided.has(id)) continue;
    tensors.delete(place.tensor);
  }
  // Nor do they or their slices have a place.
  for (const [id, place] of places) if (!tensors.has(place.tensor)) places.delete(id);
  for (const name of options.trace)
    declare(traceTensor(name), at(graph.nodes, get(new Map(Object.entries(graph.outputs)), name, 'output')), 'trace', options.chunk);
  const outputs: Record<string, Place> = {};
  // A state that is an output or the next value of a state means its value before the step, so it is copied aside first.
  const aside = new Map<NodeId, Place>();
  const putAside = (id: NodeId): Place | undefined => {
    const node = at(graph.nodes, id);
    if (node.op !== 'state' || !graph.writes.some((w) => w.state === node.attrs.name)) return undefined;
    const place = aside.get(id) ?? { tensor: `before_${id}`, offset: 0 };
    if (!aside.has(id)) declare(place.tensor, node, 'transient');
    aside.set(id, place);
    return place;
  };
  for (const [name, id] of Object.entries(graph.outputs)) outputs[name] = putAside(id) ?? get(places, id, 'output');
  const needed = new Set([...parts.keys(), ...laid.homes, ...read]);
  const groups = storeAll(graph, fused, places, needed, options).map((g) => ({
    ...g,
    stores: g.stores.map((st) => {
      const from = g.roots.length === 0 ? putAside(st.node) : undefined;
      return from ? { ...st, from } : st;
    }),
  }));
  const first = [...aside].map(([node, place]): Group => copyOf(graph, { node, perStep: false, ...place }));
  return {
    source: given,
    graph,
    level,
    groups: [...first, ...withLoops(laid, groups)],
    loops: laid.loops.map(({ length, held }) => ({ length, held: held.map((t) => t.name) })),
    tensors,
    places,
    outputs,
    why: log.lines,
  };
}

/** Marks the groups of loops, and puts what starts the states of a loop before its first group. */
function withLoops({ graph, loops, loopOf }: LaidOut, groups: readonly Group[]): Group[] {
  const begun = new Set<number>();
  return groups.flatMap((g) => {
    const loop = loopOf(g.roots[0] ?? -1);
    if (loop === undefined) return [g];
    const starts = begun.has(loop) ? [] : at(loops, loop).starts;
    begun.add(loop);
    return [...starts.map(({ node, tensor, offset }) => copyOf(graph, { node, perStep: false, tensor, offset })), { ...g, loop }];
  });
}

/**
 * The parts of a one-dimensional concatenation are computed directly into its tensor. Returns the place of each part; a part that is not
 * otherwise stored becomes a root.
 */
function placeParts(graph: Graph, roots: Set<NodeId>, homes: ReadonlySet<NodeId>): Map<NodeId, Place> {
  const places = new Map<NodeId, Place>();
  for (const node of graph.nodes) {
    if (node.op !== 'concat' || !roots.has(node.id) || node.type.shape.length !== 1) continue;
    let offset = 0;
    const mine: [NodeId, Place][] = [];
    for (const input of node.inputs) {
      // A part is computed in place if only reshapes lie in between; otherwise a kernel copies it.
      let id = input;
      while (at(graph.nodes, id).op === 'reshape') id = at(at(graph.nodes, id).inputs, 0);
      const computed = !isView(at(graph.nodes, id)) && !isLeaf(at(graph.nodes, id));
      const target = computed && !places.has(id) && !mine.some(([m]) => m === id) ? id : input;
      mine.push([target, { tensor: `concat_${node.id}`, offset }]);
      offset += count(at(graph.nodes, input).type.shape);
    }
    // If two parts are the same value, or one already has a place, a kernel concatenates by copying.
    const free =
      new Set(mine.map(([id]) => id)).size === mine.length &&
      mine.every(
        ([id]) =>
          !places.has(id) &&
          !homes.has(id) &&
          at(graph.nodes, id).op !== 'concat' &&
          (!isLeaf(at(graph.nodes, id)) || at(graph.nodes, id).op === 'const'),
      );
    if (!free) continue;
    for (const [id, place] of mine) {
      places.set(id, place);
      roots.add(id);
    }
  }
  return places;
}

/** Decides what each group stores: roots that others read, traces, and next states. */
function storeAll(
  graph: Graph,
  fused: readonly Fused[],
  places: ReadonlyMap<NodeId, Place>,
  stored: ReadonlySet<NodeId>,
  options: ScheduleOptions,
): Group[] {
  const outputs = new Set(Object.values(graph.outputs));
  const reads = fused.map((f) => readIn(graph, f));
  const home = new Map(fused.flatMap((f, i) => f.roots.map((r) => [r, i] as const)));
  const stores: Store[][] = fused.map(() => []);
  const copies: Group[] = [];
  const inPlace = new Set<NodeId>();
  const copied = new Set(graph.writes.map((w) => w.value));
  for (const w of graph.writes) {
    const state = stateTensor(w.state);
    const i = home.get(w.value);
    const group = i === undefined ? undefined : fused[i];
    // In place only if nothing reads the old value afterwards, and the kernel itself reads only the element it writes.
    const alone =
      group !== undefined &&
      options.level > 0 &&
      reads.every((r, j) => j <= (i ?? 0) || !r.states.has(state)) &&
      (!reads[i ?? 0]?.states.has(state) || (!isRowwise(graph, group) && readsInPlace(graph, group, state)));
    const store = { node: w.value, tensor: state, offset: 0, perStep: false };
    if (alone && i !== undefined) {
      stores[i]?.push(store);
      inPlace.add(w.value);
    } else copies.push(copyOf(graph, store));
  }
  const groups = fused.map((f, i): Group => {
    const mine = stores[i] ?? [];
    for (const r of f.roots) {
      const elsewhere = reads.some((s, j) => j !== i && s.nodes.has(r)) || (copied.has(r) && !inPlace.has(r));
      const inRow = at(graph.nodes, r).type.shape.length > f.rank && reads[i]?.nodes.has(r) === true;
      const needed = outputs.has(r) || stored.has(r) || elsewhere || inRow;
      if (needed) mine.push({ node: r, perStep: false, ...get(places, r, 'place') });
      for (const name of options.trace)
        if (graph.outputs[name] === r) mine.push({ node: r, tensor: traceTensor(name), offset: 0, perStep: true });
    }
    return { ...f, stores: mine };
  });
  for (const name of options.trace) {
    const id = graph.outputs[name];
    if (id === undefined || !home.has(id)) throw new CompilerBug(`output ${name} is computed nowhere`);
  }
  // Groups whose results nobody reads are dropped.
  return [...groups.filter((g) => g.stores.length > 0), ...copies];
}

/** A kernel that copies one value. */
const copyOf = (graph: Graph, store: Store): Group => ({
  roots: [],
  inlined: [],
  rank: at(graph.nodes, store.node).type.shape.length,
  stores: [store],
});

/** What a group reads from memory: nodes, also through views, and states by tensor. */
function readIn(graph: Graph, f: Fused): { readonly nodes: ReadonlySet<NodeId>; readonly states: ReadonlySet<string> } {
  const nodes = new Set<NodeId>();
  const states = new Set<string>();
  for (const id of operands(graph, f)) {
    // Any view on the way may be the stored value.
    let base = at(graph.nodes, id);
    nodes.add(id);
    while (isView(base)) {
      base = at(graph.nodes, at(base.inputs, 0));
      nodes.add(base.id);
    }
    if (base.op === 'state') states.add(stateTensor(base.attrs.name));
  }
  return { nodes, states };
}

function operands(graph: Graph, f: Fused): Set<NodeId> {
  return new Set([...f.roots, ...f.inlined].flatMap((id) => at(graph.nodes, id).inputs));
}

/** Whether the group reads the state only at the element that is written. */
function readsInPlace(graph: Graph, f: Fused, state: string): boolean {
  return graph.nodes.every((n) => n.op !== 'state' || stateTensor(n.attrs.name) !== state || readsOnlyInPlace(graph, f, n.id));
}
