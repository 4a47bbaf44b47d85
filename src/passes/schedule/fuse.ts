import { at } from '../../base/errors.ts';
import { count, sameShape } from '../../base/types.ts';
import { OPS } from '../../ir/graph/ops.ts';
import type { Graph, Node, NodeId, Op } from '../../ir/graph/types.ts';
import type { Level } from './types.ts';
import { baseOf, findUses, isLeaf, isView, type Use } from './uses.ts';

/** Scalar operations that one dispatch is worth: below this, computing again is cheaper than a kernel more. */
const DISPATCH_WORTH = 65_536;
/** Computing again is always allowed up to this cost for each element: a load costs about as much. */
const CHEAP = 4;
/** An inlined expression larger than this gets a kernel of its own, so that shaders stay small. */
const MAX_INLINE = 256;

const COST: Partial<Readonly<Record<Op, number>>> = {
  div: 4,
  sqrt: 4,
  exp: 8,
  log: 8,
  log1p: 12,
  expm1: 12,
  sin: 12,
  cos: 12,
  tanh: 12,
  sigmoid: 12,
  erf: 16,
  pow: 16,
  uniform: 60,
  shuffle: 300,
};

/** Which nodes are stored; everything else is computed where it is read. */
export function chooseRoots(graph: Graph, level: Level): Set<NodeId> {
  const roots = new Set<NodeId>();
  for (const id of [...Object.values(graph.outputs), ...graph.writes.map((w) => w.value)]) roots.add(id);
  const uses = findUses(graph);
  const fusion = new Fusion(graph, uses, roots);
  for (const node of graph.nodes) {
    if (isView(node) || isLeaf(node)) continue;
    if (roots.has(node.id) || level === 0 || !fusion.mayInline(node)) roots.add(node.id);
  }
  return roots;
}

class Fusion {
  private readonly graph: Graph;
  private readonly uses: ReadonlyMap<NodeId, readonly Use[]>;
  private readonly roots: ReadonlySet<NodeId>;
  /** Cost of computing one element of a node again, with everything inlined in it. */
  private readonly cost = new Map<NodeId, number>();
  /** Nodes with a reduction or contraction inlined in them: they must be computed exactly once. */
  private readonly anchored = new Set<NodeId>();

  constructor(graph: Graph, uses: ReadonlyMap<NodeId, readonly Use[]>, roots: ReadonlySet<NodeId>) {
    this.graph = graph;
    this.uses = uses;
    this.roots = roots;
  }

  mayInline(node: Node): boolean {
    const uses = this.uses.get(node.id) ?? [];
    const { family } = OPS[node.op];
    const cost = this.costOf(node);
    this.cost.set(node.id, cost);
    if (family === 'reduce' || family === 'contract' || family === 'scatter') return this.asEpilogue(uses);
    if (this.anchored.has(node.id)) return this.asEpilogue(uses);
    if (node.op === 'concat' || cost > MAX_INLINE) return node.op === 'uniform' || node.op === 'shuffle';
    // A fresh random number is cheaper than memory for it, however often it is read.
    if (node.op === 'uniform') return true;
    const reads = uses.reduce((n, u) => n + u.factor, 0);
    const again = cost * count(node.type.shape) * Math.max(0, reads - 1);
    return cost <= CHEAP || again <= DISPATCH_WORTH;
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

  private costOf(node: Node): number {
    let cost = COST[node.op] ?? 1;
    for (const input of new Set(node.inputs)) {
      const base = at(this.graph.nodes, baseOf(this.graph, input));
      if (base.op === 'const' || base.op === 'scalar' || base.op === 'iota') continue;
      cost += isLeaf(base) || this.roots.has(base.id) ? 1 : (this.cost.get(base.id) ?? 1);
    }
    return cost;
  }
}

/** The roots that one kernel computes together, and what it computes on the way. */
export interface Fused {
  readonly roots: readonly NodeId[];
  readonly inlined: readonly NodeId[];
}

/** Gathers what each root computes, joins the state updates of one shape, and orders the groups. */
export function formGroups(graph: Graph, roots: ReadonlySet<NodeId>, level: Level): Fused[] {
  const written = graph.writes.map((w) => w.value);
  const joined = level === 0 ? [] : joinable(graph, written);
  const groups: Fused[] = [];
  for (const node of graph.nodes) {
    if (!roots.has(node.id) || isStored(node) || joined.includes(node.id)) continue;
    groups.push({ roots: [node.id], inlined: inlinedIn(graph, [node.id], roots) });
  }
  // State changes come last: everything else still reads the state as it was.
  const isWrite = (g: Fused): boolean => level > 0 && g.roots.some((r) => written.includes(r));
  const ordered = [...groups.filter((g) => !isWrite(g)), ...groups.filter(isWrite)];
  if (joined.length) ordered.push({ roots: joined, inlined: inlinedIn(graph, joined, roots) });
  return ordered;
}

/** Written values that one kernel can compute together: pointwise, of the shape of the largest. */
function joinable(graph: Graph, written: readonly NodeId[]): NodeId[] {
  const unique = [...new Set(written)].sort((a, b) => a - b).filter((id) => OPS[at(graph.nodes, id).op].family === 'pointwise');
  const largest = unique.reduce<NodeId | undefined>(
    (best, id) => (best === undefined || count(at(graph.nodes, id).type.shape) > count(at(graph.nodes, best).type.shape) ? id : best),
    undefined,
  );
  if (largest === undefined) return [];
  const { shape } = at(graph.nodes, largest).type;
  return unique.filter((id) => sameShape(at(graph.nodes, id).type.shape, shape));
}

/** Leaves that lie in memory already. */
function isStored(node: Node): boolean {
  return node.op === 'input' || node.op === 'state' || node.op === 'param';
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
