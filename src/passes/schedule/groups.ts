import { at } from '../../base/errors.ts';
import { OPS, isLeaf, isView } from '../../ir/graph/ops.ts';
import type { Graph, Node, NodeId } from '../../ir/graph/types.ts';
import { comparedWithThemselves } from '../compared.ts';
import { inOrder } from './in-order.ts';
import type { LaidOut } from './lay-out.ts';
import type { Log } from './log.ts';
import { mergeRows } from './merge.ts';
import type { Fused, Level } from './types.ts';
import { findUses, type Use } from './uses.ts';

/** Recomputing this many operations along a row costs about as much as storing and loading. */
const CHEAP_IN_ROW = 24;

/**
 * Gathers what each root computes, and merges groups over the same rows. The order stores values before they are read. `elided` are
 * concatenations whose parts are stored instead; `kept` are roots that something besides kernels needs.
 */
export function formGroups(
  laid: LaidOut,
  roots: ReadonlySet<NodeId>,
  elided: ReadonlySet<NodeId>,
  kept: ReadonlySet<NodeId>,
  level: Level,
  log: Log,
): readonly Fused[] {
  const { graph } = laid;
  const computed = graph.nodes.filter((n) => roots.has(n.id) && !isStored(n) && !elided.has(n.id)).map((n) => n.id);
  const single = computed.map((id): Fused => ({
    roots: [id],
    inlined: inlinedIn(graph, [id], roots),
    rank: at(graph.nodes, id).type.shape.length,
  }));
  if (level === 0) return inOrder(laid, single);
  const compared = comparedWithThemselves(graph);
  const uses = findUses(graph);
  const groups = inOrder(laid, mergeRows(laid, single, log));
  // What is computed where it is read may be so in several groups, each of which then reads what it is computed from.
  const homes = new Map<NodeId, Set<Fused>>();
  for (const g of groups) for (const id of [...g.roots, ...g.inlined]) homes.set(id, (homes.get(id) ?? new Set()).add(g));
  return groups.map((g) => recomputed(graph, g, { kept, compared, uses, homes }));
}

/** Facts about the whole graph, found once for all groups. */
interface Facts {
  /** Roots that something besides kernels needs. */
  readonly kept: ReadonlySet<NodeId>;
  readonly compared: ReadonlySet<NodeId>;
  readonly uses: ReadonlyMap<NodeId, readonly Use[]>;
  /** The groups that compute a node. */
  readonly homes: ReadonlyMap<NodeId, ReadonlySet<Fused>>;
}

/** Recomputes, instead of storing, cheap roots along the rows that only the group itself reads. */
function recomputed(graph: Graph, g: Fused, { kept, compared, uses, homes }: Facts): Fused {
  const mine = (id: NodeId): boolean => {
    const all = homes.get(id);
    return all !== undefined && all.size === 1 && all.has(g);
  };
  const again = g.roots.filter((id) => {
    const node = at(graph.nodes, id);
    if (kept.has(id) || compared.has(id) || node.type.shape.length === g.rank || OPS[node.op].family !== 'pointwise') return false;
    return (uses.get(id) ?? []).every((u) => mine(u.consumer)) && costWithin(graph, id, new Set(g.roots)) <= CHEAP_IN_ROW;
  });
  if (again.length === 0) return g;
  return {
    ...g,
    roots: g.roots.filter((id) => !again.includes(id)),
    inlined: [...g.inlined, ...again].sort((a, b) => a - b),
  };
}

/** Operations per element of a root, without other roots; infinite unless all of them are pointwise. */
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

/** Whether a group reads a node, if at all, only through pointwise operations: each element at its own point. */
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

/** What is in memory already: leaves, and results of loops. */
function isStored(node: Node): boolean {
  return OPS[node.op].memory !== 'none' || node.op === 'scan';
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
