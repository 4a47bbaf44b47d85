import { at } from '../../base/errors.ts';
import { count } from '../../base/types.ts';
import { OPS, baseOf, isFree, isLeaf, isView } from '../../ir/graph/ops.ts';
import type { Graph, Node, NodeId } from '../../ir/graph/types.ts';
import { comparedWithThemselves } from '../compared.ts';
import type { Log } from './log.ts';
import { mergeRows } from './merge.ts';
import type { Level } from './types.ts';
import { findUses, type Use } from './uses.ts';
import { paddedWindows } from './padding.ts';

/** Scalar operations that one dispatch is worth: below this, computing again is cheaper than a kernel more. */
const DISPATCH_WORTH = 65_536;
/** Loading or storing an element, in scalar operations. */
const ACCESS = 6;
/** Points of a thread of a product that share what they read. */
const SHARED = 4;
/** Along a row, computing so much again costs about as much as storing and loading. */
const CHEAP_IN_ROW = 24;
/** An inlined expression larger than this gets a kernel of its own, so that shaders stay small. */
const MAX_INLINE = 256;

/** Which nodes are stored; everything else is computed where it is read. Each choice and its reason go into the log. */
export function chooseRoots(graph: Graph, level: Level, log: Log, units = false): Set<NodeId> {
  const roots = new Set<NodeId>();
  for (const id of [...Object.values(graph.outputs), ...graph.writes.map((w) => w.value)]) roots.add(id);
  const uses = findUses(graph);
  const fusion = new Fusion(graph, uses, roots);
  if (level > 0) {
    for (const id of paddedWindows(graph)) {
      roots.add(id);
      log.note(id, 'is stored: windows of it are read by a product, and need no border tests then');
    }
  }
  if (level > 0 && units) {
    for (const product of graph.nodes) {
      if (product.op !== 'contract') continue;
      for (const id of product.inputs.map((i) => baseOf(graph, i))) {
        if (isLeaf(at(graph.nodes, id)) || roots.has(id)) continue;
        roots.add(id);
        log.note(id, 'is stored: matrix units take what lies in memory');
      }
    }
  }
  for (const node of graph.nodes) {
    if (isView(node) || isLeaf(node)) continue;
    const verdict: Verdict = roots.has(node.id)
      ? { inline: false, why: 'is an output or the next value of a state' }
      : level === 0
        ? { inline: false, why: 'everything is stored at -O 0' }
        : fusion.judge(node);
    if (!verdict.inline) roots.add(node.id);
    log.note(node.id, `${verdict.inline ? 'is computed where it is read' : 'is stored'}: ${verdict.why}`);
  }
  return roots;
}

/** Whether a node is computed where it is read, and why or why not. */
interface Verdict {
  readonly inline: boolean;
  readonly why: string;
}

class Fusion {
  private readonly graph: Graph;
  private readonly uses: ReadonlyMap<NodeId, readonly Use[]>;
  private readonly roots: ReadonlySet<NodeId>;
  /** Cost of computing one element of a node again, with everything inlined in it. */
  private readonly cost = new Map<NodeId, number>();
  private readonly loads = new Map<NodeId, number>();
  /** Nodes with a reduction or contraction inlined in them: they must be computed exactly once. */
  private readonly anchored = new Set<NodeId>();
  private readonly compared: ReadonlySet<NodeId>;

  constructor(graph: Graph, uses: ReadonlyMap<NodeId, readonly Use[]>, roots: ReadonlySet<NodeId>) {
    this.graph = graph;
    this.uses = uses;
    this.roots = roots;
    this.compared = comparedWithThemselves(graph);
  }

  judge(node: Node): Verdict {
    const uses = this.uses.get(node.id) ?? [];
    const { family, sum } = OPS[node.op];
    const cost = this.costOf(node);
    this.cost.set(node.id, cost);
    if (this.compared.has(node.id)) return { inline: false, why: 'it is compared with what is made of it, bit by bit' };
    if (sum || this.anchored.has(node.id))
      return this.asEpilogue(uses)
        ? { inline: true, why: 'its only reader takes every element once' }
        : { inline: false, why: 'a sum is computed once, and its readers do not take every element just once' };
    // A fresh random number is cheaper than memory for it, however often it is read.
    if (family === 'draw') return { inline: true, why: 'random numbers are drawn again' };
    if (family === 'concat') return { inline: false, why: 'parts are put together once' };
    if (cost > MAX_INLINE) return { inline: false, why: `${cost} operations would be written out wherever it is read` };
    const readers = uses.map((u) => at(this.graph.nodes, u.consumer).op);
    if (readers.includes('reduce_max') && readers.includes('eq'))
      return { inline: false, why: 'it is compared with its own maximum, bit by bit' };
    const product = (u: Use): boolean => at(this.graph.nodes, u.consumer).op === 'contract';
    const reads = uses.reduce((n, u) => n + (product(u) ? Math.max(1, u.factor / SHARED) : u.factor), 0);
    const once = cost + ACCESS * this.loadsOf(node);
    const inlined = once * reads;
    const stored = once + ACCESS + ACCESS * reads;
    const gain = (stored - inlined) * count(node.type.shape);
    const why = `read ${reads.toFixed(1)} times an element, computing it each time costs ${inlined.toFixed(0)} and storing it ${stored.toFixed(0)}`;
    return gain >= -DISPATCH_WORTH
      ? { inline: true, why: gain < 0 ? `${why}, and a kernel less is worth ${DISPATCH_WORTH / count(node.type.shape)}` : why }
      : { inline: false, why };
  }

  /** A reduction may go on in the kernel of its only reader, if that reader visits every element once. */
  private asEpilogue(uses: readonly Use[]): boolean {
    const [use] = uses;
    if (!use || uses.length !== 1 || !use.bijective || use.factor !== 1) return false;
    const consumer = at(this.graph.nodes, use.consumer);
    if (OPS[consumer.op].family !== 'pointwise' || this.anchored.has(consumer.id)) return false;
    this.anchored.add(consumer.id);
    return true;
  }

  /** Elements that one element is computed from. */
  private loadsOf(node: Node): number {
    let loads = 0;
    for (const input of new Set(node.inputs)) {
      const base = at(this.graph.nodes, baseOf(this.graph, input));
      if (isFree(base)) continue;
      loads += isLeaf(base) || this.roots.has(base.id) ? 1 : (this.loads.get(base.id) ?? 1);
    }
    this.loads.set(node.id, loads);
    return loads;
  }

  private costOf(node: Node): number {
    let cost: number = OPS[node.op].cost;
    for (const input of new Set(node.inputs)) {
      const base = at(this.graph.nodes, baseOf(this.graph, input));
      if (isFree(base)) continue;
      cost += isLeaf(base) || this.roots.has(base.id) ? 0 : (this.cost.get(base.id) ?? 1);
    }
    return cost;
  }
}

/** The roots that one kernel computes together, and what it computes on the way. */
export interface Fused {
  readonly roots: readonly NodeId[];
  readonly inlined: readonly NodeId[];
  /** Threads are dealt out over so many axes of the roots; along the others, each thread goes through its row. */
  readonly rank: number;
}

/**
 * Gathers what each root computes, and joins groups that go through the same rows. Values are stored before they are read.
 * `elided` are concatenations whose parts are stored in place of them, `kept` roots that something besides kernels needs.
 */
export function formGroups(
  graph: Graph,
  roots: ReadonlySet<NodeId>,
  elided: ReadonlySet<NodeId>,
  kept: ReadonlySet<NodeId>,
  level: Level,
  log: Log,
): Fused[] {
  const computed = graph.nodes.filter((n) => roots.has(n.id) && !isStored(n) && !elided.has(n.id)).map((n) => n.id);
  const single = computed.map((id): Fused => ({
    roots: [id],
    inlined: inlinedIn(graph, [id], roots),
    rank: at(graph.nodes, id).type.shape.length,
  }));
  if (level === 0) return single;
  const compared = comparedWithThemselves(graph);
  return mergeRows(graph, single, log).map((g) => recomputed(graph, g, kept, compared));
}

/** What only the group itself reads along its rows, and what is cheap, is computed again instead of stored. */
function recomputed(graph: Graph, g: Fused, kept: ReadonlySet<NodeId>, compared: ReadonlySet<NodeId>): Fused {
  const inside = new Set([...g.roots, ...g.inlined]);
  const uses = findUses(graph);
  const again = g.roots.filter((id) => {
    const node = at(graph.nodes, id);
    if (kept.has(id) || compared.has(id) || node.type.shape.length === g.rank || OPS[node.op].family !== 'pointwise') return false;
    return (uses.get(id) ?? []).every((u) => inside.has(u.consumer)) && costWithin(graph, id, new Set(g.roots)) <= CHEAP_IN_ROW;
  });
  if (again.length === 0) return g;
  return {
    ...g,
    roots: g.roots.filter((id) => !again.includes(id)),
    inlined: [...g.inlined, ...again].sort((a, b) => a - b),
  };
}

/** Operations for one element of a root, other roots left aside; infinite where a sum is among them. */
function costWithin(graph: Graph, root: NodeId, roots: ReadonlySet<NodeId>): number {
  let total = 0;
  const seen = new Set<NodeId>();
  const visit = (id: NodeId): void => {
    const node = at(graph.nodes, id);
    if (seen.has(id) || (id !== root && roots.has(id)) || isLeaf(node)) return;
    seen.add(id);
    if (!isView(node)) total += OPS[node.op].family === 'pointwise' ? OPS[node.op].cost : Infinity;
    node.inputs.forEach(visit);
  };
  visit(root);
  return total;
}

/** Whether a group, if it reads a node at all, reads it through pointwise operations alone: each element at its own place. */
export function readsOnlyInPlace(graph: Graph, g: Fused, id: NodeId): boolean {
  const inside = new Set([...g.roots, ...g.inlined]);
  const seen = new Set<string>();
  const fine = (n: NodeId, inPlace: boolean): boolean => {
    if (n === id && !g.roots.includes(n)) return inPlace;
    const node = at(graph.nodes, n);
    const key = `${n}/${String(inPlace)}`;
    if (seen.has(key) || (!inside.has(n) && !isView(node))) return true;
    seen.add(key);
    const pointwise = OPS[node.op].family === 'pointwise';
    return node.inputs.every((i) => fine(i, inPlace && pointwise));
  };
  return g.roots.every((r) => fine(r, true));
}

/** Leaves that lie in memory already. */
function isStored(node: Node): boolean {
  return OPS[node.op].memory !== 'none';
}

function inlinedIn(graph: Graph, roots: readonly NodeId[], stored: ReadonlySet<NodeId>): NodeId[] {
  const found = new Set<NodeId>();
  const visit = (id: NodeId, isRoot: boolean): void => {
    const node = at(graph.nodes, id);
    if (isLeaf(node) || found.has(id) || (!isRoot && stored.has(id))) return;
    if (!isView(node)) found.add(id);
    node.inputs.forEach((i) => visit(i, false));
  };
  roots.forEach((r) => visit(r, true));
  return [...found].filter((id) => !roots.includes(id)).sort((a, b) => a - b);
}
