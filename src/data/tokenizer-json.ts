import { BYTE_CHARACTERS } from '../base/bpe.ts';
import { fail } from '../base/errors.ts';
import type { Bpe } from './train-bpe.ts';

/** The parts of a tokenizer.json that byte pair encoding needs. */
interface TokenizerFile {
  readonly model?: {
    readonly type?: string;
    readonly vocab?: Readonly<Record<string, number>>;
    readonly merges?: readonly (string | readonly string[])[];
  };
  readonly pre_tokenizer?: unknown;
  readonly normalizer?: unknown;
}

/**
 * Reads a tokenizer.json of Hugging Face that encodes bytes by pairs as GPT-2 does. Others cut or change texts in other ways, and their
 * numbers would be wrong.
 */
export function readTokenizerJson(path: string, bytes: Uint8Array): Bpe {
  const bad = (why: string): never =>
    fail('NN301', `${path} is no tokenizer that nnc reads: ${why}`, {
      help: 'it reads byte pairs as GPT-2 has them; tokens=bpe learns them from the text',
    });
  let file: TokenizerFile;
  try {
    file = JSON.parse(new TextDecoder().decode(bytes)) as TokenizerFile;
  } catch (e) {
    if (e instanceof SyntaxError) return bad('it is not JSON');
    throw e;
  }
  const { type, vocab, merges } = file.model ?? {};
  if (type !== 'BPE' || typeof vocab !== 'object' || !Array.isArray(merges))
    return bad(`its model is of type ${type ?? 'none'}, and not BPE`);
  if (file.normalizer !== null && file.normalizer !== undefined) return bad('it changes texts before it cuts them (normalizer)');
  if (!isByteLevel(file.pre_tokenizer)) return bad('it does not cut texts as GPT-2 does (pre_tokenizer)');
  const entries: string[] = [];
  for (const [token, id] of Object.entries(vocab)) entries[id] = token;
  const gap = Array.from(entries, (e) => e).findIndex((e) => (e as string | undefined) === undefined);
  if (gap >= 0) return bad(`it has no token ${gap}`);
  const missing = BYTE_CHARACTERS.find((c) => !Object.hasOwn(vocab, c));
  if (missing !== undefined) return bad(`it has no token for the byte ${BYTE_CHARACTERS.indexOf(missing)}`);
  return { entries, merges: merges.map((m: string | readonly string[]) => (typeof m === 'string' ? m : m.join(' '))) };
}

/** `ByteLevel` with the pattern of GPT-2 and no space in front. */
function isByteLevel(pre: unknown): boolean {
  const { type, add_prefix_space: space, use_regex: regex } = (pre ?? {}) as Readonly<Record<string, unknown>>;
  return type === 'ByteLevel' && space !== true && regex !== false;
}
