import { at } from '../../base/errors.ts';
import { GraphBuilder } from '../../ir/graph/builder.ts';
import { loopsOf } from '../../ir/graph/scan.ts';
import type { Graph, NodeId } from '../../ir/graph/types.ts';

/** Loops with the states after all places. */
export interface LoopStates {
  readonly graph: Graph;
  /** For each result of a loop: the loop's first result, and the nodes with its states. */
  readonly of: ReadonlyMap<NodeId, { readonly first: NodeId; readonly states: ReadonlyMap<string, NodeId> }>;
}

/** Adds to every loop the sequences of its states. */
export function withStates(graph: Graph): LoopStates {
  const b = new GraphBuilder(graph.name, graph);
  const of = new Map<NodeId, { readonly first: NodeId; readonly states: ReadonlyMap<string, NodeId> }>();
  for (const results of loopsOf(graph.nodes)) {
    const { id: first, inputs, attrs } = at(results, 0);
    const states = new Map<string, NodeId>();
    for (const { state, value } of attrs.body.writes) {
      const name = `after.${state}`;
      const body = { ...attrs.body, outputs: { ...attrs.body.outputs, [name]: value } };
      states.set(state, b.add('scan', inputs, { ...attrs, body, take: 'each', of: name }));
    }
    for (const { id } of results) of.set(id, { first, states });
  }
  return { graph: b.graph(), of };
}
