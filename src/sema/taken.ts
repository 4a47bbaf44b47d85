import type { DiagnosticSink } from '../base/diagnostics.ts';
import type * as A from '../parser/ast.ts';

/** Words that start statements and name no value; a `let` of one reads as that statement with a mistake in it. */
const STATEMENTS: readonly string[] = ['layer', 'block', 'fn', 'param', 'let', 'optim', 'metric', 'train', 'precision', 'print', 'import'];

/** What these words mean in a file with a model. A name would hide that from the loss, which then compares something else. */
const VALUES: Readonly<Record<string, string>> = {
  pred: "'pred' is the output of the model",
  target: "'target' is what the loss compares with",
};

/** Reports names of a file that the language itself uses. */
export function refuseTaken(statements: readonly A.Statement[], sink: DiagnosticSink): void {
  const hasModel = statements.some((s) => s.kind === 'layer');
  for (const n of statements.flatMap((s) => (s.kind === 'let' ? s.names : s.kind === 'param' ? [s.name] : []))) {
    const means = hasModel && Object.hasOwn(VALUES, n.text) ? VALUES[n.text] : undefined;
    const label = means ?? (STATEMENTS.includes(n.text) ? `'${n.text}' starts a statement` : undefined);
    if (label !== undefined) sink.error('NN205', n.span, label, { help: 'choose another name' });
  }
}
