import { at, get } from '../../base/errors.ts';
import { GraphBuilder } from '../../ir/graph/builder.ts';
import type { StateUse } from '../../ir/graph/state-use.ts';
import type { Graph, Node, NodeId } from '../../ir/graph/types.ts';
import { dce } from './cleanup.ts';
import { copyNode, rebuild } from './rewrite.ts';
import { slotName } from './update.ts';

/**
 * Training with several losses in turn, as for the two networks of a GAN: a step has one phase per loss, and each phase starts from the
 * parameters and states that the previous one leaves. One graph holds all phases.
 */

/**
 * The part of the graph that one of several losses needs; that loss becomes the output `loss`. A state is updated only if its layer
 * contributes to this loss, like running statistics in PyTorch when only that loss is computed.
 */
export function phaseOf(graph: Graph, loss: string, uses: readonly StateUse[], losses: readonly string[]): Graph {
  const { nodes } = graph;
  const own = get(new Map(Object.entries(graph.outputs)), loss, 'output');
  const moved = new Set(usesOf(graph, loss, uses));
  const skipped = new Map(uses.filter((u) => !moved.has(u)).map((u) => [u.next, u.before]));
  const kept = (id: NodeId): NodeId => {
    const before = skipped.get(id);
    return before === undefined ? id : kept(before);
  };
  const rest = Object.entries(graph.outputs).filter(([name]) => !losses.includes(name));
  return dce({
    ...graph,
    // Operands only move to earlier nodes, so the order stays valid.
    nodes: nodes.map((n): Node => ({ ...n, inputs: n.inputs.map(kept) }) as Node),
    outputs: { ...Object.fromEntries(rest), loss: own },
    writes: graph.writes.map((w) => ({ ...w, value: kept(w.value) })).filter((w) => at(nodes, w.value).op !== 'state'),
  });
}

/** The uses of layers that contribute to one of several losses. */
export function usesOf(graph: Graph, loss: string, uses: readonly StateUse[]): StateUse[] {
  const needed = ancestors(graph.nodes, get(new Map(Object.entries(graph.outputs)), loss, 'output'), -1);
  return uses.filter((u) => isOnTheWay(graph.nodes, u, needed));
}

/** Everything that a node depends on, not looking past `border`. */
function ancestors(nodes: readonly Node[], of: NodeId, border: NodeId): Set<NodeId> {
  const seen = new Set<NodeId>();
  const stack = [of];
  for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
    if (id === border || seen.has(id)) continue;
    seen.add(id);
    stack.push(...at(nodes, id).inputs);
  }
  return seen;
}

/** Whether the loss also depends on the sums from which a use computes its state. */
function isOnTheWay(nodes: readonly Node[], use: StateUse, needed: ReadonlySet<NodeId>): boolean {
  const stack = [use.next];
  const seen = new Set<NodeId>();
  for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
    if (id === use.before || seen.has(id)) continue;
    seen.add(id);
    const node = at(nodes, id);
    const { op } = node;
    if (op !== 'reduce_sum' && op !== 'contract') stack.push(...node.inputs);
    else if (needed.has(id)) return true;
  }
  return false;
}

/** Renames the states and scalars of a later phase's optimizer, so that they do not clash. */
export function ownNames(graph: Graph, suffix: string): Graph {
  return rebuild(
    graph,
    (node, inputs, b) => {
      if (node.op === 'state' && isSlot(node.attrs.name)) return copyNode(b, node, inputs, { name: ownSlot(node.attrs.name, suffix) });
      // Step and seed are shared by all phases.
      if (node.op !== 'scalar' || node.attrs.name === node.attrs.expr) return undefined;
      return copyNode(b, node, inputs, { ...node.attrs, name: `${node.attrs.name}_${suffix}` });
    },
    (state) => (isSlot(state) ? ownSlot(state, suffix) : state),
  );
}

const SLOTS = slotName('');
const isSlot = (state: string): boolean => state.startsWith(SLOTS);
const ownSlot = (state: string, suffix: string): string => `${SLOTS}${suffix}.${state.slice(SLOTS.length)}`;

/** One graph that runs two after each other: the second reads the states as the first leaves them. */
export function inTurn(first: Graph, second: Graph): Graph {
  const b = new GraphBuilder(first.name, first);
  const written = new Map(first.writes.map((w) => [w.state, w.value]));
  const map = new Map<NodeId, NodeId>();
  for (const node of second.nodes) {
    const left = node.op === 'state' ? written.get(node.attrs.name) : undefined;
    map.set(
      node.id,
      left ??
        copyNode(
          b,
          node,
          node.inputs.map((i) => get(map, i)),
        ),
    );
  }
  for (const [name, id] of Object.entries(second.outputs)) b.outputs[name] = get(map, id);
  const later = new Set(second.writes.map((w) => w.state));
  const writes = [
    ...b.writes.filter((w) => !later.has(w.state)),
    ...second.writes.map((w) => ({ state: w.state, value: get(map, w.value) })),
  ];
  return { ...b.graph(), writes };
}
