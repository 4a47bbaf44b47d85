import { existsSync, rmSync } from 'node:fs';
import { open, readFile, readdir, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { fail } from '../base/errors.ts';
import type { RunningModel } from '../runtime/model.ts';
import { makeFolder } from '../node/folders.ts';
import { isSound, sealed } from './sealed.ts';
import { readUserFile, whyNot, writeFileSafely } from './files.ts';
import { weightsIn, type SavedWeights } from './program.ts';
import { note } from './terminal.ts';

/** The tensor of a checkpoint that says where it stands. */
const STAND = 'nnc.checkpoint';

/** What a checkpoint holds besides the state of the model. */
export interface Kept {
  readonly metadata: Readonly<Record<string, string>>;
  /** The checksum of the examples. */
  readonly examples: number;
  /** How many earlier checkpoints stay beside the last one. */
  readonly keep: number | undefined;
}

/** Step, seed, source and examples of a checkpoint travel as tensors of one file, so that nothing can come apart. */
export async function saveCheckpoint(model: RunningModel, path: string, { metadata, examples, keep = 0 }: Kept): Promise<void> {
  const meta = Int32Array.from([model.step, model.plan.train?.seed ?? 0, examples | 0, ...identityWords(model.plan.identity)]);
  const tensors = { ...(await model.state()).tensors, [STAND]: { shape: [meta.length], data: meta } };
  const bytes = sealed(tensors, metadata);
  // The one before stays beside it: should the disk damage the new one, the run is not lost.
  await writeFileSafely(path, bytes, async () => {
    if (existsSync(path)) await rename(path, previousOf(path));
  });
  if (keep > 0) await keepLast(path, model.step, bytes, keep);
}

const previousOf = (path: string): string => path.replace(/(\.safetensors)$/, '.previous$1');

/** Takes away what a killed run has left half written: parts of files whose process is gone. */
export async function clearLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const pid = /^\..+\.(\d+)\.(?:part|probe)$/.exec(name)?.[1];
    if (pid !== undefined && !alive(Number(pid))) await rm(join(folder, name), { force: true });
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (e) {
    // Somebody else's process is one all the same.
    return (e as { code?: string }).code === 'EPERM';
  }
}

/**
 * Keeps a folder of checkpoints for one run: two that write into it would destroy each other's. The lock of a run that is gone is taken
 * over. Gives what lets go of the folder.
 */
export async function lockFolder(folder: string): Promise<() => void> {
  await makeFolder(folder);
  const path = join(folder, LOCK);
  const own = `${process.pid} ${hostname()}`;
  const release = (): void => rmSync(path, { force: true });
  for (let tries = 0; tries < 2; tries++) {
    const file = await open(path, 'wx').catch((e: unknown) => {
      if ((e as { code?: string }).code !== 'EEXIST') fail('NN403', `${path} cannot be written: ${whyNot(e)}`);
    });
    if (file) {
      await file.writeFile(own);
      await file.close();
      return release;
    }
    const known = await readFile(path, 'utf8').catch(() => '');
    const [pid, host] = known.split(' ');
    // Of another machine's run nothing is known; one of this machine is there or gone.
    const gone = host === hostname() && (Number(pid) === process.pid || !alive(Number(pid)));
    if (!gone && pid !== '')
      fail('NN501', `another run writes its checkpoints into ${folder}: process ${pid ?? '?'} on ${host ?? 'another machine'}`, {
        help: `wait for it, or take another folder; if no such run is going on: rm ${path}`,
      });
    // Only one of several runs can move it away, and puts it back if another one has taken the folder meanwhile.
    const aside = `${path}.${process.pid}`;
    const moved = await rename(path, aside).then(
      () => true,
      () => false,
    );
    if (moved && (await readFile(aside, 'utf8').catch(() => known)) !== known) await rename(aside, path);
    else if (moved) await rm(aside, { force: true });
  }
  return fail('NN501', `another run has just begun to write its checkpoints into ${folder}`, { help: 'take another folder' });
}

const LOCK = '.lock';

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
  const previous = previousOf(path);
  if (!existsSync(path) && !existsSync(previous))
    fail('NN401', `${path} does not exist, so there is nothing to resume`, { help: 'train once without --resume' });
  // A kill between the two renames leaves only the one before.
  if (!existsSync(path)) {
    note(`${path} is not there; the run goes on from ${previous}, the one before`);
    return openCheckpoint(previous);
  }
  const bytes = await readUserFile(path, 'NN401');
  const saved = weightsIn(path, bytes);
  if (!saved.tensors.has(STAND)) fail('NN401', `${path} is not a checkpoint of nnc`, { help: 'weights alone are given with --init' });
  if (isSound(bytes)) return saved;
  const other = path !== previous && existsSync(previous);
  return fail('NN401', `${path} is damaged: its checksum is another one`, {
    help: other ? `take the one before: mv ${previous} ${path}` : 'take a copy of it, or train anew in another folder',
  });
}

/** Puts a model where a checkpoint stands; an error where that is another program, batch, seed or data. */
export async function resume(model: RunningModel, { path, tensors: stored, weights }: SavedWeights, examples: number): Promise<void> {
  const [step, seed, seen, ...source] = stored.get(STAND)?.data ?? [];
  const anew = `train without --resume into another folder, or take only the weights: --init ${path} --allow-missing`;
  if (source.join() !== identityWords(model.plan.identity).join())
    fail('NN402', `${path} was made by another program, or with another batch`, { help: anew });
  if (seen !== (examples | 0))
    fail('NN402', `${path} was made with other examples: the data have as many rows and other numbers`, { help: anew });
  if (seed !== model.plan.train?.seed)
    fail('NN402', `${path} was made with seed ${seed ?? 0}, and this run has ${model.plan.train?.seed ?? 0}`, {
      help: `add --seed ${seed ?? 0}`,
    });
  const { [STAND]: _stand, ...tensors } = weights;
  await model.restore({ step: step ?? 0, seed: seed ?? 0, tensors }, path);
}
