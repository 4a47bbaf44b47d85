import type { Diagnostic } from '../base/diagnostics.ts';
import { messageOf } from '../base/errors.ts';
import { lineColumn } from '../base/source.ts';

/** An error as a page tells it: what is wrong and the way out, without codes and layout. */
export function errorText(e: unknown): string {
  const { diagnostics, help } = e as { readonly diagnostics?: readonly Diagnostic[]; readonly help?: string };
  if (!diagnostics?.[0]) return help === undefined ? messageOf(e) : `${messageOf(e)}. ${help}`;
  const wrong = diagnostics.filter((d) => d.severity === 'error');
  return (wrong.length > 0 ? wrong : diagnostics).map(sentence).join('; ');
}

/** The editor shows places in the program; those in a file of data are told. */
function sentence({ span, label, help }: Diagnostic): string {
  const place = span && !span.source.name.endsWith('.nn') ? `${span.source.name}, line ${lineColumn(span.source, span.start).line}: ` : '';
  return `${place}${label}${help === undefined ? '' : `. ${help}`}`;
}
