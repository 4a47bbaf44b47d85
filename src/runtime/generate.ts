import { mustBe, mustBeOptions } from '../base/calls.ts';
import { fail } from '../base/errors.ts';
import type { About, Model, Signal } from './api.ts';
import { checkSampling, chooseToken, type Sampling } from './sampling.ts';
import { tokenizerOf } from './tokens.ts';

export interface GenerateOptions extends Sampling {
  /** The number of tokens to make. */
  readonly tokens: number;
  readonly signal?: Signal | undefined;
}

/** A token of a generated text. */
export interface Generated {
  readonly token: number;
  /** Its text; empty within a character of several bytes. */
  readonly text: string;
}

/**
 * Goes on from a text, token by token. The plan must be made with `generate`. Without a prompt, the text begins after a new line, or after
 * the first token of the vocabulary.
 */
export async function* generate(model: Model, prompt: string, options: GenerateOptions): AsyncGenerator<Generated, void, undefined> {
  mustBeModel(model);
  mustBe(typeof prompt === 'string', 'what generate goes on from is a text', prompt);
  mustBeOptions('generate', options);
  checkSampling(options);
  if (!(Number.isInteger(options.tokens) && options.tokens >= 0))
    fail('NN501', `the number of tokens is a whole number, and not ${options.tokens}`);
  const { encode, decode } = tokenizerOf(model.about);
  const ids = encode(prompt);
  if (ids.length === 0) ids.push(lineEnd(model.about, encode));
  for (let n = 0; n < options.tokens && !options.signal?.aborted; n++) {
    const token = chooseToken(await model.scoresAfter(ids), n, options);
    ids.push(token);
    yield { token, text: decode(token) };
  }
}

/** Throws unless something is a model that was loaded. */
export function mustBeModel(given: unknown): void {
  mustBe(typeof (given as Partial<Model> | null | undefined)?.train === 'function', 'a model is what load gives', given);
}

/** The token of a new line, or the first one. */
function lineEnd({ vocabulary }: About, encode: (text: string) => number[]): number {
  const [token = 0] = vocabulary && (vocabulary.tokens !== 'chars' || vocabulary.entries.includes('\n')) ? encode('\n') : [];
  return token;
}
