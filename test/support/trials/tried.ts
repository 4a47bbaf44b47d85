import { check } from '../../../src/compile.ts';
import { randomProgram } from '../random-program.ts';
import { shrink } from '../shrink.ts';
import type { Trial } from './trial.ts';

/** A program that fails a trial, and the smallest one found that does. */
export interface Failure {
  readonly seed: number;
  readonly wrong: string;
  readonly program: string;
  readonly smallest: string;
}

/** What a trial says of a program; a bug that is thrown is wrong as well. */
export async function failureOf(trial: Trial, text: string, seed: number): Promise<string | undefined> {
  try {
    return await trial.run(text, seed);
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

/** What kind of failure it is: the first line without names and numbers. */
const kindOf = (wrong: string | undefined): string | undefined =>
  wrong
    ?.split('\n')[0]
    ?.replace(/^\S+ is off/, 'off')
    .replace(/-?\d[\d.e+-]*|"[^"]*"|'[^']*'/g, '#');

/** Programs from so many seeds; the first one that fails, made small. */
export async function failureAmong(trial: Trial, from: number, tries: number): Promise<Failure | undefined> {
  for (let seed = from; seed < from + tries; seed++) {
    const program = randomProgram(seed);
    const wrong = await failureOf(trial, program, seed);
    if (wrong === undefined) continue;
    const fails = async (text: string): Promise<boolean> =>
      check({ name: 'shrunk.nn', text }).model?.training !== undefined && kindOf(await failureOf(trial, text, seed)) === kindOf(wrong);
    return { seed, wrong, program, smallest: await shrink(program, fails) };
  }
  return undefined;
}

/** How many programs a test tries, and from which seed: `NNC_FUZZ=5000 NNC_FROM=100000` tries others. */
export const tries = (usual: number): number => Number(process.env['NNC_FUZZ'] ?? usual);
export const FROM = Number(process.env['NNC_FROM'] ?? 0);

/** The first seeds of a test's parts. */
export const parts = (usual: number, each: number): number[] =>
  Array.from({ length: Math.ceil(tries(usual) / each) }, (_, i) => FROM + i * each);

/** Fails with the smallest program that fails. */
export async function allPass(trial: Trial, from: number, n: number): Promise<void> {
  const failure = await failureAmong(trial, from, n);
  if (failure) throw new Error(`seed ${failure.seed}: ${failure.wrong}\n\nsmallest:\n${failure.smallest}\nof:\n${failure.program}`);
}
