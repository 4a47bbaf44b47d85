import { fail } from '../base/errors.ts';

/** The tokens of a text, by number. */
export interface Vocabulary {
  readonly tokens: 'chars' | 'bytes';
  readonly entries: readonly string[];
}

/** The vocabulary that weights were trained with, and the file it comes from. */
export interface KnownVocabulary extends Vocabulary {
  readonly from: string;
}

/** Token numbers only make sense with the weights trained on them, so the vocabulary is saved in the same file. */
const KEY = 'nnc.vocabulary';

/** A vocabulary as metadata of a weights file. */
export function vocabularyMetadata(vocabulary: Vocabulary | undefined): Readonly<Record<string, string>> {
  return vocabulary ? { [KEY]: JSON.stringify({ tokens: vocabulary.tokens, entries: vocabulary.entries }) } : {};
}

/** The vocabulary in the metadata of a file, if any. */
export function vocabularyIn(metadata: Readonly<Record<string, string>>, from: string): KnownVocabulary | undefined {
  const text = metadata[KEY];
  if (text === undefined) return undefined;
  const found = parsed(text);
  return found
    ? { ...found, from }
    : fail('NN401', `the vocabulary in ${from} is none`, { help: 'save the weights anew with nnc train --save' });
}

function parsed(text: string): Vocabulary | undefined {
  try {
    const { tokens, entries } = JSON.parse(text) as Partial<Vocabulary>;
    const right = (tokens === 'chars' || tokens === 'bytes') && Array.isArray(entries) && entries.every((e) => typeof e === 'string');
    return right ? { tokens, entries } : undefined;
  } catch (e) {
    if (e instanceof SyntaxError || e instanceof TypeError) return undefined;
    throw e;
  }
}
