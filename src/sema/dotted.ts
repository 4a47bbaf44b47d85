import { textOf } from '../base/source.ts';
import type { Expr } from '../parser/ast.ts';

/** The names of `a.b.c` and `0.weight`; undefined if it starts with anything but a name or an index. */
export function pathOf(e: Expr): string[] | undefined {
  if (e.kind === 'name') return [e.name];
  // The tokenizer reads the indices `0.0` of `0.0.weight` as one number.
  if (e.kind === 'number') return textOf(e.span).split('.').filter(Boolean);
  const before = e.kind === 'member' ? pathOf(e.value) : undefined;
  return e.kind === 'member' && before ? [...before, e.name.text] : undefined;
}

/** The text of a name, a string, a dotted name or an index: `head`, `"0.weight"`, `0.weight`, `0`. */
export const nameOf = (e: Expr): string | undefined => (e.kind === 'string' ? e.value : pathOf(e)?.join('.'));
