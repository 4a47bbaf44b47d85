import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fail } from '../base/errors.ts';
import { writeSafetensors } from '../data/safetensors.ts';
import type { RunningModel } from '../runtime/model.ts';
import { writeFileSafely } from './files.ts';
import { openWeights, type SavedWeights } from './program.ts';

/** The tensor of a checkpoint that says where it stands. */
const STAND = 'nnc.checkpoint';

/** Step, seed and source of a checkpoint travel as tensors of one file, so that nothing can come apart. */
export async function saveCheckpoint(
  model: RunningModel,
  path: string,
  metadata: Readonly<Record<string, string>>,
  keep = 0,
): Promise<void> {
  const meta = Int32Array.from([model.step, model.plan.train?.seed ?? 0, ...identityWords(model.plan.identity)]);
  const tensors = { ...(await model.state()).tensors, [STAND]: { shape: [meta.length], data: meta } };
  const bytes = writeSafetensors(tensors, metadata);
  await writeFileSafely(path, bytes);
  if (keep > 0) await keepLast(path, model.step, bytes, keep);
}

/** Files of earlier checkpoints: `checkpoint-000120.safetensors`. */
const EARLIER = /^checkpoint-\d+\.safetensors$/;

/** Keeps a copy with the number of the step, and as many copies as are asked for. */
async function keepLast(path: string, step: number, bytes: Uint8Array, keep: number): Promise<void> {
  const folder = dirname(path);
  await writeFileSafely(join(folder, `checkpoint-${String(step).padStart(6, '0')}.safetensors`), bytes);
  const earlier = (await readdir(folder)).filter((name) => EARLIER.test(name));
  const number = (name: string): number => Number(/\d+/.exec(name)?.[0]);
  earlier.sort((a, b) => number(b) - number(a));
  for (const name of earlier.slice(keep)) await rm(join(folder, name), { force: true });
}

function identityWords(hash: string): number[] {
  return [hash.slice(0, 8), hash.slice(8)].map((h) => Number.parseInt(h, 16) | 0);
}

export async function openCheckpoint(path: string): Promise<SavedWeights> {
  if (!existsSync(path)) fail('NN401', `${path} does not exist, so there is nothing to resume`, { help: 'train once without --resume' });
  const saved = await openWeights(path);
  return saved.tensors.has(STAND)
    ? saved
    : fail('NN401', `${path} is not a checkpoint of nnc`, { help: 'weights alone are given with --init' });
}

/** Puts a model where a checkpoint stands; an error where that is another program, batch or seed. */
export async function resume(model: RunningModel, { path, tensors: stored, weights }: SavedWeights): Promise<void> {
  const [step, seed, ...source] = stored.get(STAND)?.data ?? [];
  if (source.join() !== identityWords(model.plan.identity).join())
    fail('NN402', `${path} was made by another program, or with another batch`, {
      help: 'train without --resume, or take only its weights with --init',
    });
  if (seed !== model.plan.train?.seed)
    fail('NN402', `${path} was made with seed ${seed ?? 0}, and this run has ${model.plan.train?.seed ?? 0}`, {
      help: `add --seed ${seed ?? 0}`,
    });
  const { [STAND]: _stand, ...tensors } = weights;
  await model.restore({ step: step ?? 0, seed: seed ?? 0, tensors }, path);
}
