import type { Graph } from '../../ir/graph/types.ts';

/** A graph whose loops run other bodies: each body is rewritten once, for all results of its loop. Types of nodes stay as they are. */
export function inBodies(graph: Graph, rewrite: (body: Graph) => Graph): Graph {
  const known = new Map<Graph, Graph>();
  const nodes = graph.nodes.map((node) => {
    if (node.op !== 'scan') return node;
    const { body } = node.attrs;
    const made = known.get(body) ?? rewrite(body);
    known.set(body, made);
    return { ...node, attrs: { ...node.attrs, body: made } };
  });
  return known.size === 0 ? graph : { ...graph, nodes };
}
