import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readMetadata } from '../data/safetensors.ts';
import type { Weights } from '../runtime/api.ts';
import type { Evaluation } from '../runtime/judged.ts';
import { readUserFile, writeFileSafely } from './files.ts';
import { weightsIn } from './program.ts';
import { isSound, sealed } from './sealed.ts';
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
  /** The checksum of the held-out examples. */
  readonly examples: number;
}

export async function saveBest(
  folder: string,
  { step, values }: Evaluation,
  weights: Weights,
  judged: Judged,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  await writeFileSafely(fileIn(folder), sealed(weights, { ...metadata, [ENTRY]: JSON.stringify({ ...judged, step, values }) }));
}

/** The best weights of the run whose checkpoints lie in a folder; undefined if there are none, or they were judged by something else. */
export async function bestIn(folder: string, judged: Judged): Promise<(Evaluation & { readonly weights: Weights }) | undefined> {
  const path = fileIn(folder);
  if (!existsSync(path)) return undefined;
  const bytes = await readUserFile(path, 'NN401');
  const anew = (why: string): undefined => {
    note(`${path} ${why}, so the best is looked for anew`);
    return undefined;
  };
  if (!isSound(bytes)) return anew('is damaged: its checksum is another one');
  const { weights } = weightsIn(path, bytes);
  const { step, values, ...other } = JSON.parse(readMetadata(bytes)[ENTRY] ?? '{}') as Partial<Judged & Evaluation>;
  const same = other.identity === judged.identity && other.by === judged.by && other.examples === judged.examples;
  if (!same || step === undefined || !values) return anew(`was not judged by this run's held-out ${judged.by}`);
  return { step, values, weights };
}
