import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fail } from '../../base/errors.ts';
import { evalScalar } from '../../base/scalar.ts';
import { TorchRandom } from '../../base/torch-random.ts';
import { writeSafetensors } from '../../data/safetensors.ts';
import { checksumOf } from '../../data/values.ts';
import { learnedMetadata } from '../../data/learned.ts';
import { devicesFor } from '../../lower/backends.ts';
import type { Point } from '../../pictures/curve.ts';
import type { Weights } from '../../runtime/api.ts';
import type { DeviceLost } from '../../runtime/errors.ts';
import type { Session } from '../../runtime/session.ts';
import { RunningModel } from '../../runtime/model.ts';
import { takePart, type Taken } from '../../runtime/partial.ts';
import { checkNames } from '../../runtime/weights.ts';
import { bestIn, saveBest } from '../best.ts';
import { clearLeftovers, lockFolder, openCheckpoint, resume, saveCheckpoint } from '../checkpoints.ts';
import { findDevice, notePrecision } from '../device.ts';
import { mustBeWritable, writeOutput } from '../files.ts';
import { mustEndIn } from '../outputs.ts';
import { planFor } from '../plan-cache.ts';
import { noteTokens, openData, openProgram, openWeights, learnedFor, type OpenProgram } from '../program.ts';
import { firstRate } from '../rates.ts';
import { reportOf } from '../report.ts';
import { runTraining } from '../run-training.ts';
import { untilInterrupted } from '../interrupt.ts';
import { judgeOf } from '../judge.ts';
import { note, print } from '../terminal.ts';
import { plot } from '../plot.ts';
import { Trap } from '../trap.ts';
import { openBoard, openLog, type Log } from '../training-log.ts';
import { findRate } from './find-lr.ts';
import { trainFolds } from './folds.ts';
import { trainPopulation, type PopulationFlags } from './population.ts';
import { profile } from './profile.ts';

export interface TrainFlags extends PopulationFlags {
  readonly resume?: boolean;
  /** Says where a number was made that is none. */
  readonly trapNonfinite?: boolean;
  /** Draws the loss in the terminal. */
  readonly plot?: boolean;
  /** Looks for a learning rate instead of training. */
  readonly findLr?: boolean;
  readonly tensorboard?: string;
  /** A page about the training. */
  readonly report?: string;
  /** How many checkpoints stay beside the last one. */
  readonly keep?: number;
  /** Trains so many times, each time with another part of the data held out. */
  readonly folds?: number;
  /** How `--init` takes weights of another model. */
  readonly allowMissing?: boolean;
  readonly rename?: readonly string[];
  /** Bytes. */
  readonly maxMemory?: number;
}

export async function train(path: string, flags: TrainFlags): Promise<void> {
  const program = await openProgram(path);
  if (flags.findLr) await findRate(program, flags);
  else if (flags.folds !== undefined) await trainFolds(program, flags.folds, flags);
  else if (flags.seeds !== undefined || flags.sweep !== undefined) await trainPopulation(program, flags);
  else await trainProgram(program, flags);
}

/** Trains a program as the flags say, and gives the weights in the end. */
export async function trainProgram(program: OpenProgram, flags: TrainFlags): Promise<Weights> {
  checkFlags(flags);
  const { model: found } = program;
  const checkpoint = flags.checkpoint === undefined ? undefined : join(flags.checkpoint, 'checkpoint.safetensors');
  const init = flags.init === undefined ? undefined : await openWeights(flags.init);
  const start = flags.resume && checkpoint !== undefined ? await openCheckpoint(checkpoint) : undefined;
  const known = learnedFor(found, init ?? start);
  const { seed, forData, forWeights } = generators(program, flags);
  const data = await openData(program, flags.data, forData, known);
  noteTokens(data, init);
  for (const advice of data.advice) note(`advice: ${advice}`);
  const metadata = learnedMetadata(data.learned ?? known);
  const device = await findDevice(flags.profile !== undefined && flags.device === 'auto' ? 'gpu' : flags.device, flags);
  const plan = await planFor(program, {
    adapter: device.adapter,
    devices: devicesFor(found, device),
    rows: data.rows,
    holdout: data.holdout?.rows,
    statistics: data.statistics,
    givenOrder: forData !== undefined,
    level: flags.opt,
    batch: flags.batch,
    steps: flags.steps,
    epochs: flags.epochs,
    seed: flags.seed,
    maxMemory: flags.maxMemory,
    names: data.names,
  });
  await checkFiles(flags, checkpoint);
  // Before the device is there: what has other names or shapes is told sooner.
  const begin = init && takePart(plan, init.weights, init.path, { rename: flags.rename, allowMissing: flags.allowMissing, seed });
  if (begin) checkNames(plan, begin.weights, flags.init ?? '');
  if (begin && flags.allowMissing) noteTaken(begin, flags.init ?? '');

  let session = await device.open(plan);
  const reopen = async (lost: DeviceLost): Promise<Session> => {
    session = await device.open(plan);
    note(`${lost.message}\n  the run goes on from the last state that was kept, on a fresh device`);
    return session;
  };
  const model = await RunningModel.open(session, { seed, random: forWeights, weights: begin?.weights, from: init?.path, reopen });
  const { stop, release } = untilInterrupted();
  const logs: Log[] = [];
  let unlock: (() => void) | undefined;
  try {
    if (checkpoint !== undefined) unlock = await lockFolder(dirname(checkpoint));
    const { steps: total = 0, stepsPerEpoch = 1 } = plan.train ?? {};
    // The orders of all epochs, drawn after the weights.
    const ordered = forWeights && plan.data?.tensors.some((t) => t.name === 'order');
    const order = ordered ? orders(forWeights, Math.ceil(total / stepsPerEpoch), data.rows) : undefined;
    model.setData(...data.tensors, ...(order ? [order] : []));
    if (data.holdout) model.setHoldout(...data.holdout.tensors);
    const examples = checkpoint === undefined ? 0 : checksumOf(data.tensors);
    if (start) await resume(model, start, examples);
    note(`training ${plan.name} on ${model.device.name}: ${model.device.reason}`);
    notePrecision(found, device, session);
    if (model.step >= total) {
      print(`the checkpoint stands at step ${model.step} of ${total}: nothing is left to do; raise --steps or --epochs to go on`);
      return await model.weights();
    }
    const rates = firstRate(plan);
    const rateAt = (step: number): number | undefined => rates && evalScalar(rates, { step, seed, total, rows: data.rows });
    if (flags.log !== undefined) logs.push(await openLog(flags.log, { from: flags.resume ? model.step : undefined, rateAt }));
    if (flags.tensorboard !== undefined) logs.push(await openBoard(flags.tensorboard, rateAt));
    const judge = judgeOf(found, flags.saveBest, data.holdout !== undefined);
    const folder = data.holdout && flags.checkpoint;
    const judged = { identity: plan.identity, by: judge.by, examples: data.holdout ? checksumOf(data.holdout.tensors) : 0 };
    const trap = flags.trapNonfinite ? await Trap.set(model, { program, seed, data, order }) : undefined;
    const done = await runTraining(model, {
      seed,
      heldOut: data.holdout ? ['loss', ...(plan.train?.metrics ?? [])] : [],
      judge,
      logs,
      save: checkpoint === undefined ? undefined : () => saveCheckpoint(model, checkpoint, { metadata, examples, keep: flags.keep }),
      saveBest: folder === undefined ? undefined : (best, weights) => saveBest(folder, best, weights, judged, metadata),
      best: folder === undefined || !start ? undefined : await bestIn(folder, judged),
      trap,
      stop,
    });
    const { weights } = done;
    if (flags.report !== undefined && done.failure === undefined) {
      if (done.best) await model.setWeights(weights);
      await writeOutput(flags.report, await reportOf(program, model, data, done));
      print(`report: ${flags.report}, open it in a browser`);
    }
    if (flags.plot) printLosses(done.losses);
    if (flags.save !== undefined) {
      await writeOutput(flags.save, writeSafetensors(weights, metadata));
      print(`weights: ${flags.save}`);
    }
    if (done.failure !== undefined) throw done.failure;
    if (done.unsaved) throw done.unsaved;
    if (stop.aborted) process.exitCode = stop.status;
    else if (flags.profile !== undefined) await profile(session, device, flags.profile === true ? undefined : flags.profile);
    return weights;
  } finally {
    release();
    unlock?.();
    model.destroy();
    for (const log of logs) await log.close();
  }
}

/** Draws the losses; if they span more than a factor of ten, by their logarithm. */
function printLosses(losses: readonly Point[]): void {
  const values = losses.map((p) => p.y);
  const logY = values.every((v) => v > 0) && Math.max(...values) > 10 * Math.min(...values);
  print();
  for (const line of plot(losses, { x: 'step', y: 'loss', logY, width: Math.min(process.stdout.columns || 80, 100) })) print(line);
}

/** Says which weights were taken over, which are drawn, and which were left. */
function noteTaken({ taken, drawn, left }: Taken, from: string): void {
  const some = (names: readonly string[]): string => `${names.slice(0, 6).join(', ')}${names.length > 6 ? ', ...' : ''}`;
  note(`${taken.length} tensors of ${from} are taken over`);
  if (drawn.length > 0) note(`${drawn.length} are not there and are drawn: ${some(drawn)}`);
  if (left.length > 0) note(`${left.length} are left out, since the model has none of these names: ${some(left)}`);
}

function checkFlags(flags: TrainFlags): void {
  if (flags.keep !== undefined && flags.checkpoint === undefined)
    fail('NN501', '--keep says how many checkpoints stay, and needs --checkpoint DIR');
  if (flags.steps !== undefined && flags.epochs !== undefined)
    fail('NN501', '--steps and --epochs both say how long to train', { help: 'keep one of them' });
  if (flags.resume && flags.checkpoint === undefined) fail('NN501', '--resume needs --checkpoint DIR');
  if (flags.init === undefined && (flags.allowMissing || flags.rename))
    fail('NN501', `--${flags.rename ? 'rename' : 'allow-missing'} says how to take weights over, and there are none`, {
      help: 'add --init FILE',
    });
  if (flags.resume && flags.init !== undefined) fail('NN501', '--resume and --init both say where to start', { help: 'keep one of them' });
}

/** Refuses to write over what is read, and finds out before training whether the files can be written. */
async function checkFiles(flags: TrainFlags, checkpoint: string | undefined): Promise<void> {
  mustEndIn(flags.save, 'weights are written as', ['safetensors']);
  mustEndIn(flags.report, 'a report is written as', ['html', 'htm']);
  const trace = typeof flags.profile === 'string' ? flags.profile : undefined;
  // A run that goes on adds to its log.
  for (const output of [flags.report, flags.save, flags.log, trace]) await mustBeWritable(output);
  if (checkpoint !== undefined) await clearLeftovers(dirname(checkpoint));
  if (!flags.resume) await mustBeWritable(checkpoint);
  if (!flags.resume && checkpoint !== undefined && existsSync(checkpoint))
    fail('NN501', `${checkpoint} is there already, and this run would write over it`, {
      help: 'add --resume to go on from it, or take another folder',
    });
}

/**
 * PyTorch's generators with `--rng torch`. As after `torch.manual_seed`, one generator serves data, weights and order; if the data has a
 * seed of its own, the weights start from a fresh one.
 */
function generators(
  { model }: OpenProgram,
  flags: TrainFlags,
): { readonly seed: number; readonly forData: TorchRandom | undefined; readonly forWeights: TorchRandom | undefined } {
  const seed = flags.seed ?? model.train.seed;
  if (flags.rng !== 'torch') return { seed, forData: undefined, forWeights: undefined };
  const dataSeed = model.data?.draw?.seed ?? seed;
  const forData = new TorchRandom(dataSeed);
  return { seed, forData, forWeights: dataSeed === seed ? forData : new TorchRandom(seed) };
}

function orders(random: TorchRandom, epochs: number, rows: number): Int32Array {
  const out = new Int32Array(epochs * rows);
  for (let e = 0; e < epochs; e++) out.set(random.epoch(rows), e * rows);
  return out;
}
