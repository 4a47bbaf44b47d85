import { bpeEncoder, tokenBytes } from '../base/bpe.ts';
import { fail } from '../base/errors.ts';
import type { About } from './api.ts';

/** Turns text into the tokens of a model, and back. */
export interface Tokenizer {
  readonly encode: (text: string) => number[];
  /** The text of the next token; bytes of one character come together with its last one. */
  readonly decode: (token: number) => string;
}

/** The tokenizer of a text model; without a vocabulary, tokens are numbers separated by spaces. */
export function tokenizerOf({ vocabulary }: About): Tokenizer {
  if (!vocabulary)
    return {
      encode: (text) =>
        text
          .split(/[\s,]+/)
          .filter((t) => t !== '')
          .map((t) => (/^\d+$/.test(t) ? Number(t) : fail('NN304', `'${t}' is no token: without a vocabulary, tokens are whole numbers`))),
      decode: (token) => `${token} `,
    };
  if (vocabulary.tokens === 'bytes') {
    const decoder = new TextDecoder();
    return {
      encode: (text) => [...new TextEncoder().encode(text)],
      decode: (token) => decoder.decode(Uint8Array.of(token), { stream: true }),
    };
  }
  if (vocabulary.tokens === 'bpe') {
    const decoder = new TextDecoder();
    return {
      encode: bpeEncoder(vocabulary.entries, vocabulary.merges ?? []),
      decode: (token) => decoder.decode(tokenBytes(vocabulary.entries[token] ?? ''), { stream: true }),
    };
  }
  const { entries } = vocabulary;
  const number = new Map(entries.map((c, i) => [c, i]));
  return {
    encode: (text) =>
      Array.from(
        text,
        (c) =>
          number.get(c) ??
          fail('NN304', `${JSON.stringify(c)} is none of the ${entries.length} characters that the model knows`, {
            help: `it knows ${JSON.stringify(entries.join(''))}`,
          }),
      ),
    decode: (token) => entries[token] ?? '',
  };
}

/** The text of each of `width` tokens, in quotes, for tables; the number where a token is no whole character, or has no text. */
export function tokenNames(about: About, width: number): readonly string[] {
  return Array.from({ length: width }, (_, token) => {
    const text = about.vocabulary ? tokenizerOf(about).decode(token) : '';
    return text === '' || text.includes('\ufffd') ? String(token) : JSON.stringify(text);
  });
}
