import { fail } from '../base/errors.ts';

/** What the tokens of a text stand for, in the order of their numbers. */
export interface Vocabulary {
  readonly tokens: 'chars' | 'bytes';
  readonly entries: readonly string[];
}

/** A vocabulary that weights were trained with, and the file that says so. */
export interface KnownVocabulary extends Vocabulary {
  readonly from: string;
}

/** The numbers of tokens mean something to the weights that were trained with them alone, so they travel in one file. */
const KEY = 'nnc.vocabulary';

/** A vocabulary as metadata of a file of weights. */
export function vocabularyMetadata(vocabulary: Vocabulary | undefined): Readonly<Record<string, string>> {
  return vocabulary ? { [KEY]: JSON.stringify({ tokens: vocabulary.tokens, entries: vocabulary.entries }) } : {};
}

/** The vocabulary among the metadata of a file, if there is one. */
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
