import { get } from '../../base/errors.ts';
import { bindDim, showType, type Dim } from '../../base/types.ts';
import { GraphBuilder } from '../../ir/graph/builder.ts';
import { recordOf } from '../../ir/graph/ops.ts';
import type { Graph, NodeId } from '../../ir/graph/types.ts';
import { inBodies } from './bodies.ts';
import { copyNode, filterNodes, rebuild } from './rewrite.ts';

/** Dead code elimination: keeps only what outputs and writes need. */
export function dce(graph: Graph): Graph {
  const live = new Set<NodeId>([...Object.values(graph.outputs), ...graph.writes.map((w) => w.value)]);
  // A written state stays declared even if nothing reads it.
  const written = new Set(graph.writes.map((w) => w.state));
  for (let id = graph.nodes.length - 1; id >= 0; id--) {
    const node = graph.nodes[id];
    if (!node) continue;
    if (node.op === 'state' && written.has(node.attrs.name)) live.add(id);
    if (live.has(id)) node.inputs.forEach((i) => live.add(i));
  }
  return live.size === graph.nodes.length ? graph : filterNodes(graph, live);
}

/** Common subexpression elimination: one node for one operation on the same operands. */
export function cse(graph: Graph): Graph {
  const known = new Map<string, NodeId>();
  return rebuild(graph, (node, inputs, b) => {
    const key = `${node.op}|${inputs.join(',')}|${JSON.stringify(node.attrs, (_k, v: unknown) => (v === -Infinity ? '-inf' : v === Infinity ? 'inf' : v))}|${showType(node.type)}`;
    const id = known.get(key) ?? copyNode(b, node, inputs);
    known.set(key, id);
    return id;
  });
}

/** Replaces the symbolic batch by a number in every type and attribute. */
export function bindBatch(graph: Graph, batch: number): Graph {
  const dim = (d: Dim): Dim => bindDim(d, batch);
  return rebuild(
    inBodies(graph, (body) => bindBatch(body, batch)),
    (node, inputs, b) => {
      const type = { dtype: node.type.dtype, shape: node.type.shape.map(dim) };
      if (node.op === 'dimsize') return b.full(bindDim(node.attrs.dim, batch), type);
      return copyNode(b, node, inputs, recordOf(node).bind(node.attrs, dim), type);
    },
  );
}

/** A graph with only some of the outputs and none of the writes. */
export function select(graph: Graph, outputs: readonly string[]): Graph {
  const b = new GraphBuilder(graph.name, { ...graph, outputs: {}, writes: [] });
  for (const name of outputs) b.outputs[name] = get(new Map(Object.entries(graph.outputs)), name, 'output');
  return dce(b.graph());
}
