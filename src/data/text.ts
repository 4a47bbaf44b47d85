import { fail } from '../base/errors.ts';
import type { KnownLearned, Vocabulary } from '../base/learned.ts';

export interface Windows {
  readonly rows: number;
  /** Windows of `context` tokens, one after the other. */
  readonly x: Int32Array;
  /** The next token at each position. */
  readonly y: Int32Array;
  readonly vocabulary: Vocabulary;
}

/**
 * Splits a text into windows of tokens. Characters are numbered in Unicode order, or by the vocabulary of existing weights; bytes are their
 * own numbers.
 */
export function windowsOf(
  path: string,
  bytes: Uint8Array,
  { tokens, context, stride }: { readonly tokens: Vocabulary['tokens']; readonly context: number; readonly stride: number },
  known?: KnownLearned,
): Windows {
  const { ids, entries } = tokens === 'chars' ? characters(path, new TextDecoder().decode(bytes), known) : { ids: bytes, entries: BYTES };
  const rows = Math.floor((ids.length - 1 - context) / stride) + 1;
  if (rows < 1)
    return fail('NN301', `${path} has ${ids.length} tokens, and one example takes ${context + 1}`, {
      help: 'give more text, or a shorter context',
    });
  const at = (shift: number): Int32Array =>
    Int32Array.from({ length: rows * context }, (_, i) => ids[Math.floor(i / context) * stride + (i % context) + shift] ?? 0);
  return { rows, x: at(0), y: at(1), vocabulary: { tokens, entries } };
}

const BYTES = Array.from({ length: 256 }, (_, i) => String(i));

function characters(
  path: string,
  text: string,
  known: KnownLearned | undefined,
): { readonly ids: Int32Array; readonly entries: readonly string[] } {
  const all = [...text];
  const entries = known?.vocabulary?.entries ?? [...new Set(all)].sort();
  const number = new Map(entries.map((c, i) => [c, i]));
  const ids = Int32Array.from(all, (c) => number.get(c) ?? -1);
  const strange = ids.indexOf(-1);
  if (known && strange >= 0)
    return fail(
      'NN304',
      `character ${strange + 1} of ${path} is ${JSON.stringify(all[strange])}, which is none of the ${entries.length} that ${known.from} was trained with`,
      { help: 'train on a text that has it, or take it out' },
    );
  return { ids, entries };
}
