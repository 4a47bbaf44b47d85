import type { DiagnosticSink } from '../base/diagnostics.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type * as A from '../parser/ast.ts';
import type { ModelBuilder } from './model-builder.ts';

/** Whether a gradient of this node reaches a parameter. */
function reaches({ b }: ModelBuilder, from: NodeId): boolean {
  const seen = new Set<NodeId>();
  const open = [from];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    const { op, inputs } = b.node(id);
    if (op === 'param') return true;
    if (op !== 'detach') open.push(...inputs);
  }
  return false;
}

/** Warns of losses that no parameter changes, in their order: a run would look like training, and nothing would be learned. */
export function warnOfFixedLosses(
  program: A.Program,
  m: ModelBuilder,
  losses: readonly (NodeId | undefined)[],
  sink: DiagnosticSink,
): void {
  const statements = program.statements.filter((s) => s.kind === 'loss');
  for (const [i, s] of statements.entries()) {
    const loss = losses[i];
    if (m.params.length > 0 && loss !== undefined && !reaches(m, loss))
      sink.warn(
        'NN220',
        s.value.span,
        'this loss depends on no parameter, so that nothing is learned',
        'compare pred, the output of the model',
      );
  }
}
