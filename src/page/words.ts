import type { Diagnostic } from '../base/diagnostics.ts';
import { messageOf } from '../base/errors.ts';

/** An error as a page tells it: what is wrong and the way out, without codes and layout. */
export function wordsOf(e: unknown): string {
  const { diagnostics } = e as { readonly diagnostics?: readonly Diagnostic[] };
  if (!diagnostics?.[0]) return messageOf(e);
  const wrong = diagnostics.filter((d) => d.severity === 'error');
  return (wrong.length > 0 ? wrong : diagnostics).map((d) => (d.help === undefined ? d.label : `${d.label}. ${d.help}`)).join('; ');
}
