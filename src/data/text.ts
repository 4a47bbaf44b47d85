import { fail } from '../base/errors.ts';

export interface Windows {
  readonly rows: number;
  /** Tokens, `context` in a row, one window behind the other. */
  readonly x: Int32Array;
  /** The token that follows at each place. */
  readonly y: Int32Array;
  /** What each token stands for, in the order of their numbers. */
  readonly vocabulary: readonly string[];
}

/** Cuts a text into windows of tokens. Characters are numbered in their order in Unicode, bytes are their own numbers. */
export function windowsOf(path: string, bytes: Uint8Array, tokens: 'chars' | 'bytes', context: number): Windows {
  let ids: ArrayLike<number> = bytes;
  let vocabulary = Array.from({ length: 256 }, (_, i) => String(i));
  if (tokens === 'chars') {
    const characters = [...new TextDecoder().decode(bytes)];
    vocabulary = [...new Set(characters)].sort();
    const number = new Map(vocabulary.map((c, i) => [c, i]));
    ids = Int32Array.from(characters, (c) => number.get(c) ?? 0);
  }
  const rows = Math.floor((ids.length - 1) / context);
  if (rows < 1)
    return fail('NN301', `${path} has ${ids.length} tokens, and one example takes ${context + 1}`, {
      help: 'give more text, or a shorter context',
    });
  const at = (shift: number): Int32Array => Int32Array.from({ length: rows * context }, (_, i) => ids[i + shift] ?? 0);
  return { rows, x: at(0), y: at(1), vocabulary };
}
