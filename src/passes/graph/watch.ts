import { at, get } from '../../base/errors.ts';
import { LOSS } from '../../base/outputs.ts';
import { gradient } from '../../autodiff/gradient.ts';
import { GraphBuilder } from '../../ir/graph/builder.ts';
import type { Graph, NodeId } from '../../ir/graph/types.ts';

/** A value of a step that is watched, or the loss's gradient with respect to it. */
export interface Watched {
  readonly output: string;
  readonly node: NodeId;
  readonly gradient: boolean;
}

/** A graph that computes the watched values and writes no state. */
export function watch(graph: Graph, watched: readonly Watched[]): Graph {
  const b = new GraphBuilder(graph.name, graph);
  const loss = get(new Map(Object.entries(graph.outputs)), LOSS, 'output');
  const slopes = watched.filter((w) => w.gradient);
  const grads = gradient(
    b,
    loss,
    slopes.map((w) => w.node),
  );
  const outputs = watched.map((w) => [w.output, w.gradient ? at(grads, slopes.indexOf(w)) : w.node] as const);
  return { ...b.graph(), outputs: Object.fromEntries(outputs), writes: [] };
}
