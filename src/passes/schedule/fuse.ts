import { at } from '../../base/errors.ts';
import { count } from '../../base/types.ts';
import { OPS, baseOf, isFree, isLeaf, isView } from '../../ir/graph/ops.ts';
import type { Graph, Node, NodeId } from '../../ir/graph/types.ts';
import { comparedWithThemselves } from '../compared.ts';
import type { LaidOut } from './lay-out.ts';
import type { Log } from './log.ts';
import type { Level } from './types.ts';
import { findUses, type Use } from './uses.ts';
import { paddedWindows } from './padding.ts';

/** The cost of a dispatch in scalar operations; recomputing for less is cheaper than another kernel. */
const DISPATCH_WORTH = 65_536;
/** Loading or storing an element, in scalar operations. */
const ACCESS = 6;
/** How many points of a thread share a read in a product. */
const SHARED = 4;
/** A larger expression is not inlined but gets its own kernel, so that shaders stay small. */
const MAX_INLINE = 256;

/** Which nodes are stored; everything else is computed where it is read. Each choice and its reason go into the log. */
export function chooseRoots({ graph, loops, homes }: LaidOut, level: Level, log: Log, units = false): Set<NodeId> {
  const roots = new Set<NodeId>(homes);
  for (const { results, operands } of loops) {
    for (const id of results) {
      roots.add(id);
      log.note(id, 'is stored by a loop, place by place');
    }
    for (const id of operands) {
      if (isLeaf(at(graph.nodes, id)) || roots.has(id)) continue;
      roots.add(id);
      log.note(id, 'is stored: a loop reads it at every place');
    }
  }
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
    if (isView(node) || isLeaf(node) || node.op === 'scan') continue;
    // No law leaves one but where a copy is wanted.
    const copied = node.op === 'detach' && !roots.has(node.id);
    if (copied) roots.add(node.id);
    const verdict: Verdict = roots.has(node.id)
      ? {
          inline: false,
          why: copied
            ? 'a product reads it in this order'
            : homes.has(node.id)
              ? 'a loop keeps it'
              : 'is an output or the next value of a state',
        }
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
  /** Cost of recomputing one element of a node, with everything inlined in it. */
  private readonly cost = new Map<NodeId, number>();
  private readonly loads = new Map<NodeId, number>();
  /** Nodes with a reduction or contraction inlined: they must be computed exactly once. */
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
    // Drawing a random number again is cheaper than storing it, however often it is read.
    if (family === 'draw') return { inline: true, why: 'random numbers are drawn again' };
    if (family === 'concat') return { inline: false, why: 'parts are put together once' };
    if (cost > MAX_INLINE) return { inline: false, why: `${cost} operations would be written out wherever it is read` };
    const readers = uses.map((u) => at(this.graph.nodes, u.consumer).op);
    if (readers.includes('reduce_max') && (readers.includes('eq') || readers.includes('before')))
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

  /** A reduction may be inlined in its only reader, as an epilogue, if that reads every element once. */
  private asEpilogue(uses: readonly Use[]): boolean {
    const [use] = uses;
    if (!use || uses.length !== 1 || !use.bijective || use.factor !== 1) return false;
    const consumer = at(this.graph.nodes, use.consumer);
    if (OPS[consumer.op].family !== 'pointwise' || this.anchored.has(consumer.id)) return false;
    this.anchored.add(consumer.id);
    return true;
  }

  /** Elements that are loaded to compute one element. */
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
