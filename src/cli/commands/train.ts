import { createWriteStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '../../base/errors.ts';
import { TorchRandom } from '../../base/torch-random.ts';
import { writeSafetensors } from '../../data/safetensors.ts';
import { vocabularyMetadata } from '../../data/vocabulary.ts';
import { RunningModel } from '../../runtime/model.ts';
import type { Weights } from '../../runtime/api.ts';
import { checkNames } from '../../runtime/weights.ts';
import { devicesFor } from '../../lower/backends.ts';
import { findDevice, notePrecision } from '../device.ts';
import { mustBeWritable, mustDiffer, writeFileSafely } from '../files.ts';
import { trainPopulation, type PopulationFlags } from './population.ts';
import { profile } from './profile.ts';
import {
  dataPath,
  noteTokens,
  openData,
  openProgram,
  openWeights,
  vocabularyFor,
  type OpenProgram,
  type SavedWeights,
} from '../program.ts';
import { planFor } from '../plan-cache.ts';
import { History, TABLE_ROWS } from '../history.ts';
import { note, print, progressView, showNumber, showTime } from '../terminal.ts';

export interface TrainFlags extends PopulationFlags {
  readonly resume?: boolean;
  /** Bytes. */
  readonly maxMemory?: number;
}

/** Seconds between checkpoints. */
const CHECKPOINT_SECONDS = 10;

export async function train(path: string, flags: TrainFlags): Promise<void> {
  const program = await openProgram(path);
  if (flags.seeds !== undefined || flags.sweep !== undefined) await trainPopulation(program, flags);
  else await trainProgram(program, flags);
}

/** Trains a program as the flags say, and returns the final weights. */
export async function trainProgram(program: OpenProgram, flags: TrainFlags): Promise<Weights> {
  const { path, model: found } = program;
  if (flags.steps !== undefined && flags.epochs !== undefined)
    fail('NN501', '--steps and --epochs both say how long to train', { help: 'keep one of them' });
  if (flags.resume && flags.checkpoint === undefined) fail('NN501', '--resume needs --checkpoint DIR');
  if (flags.resume && flags.init !== undefined) fail('NN501', '--resume and --init both say where to start', { help: 'keep one of them' });
  const seed = flags.seed ?? found.train.seed;
  const dataSeed = found.data?.draw?.seed;
  // One generator for data, weights and order, as after torch.manual_seed; a separate data seed restarts it after the data.
  const torch = flags.rng === 'torch' ? new TorchRandom(dataSeed ?? seed) : undefined;
  const checkpoint = flags.checkpoint === undefined ? undefined : join(flags.checkpoint, 'checkpoint.safetensors');
  const init = flags.init === undefined ? undefined : await openWeights(flags.init);
  const start = flags.resume && checkpoint !== undefined ? await openCheckpoint(checkpoint) : undefined;
  const known = vocabularyFor(found, init ?? start);
  const data = await openData(program, flags.data, torch, known);
  noteTokens(data, init);
  const metadata = vocabularyMetadata(data.vocabulary ?? known);
  const random = torch && dataSeed !== undefined && dataSeed !== seed ? new TorchRandom(seed) : torch;
  const device = await findDevice(flags.profile !== undefined && flags.device === 'auto' ? 'gpu' : flags.device, flags);
  const plan = await planFor(program, {
    adapter: device.adapter,
    devices: devicesFor(found, device),
    rows: data.rows,
    holdout: data.holdout?.rows,
    statistics: data.statistics,
    givenOrder: torch !== undefined,
    level: flags.opt,
    batch: flags.batch,
    steps: flags.steps,
    epochs: flags.epochs,
    seed: flags.seed,
    maxMemory: flags.maxMemory,
  });
  const total = plan.train?.steps ?? 0;
  const stepsPerEpoch = plan.train?.stepsPerEpoch ?? 1;
  mustDiffer(flags.save, [path, dataPath(program, flags.data), checkpoint]);
  mustDiffer(flags.log, [path, dataPath(program, flags.data), flags.init, flags.save]);
  await mustBeWritable(flags.save);
  if (!flags.resume) await mustBeWritable(checkpoint);
  // Checked before the device is opened, so that mismatches are reported early.
  if (init) checkNames(plan, init.weights, init.path);

  const session = await device.open(plan);
  const model = await RunningModel.open(session, { seed, random, weights: init?.weights, from: init?.path });
  const stop = { aborted: false };
  const interrupt = (): void => {
    if (stop.aborted) process.exit(130);
    stop.aborted = true;
  };
  const log = flags.log === undefined ? undefined : await openLog(flags.log, flags.resume === true);
  const view = progressView(total);
  try {
    // The orders of all epochs, drawn after the weights.
    const epochs = Math.ceil(total / stepsPerEpoch);
    const order = plan.data?.tensors.some((t) => t.name === 'order') && random ? orders(random, epochs, data.rows) : undefined;
    model.setData(...data.tensors, ...(order ? [order] : []));
    if (data.holdout) model.setHoldout(...data.holdout.tensors);
    if (start) await resume(model, start);
    note(`training ${plan.name} on ${model.device.name}: ${model.device.reason}`);
    notePrecision(found, device, session);
    const first = model.step;
    if (first >= total) {
      print(`the checkpoint stands at step ${first} of ${total}: nothing is left to do; raise --steps or --epochs to go on`);
      return await model.weights();
    }
    process.on('SIGINT', interrupt);
    process.on('SIGTERM', interrupt);
    const history = new History(first, stepsPerEpoch, plan.train?.metrics ?? []);
    const begin = performance.now();
    let lastSaved = begin;
    // Evaluate the holdout once for each row of the table.
    const every = data.holdout ? Math.max(1, Math.ceil(total / stepsPerEpoch / TABLE_ROWS)) * stepsPerEpoch : Infinity;
    while (model.step < total && !stop.aborted) {
      // Without checkpoints there is no need to wait for the device.
      let until = Math.min(total, (Math.floor(model.step / every) + 1) * every || total);
      if (checkpoint) {
        const rate = (model.step - first) / Math.max(1e-3, (performance.now() - begin) / 1000);
        until = Math.min(until, model.step + Math.max(1, Math.min(Math.ceil(rate * CHECKPOINT_SECONDS), model.step - first + 1)));
      }
      await model.train({
        steps: total,
        until,
        seed,
        onLosses(from, losses, metrics) {
          history.add(from, losses, metrics);
          losses.forEach((loss, i) => log?.write(logLine(from + i, loss, metrics, i)));
        },
        onProgress: view.update,
        signal: stop,
      });
      if (data.holdout && (model.step % every === 0 || model.step === total)) history.hold(model.step, await model.evaluate());
      // The first checkpoint comes early, so that a run that is cut short keeps something; later ones are rarer.
      const due = model.step === first + 1 || performance.now() - lastSaved > CHECKPOINT_SECONDS * 1000;
      if (checkpoint && due) {
        await saveCheckpoint(model, checkpoint, metadata);
        lastSaved = performance.now();
      }
    }
    view.stop();
    const seconds = (performance.now() - begin) / 1000;
    const weights = await model.weights();
    checkFinite(weights, model.step);
    if (checkpoint) await saveCheckpoint(model, checkpoint, metadata);
    print(history.table());
    const done = model.step - first;
    const rate = (done / Math.max(seconds, 1e-9)).toFixed(0);
    print(
      `${stop.aborted ? 'stopped' : 'done'}: ${done} steps in ${showTime(seconds)} (${rate} steps/s), last loss ${showNumber(history.last)}${history.heldText()}`,
    );
    if (flags.save !== undefined) {
      await writeFileSafely(flags.save, writeSafetensors(weights, metadata));
      print(`weights: ${flags.save}`);
    }
    if (stop.aborted) process.exitCode = 130;
    else if (flags.profile !== undefined) await profile(session, device, flags.profile === true ? undefined : flags.profile);
    return weights;
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
    view.stop();
    model.destroy();
    await log?.close();
  }
}

/** The weights after the last update, which no loss has seen yet, must be finite. */
function checkFinite(weights: Weights, step: number): void {
  for (const [name, { data }] of Object.entries(weights)) {
    const bad = data.findIndex((v) => !Number.isFinite(v));
    if (bad >= 0)
      fail('NN703', `'${name}' holds ${data[bad] ?? NaN} at element ${bad} after step ${step - 1}, so that the weights are of no use`, {
        help: 'try a smaller learning rate, or look for values in the data that are far from all others',
      });
  }
}

function orders(random: TorchRandom, epochs: number, rows: number): Int32Array {
  const out = new Int32Array(epochs * rows);
  for (let e = 0; e < epochs; e++) out.set(random.epoch(rows), e * rows);
  return out;
}

function logLine(step: number, loss: number, metrics: Readonly<Record<string, Float32Array>>, i: number): string {
  return `${JSON.stringify({ step, loss, ...Object.fromEntries(Object.entries(metrics).map(([k, v]) => [k, v[i]])) })}\n`;
}

interface Log {
  readonly write: (line: string) => void;
  /** Closes the file; throws if writing failed. */
  readonly close: () => Promise<void>;
}

/** One line per step; a resumed run appends. */
async function openLog(path: string, append: boolean): Promise<Log> {
  const stream = createWriteStream(path, { flags: append ? 'a' : 'w' });
  let problem: Error | undefined;
  await new Promise<void>((resolve) => {
    stream.once('open', () => resolve());
    stream.on('error', (e) => {
      problem ??= e;
      resolve();
    });
  });
  const check = (): void => {
    if (problem) fail('NN403', `${path} cannot be written: ${problem.message}`);
  };
  check();
  return {
    write: (line) => void stream.write(line),
    close: async () => {
      await new Promise<void>((resolve) => (stream.destroyed ? resolve() : stream.once('close', resolve).end()));
      check();
    },
  };
}

/** The checkpoint tensor with step, seed and source. */
const STAND = 'nnc.checkpoint';

/** Step, seed and source are stored as a tensor in the same file, so that they cannot get separated. */
async function saveCheckpoint(model: RunningModel, path: string, metadata: Readonly<Record<string, string>>): Promise<void> {
  const meta = Int32Array.from([model.step, model.plan.train?.seed ?? 0, ...identityWords(model.plan.identity)]);
  const tensors = { ...(await model.state()).tensors, [STAND]: { shape: [meta.length], data: meta } };
  await writeFileSafely(path, writeSafetensors(tensors, metadata));
}

function identityWords(hash: string): number[] {
  return [hash.slice(0, 8), hash.slice(8)].map((h) => Number.parseInt(h, 16) | 0);
}

async function openCheckpoint(path: string): Promise<SavedWeights> {
  if (!existsSync(path)) fail('NN401', `${path} does not exist, so there is nothing to resume`, { help: 'train once without --resume' });
  const saved = await openWeights(path);
  return saved.tensors.has(STAND)
    ? saved
    : fail('NN401', `${path} is not a checkpoint of nnc`, { help: 'weights alone are given with --init' });
}

async function resume(model: RunningModel, { path, tensors: stored, weights }: SavedWeights): Promise<void> {
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
