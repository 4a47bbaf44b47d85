import { get } from '../../base/errors.ts';
import { gradOutput } from '../../base/outputs.ts';
import { GraphBuilder } from '../../ir/graph/builder.ts';
import type { Graph } from '../../ir/graph/types.ts';
import { gradient } from '../../autodiff/gradient.ts';
import { SCALED_LOSS } from './loss-scale.ts';
import { VJP, type VjpTable } from '../../autodiff/vjp.ts';

/** Adds one output per parameter: the gradient of the output `loss`, or of the scaled loss if there is one. */
export function differentiate(graph: Graph, params: readonly string[], table: VjpTable = VJP): Graph {
  const b = new GraphBuilder(graph.name, graph);
  const ids = new Map(graph.nodes.flatMap((n) => (n.op === 'param' ? [[n.attrs.name, n.id] as const] : [])));
  const outputs = new Map(Object.entries(graph.outputs));
  const loss = outputs.get(SCALED_LOSS) ?? get(outputs, 'loss', 'output');
  // Parameters that the graph does not contain get no output; the optimizer takes their gradient as zero.
  const used = params.filter((p) => ids.has(p));
  const grads = gradient(
    b,
    loss,
    used.map((p) => get(ids, p, 'parameter')),
    table,
  );
  used.forEach((p, i) => {
    b.outputs[gradOutput(p)] = grads[i] as number;
  });
  return b.graph();
}
