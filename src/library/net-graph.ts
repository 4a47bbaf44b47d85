import type { Graph, Node, NodeId } from '../ir/graph/types.ts';

/** A call of a layer in a graph, from its first node to its last. */
export interface Call {
  readonly path: string;
  readonly text: string;
  readonly nodes: NodeId[];
}

/** Values that do not flow: they are the same for all examples. */
const FIXED: ReadonlySet<string> = new Set(['param', 'state', 'const', 'scalar', 'iota', 'dimsize']);

/** The nodes that a node's value depends on, in the order in which they are computed. */
export function liveNodes(graph: Graph, output: NodeId): readonly Node[] {
  const live = new Set<NodeId>();
  const open = [output];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (live.has(id)) continue;
    live.add(id);
    open.push(...(graph.nodes[id]?.inputs ?? []));
  }
  return graph.nodes.filter((n) => live.has(n.id));
}

export const isFixed = (node: Node): boolean => FIXED.has(node.op);

/** The layer call that made a node: its path and its text are the node's name, and copies of a text differ by their place. */
export function callsOf(nodes: readonly Node[]): ReadonlyMap<NodeId, Call> {
  const calls = new Map<string, Call>();
  const found = new Map<NodeId, Call>();
  for (const node of nodes) {
    const space = node.name?.indexOf(' ') ?? -1;
    if (node.name === undefined || space < 0 || node.op === 'input' || node.op === 'param' || node.op === 'state') continue;
    const key = `${node.name} ${node.loc ?? ''}`;
    const call = calls.get(key) ?? { path: node.name.slice(0, space), text: node.name.slice(space + 1), nodes: [] };
    calls.set(key, call);
    call.nodes.push(node.id);
    found.set(node.id, call);
  }
  return found;
}
