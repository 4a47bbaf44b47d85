import { bpeEncoder } from '../base/bpe.ts';
import { fail } from '../base/errors.ts';
import type { KnownLearned, Vocabulary } from '../base/learned.ts';
import type { Beside } from './needs.ts';
import { readTokenizerJson } from './tokenizer-json.ts';
import { trainBpe } from './train-bpe.ts';
import { textIn } from './utf8.ts';

export interface Windows {
  readonly rows: number;
  /** Windows of `context` tokens, one after the other. */
  readonly x: Int32Array;
  /** The next token at each position. */
  readonly y: Int32Array;
  readonly vocabulary: Vocabulary;
}

/** How a text is cut. */
export interface Cutting {
  /** `chars`, `bytes`, `bpe`, or the path of a tokenizer.json. */
  readonly tokens: string;
  readonly context: number;
  readonly stride: number;
  /** The number of tokens that byte pairs may have. */
  readonly vocabulary: number;
  /** Reads a file that the program names. */
  readonly beside: Beside;
}

/**
 * Splits a text into windows of tokens. Characters are numbered in Unicode order, bytes are their own numbers, and byte pairs are learned
 * from the text or read; with existing weights, all by their vocabulary.
 */
export function windowsOf(path: string, bytes: Uint8Array, cutting: Cutting, known?: KnownLearned): Windows {
  const { context, stride } = cutting;
  const { ids, vocabulary } = tokensOf(path, bytes, cutting, known);
  const rows = Math.floor((ids.length - 1 - context) / stride) + 1;
  if (rows < 1)
    return fail('NN301', `${path} has ${ids.length} tokens, and one example takes ${context + 1}`, {
      help: 'give more text, or a shorter context',
    });
  const at = (shift: number): Int32Array =>
    Int32Array.from({ length: rows * context }, (_, i) => ids[Math.floor(i / context) * stride + (i % context) + shift] ?? 0);
  return { rows, x: at(0), y: at(1), vocabulary };
}

interface Tokens {
  readonly ids: ArrayLike<number>;
  readonly vocabulary: Vocabulary;
}

function tokensOf(path: string, bytes: Uint8Array, { tokens, vocabulary: size, beside }: Cutting, known: KnownLearned | undefined): Tokens {
  if (tokens === 'bytes') return { ids: bytes, vocabulary: { tokens, entries: BYTES } };
  const text = textIn(path, bytes);
  if (tokens === 'chars') {
    const { ids, entries } = characters(path, text, known);
    return { ids, vocabulary: { tokens, entries } };
  }
  const own = known?.vocabulary;
  const { entries, merges = [] } =
    own?.tokens === 'bpe' ? own : tokens === 'bpe' ? trainBpe(text, size) : readTokenizerJson(tokens, beside(tokens));
  return { ids: bpeEncoder(entries, merges)(text), vocabulary: { tokens: 'bpe', entries, merges } };
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
