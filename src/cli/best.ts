import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readMetadata, writeSafetensors } from '../data/safetensors.ts';
import type { Weights } from '../runtime/api.ts';
import type { Evaluation } from '../runtime/judged.ts';
import { readUserFile, writeFileSafely } from './files.ts';
import { weightsIn } from './program.ts';
import { note } from './terminal.ts';

/** The best weights of a run lie beside its checkpoints, and say what they reached, so that a run that goes on judges by them too. */
const fileIn = (folder: string): string => join(folder, 'best.safetensors');

/** The entry of the metadata that says how good the weights are. */
const ENTRY = 'nnc.best';

/** Whose best weights, and by what. */
export interface Judged {
  /** The plan that they belong to. */
  readonly identity: string;
  /** `loss`, or a metric. */
  readonly by: string;
}

export async function saveBest(
  folder: string,
  { step, values }: Evaluation,
  weights: Weights,
  { identity, by }: Judged,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const entry = JSON.stringify({ identity, by, step, values });
  await writeFileSafely(fileIn(folder), writeSafetensors(weights, { ...metadata, [ENTRY]: entry }));
}

/** The best weights of the run whose checkpoints lie in a folder; undefined if there are none, or they were judged by something else. */
export async function bestIn(folder: string, { identity, by }: Judged): Promise<(Evaluation & { readonly weights: Weights }) | undefined> {
  const path = fileIn(folder);
  if (!existsSync(path)) return undefined;
  const bytes = await readUserFile(path, 'NN401');
  const entry = parsed(readMetadata(bytes)[ENTRY]);
  if (entry?.identity !== identity || entry.by !== by) {
    note(`${path} was not judged by this run's held-out ${by}, so the best is looked for anew`);
    return undefined;
  }
  return { step: entry.step, values: entry.values, weights: weightsIn(path, bytes).weights };
}

function parsed(text: string | undefined): (Judged & Evaluation) | undefined {
  if (text === undefined) return undefined;
  try {
    const { identity, by, step, values } = JSON.parse(text) as Record<string, unknown>;
    if (typeof identity !== 'string' || typeof by !== 'string' || typeof step !== 'number' || typeof values !== 'object') return undefined;
    return { identity, by, step, values: values as Evaluation['values'] };
  } catch {
    // Somebody else's entry is none.
    return undefined;
  }
}
