import { mustBeText } from './calls.ts';
import { DiagnosticSink, userError } from '../base/diagnostics.ts';
import { format } from '../parser/format.ts';
import { parse } from '../parser/parse.ts';

/** A program in its usual layout, as `nnc fmt` has it. Throws a `UserError` if the text has errors of syntax. */
export function formatText(text: string, name = 'program.nn'): string {
  mustBeText(text);
  const source = { name, text };
  const sink = new DiagnosticSink();
  parse(source, sink);
  if (sink.errors.length > 0) throw userError(sink.all);
  return format(source);
}
