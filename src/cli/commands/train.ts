import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fail } from '../../base/errors.ts';
import { evalScalar } from '../../base/scalar.ts';
import { TorchRandom } from '../../base/torch-random.ts';
import { writeSafetensors } from '../../data/safetensors.ts';
import { checksumOf } from '../../data/values.ts';
import { learnedMetadata } from '../../data/learned.ts';
import { compile } from '../../compile.ts';
import type { Compiled, CompileOptions } from '../../planning/options.ts';
import { devicesFor } from '../../lower/backends.ts';
import type { Weights } from '../../runtime/api.ts';
import type { DeviceLost } from '../../runtime/errors.ts';
import type { Session } from '../../runtime/session.ts';
import { RunningModel } from '../../runtime/model.ts';
import { bestIn, saveBest } from '../best.ts';
import { clearLeftovers, lockFolder, openCheckpoint, resume, saveCheckpoint } from '../checkpoints.ts';
import { findDevice, notePrecision } from '../device.ts';
import { mustBeWritable, writeOutput } from '../files.ts';
import { mustEndIn } from '../outputs.ts';
import { planFor } from '../plan-cache.ts';
import { noteTokens, openData, openProgram, openWeights, learnedFor, type OpenProgram } from '../program.ts';
import { firstRate, spentAdvice } from '../rates.ts';
import { reportOf } from '../report.ts';
import { runTraining } from '../run-training.ts';
import { untilInterrupted } from '../interrupt.ts';
import { judgeOf } from '../judge.ts';
import { note, print } from '../terminal.ts';
import { printLosses } from '../plot.ts';
import { checkFlags, wayOf, type TrainFlags, type Way } from '../train-flags.ts';
import { beginWith } from '../begin.ts';
import { Trap } from '../trap.ts';
import { openBoard, openLog, type Log } from '../training-log.ts';
import { findRate } from './find-lr.ts';
import { trainFolds } from './folds.ts';
import { trainPopulation } from './population.ts';
import { profile } from './profile.ts';

export async function train(path: string, flags: TrainFlags): Promise<void> {
  checkFlags(flags);
  const program = await openProgram(path);
  const way = wayOf(flags);
  await (way === undefined ? trainProgram(program, flags) : RUNS[way](program, flags));
}

const RUNS: Readonly<Record<Way, (program: OpenProgram, flags: TrainFlags) => Promise<void>>> = {
  rates: findRate,
  folds: trainFolds,
  many: trainPopulation,
};

/** Trains a program as the flags say, and gives the weights in the end. */
export async function trainProgram(program: OpenProgram, flags: TrainFlags): Promise<Weights> {
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
  const options: CompileOptions = {
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
  };
  const plan = await planFor(program, options);
  await checkFiles(flags, checkpoint);
  // Before the device is there: what has other names or shapes is told sooner.
  const begin = init && beginWith(plan, init, { rename: flags.rename, allowMissing: flags.allowMissing, seed });

  let session = await device.open(plan);
  const reopen = async (lost: DeviceLost): Promise<Session> => {
    session = await device.open(plan);
    note(`${lost.message}\n  the run goes on from the last state that was kept, on a fresh device`);
    return session;
  };
  const model = await RunningModel.open(session, { seed, random: forWeights, weights: begin, from: init?.path, reopen });
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
    const spent = spentAdvice(rateAt, total, stepsPerEpoch);
    if (spent !== undefined) note(`advice: ${spent}`);
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
    else if (flags.profile !== undefined) {
      const made = (): Compiled => compile(found, options);
      await profile(session, device, made, flags.profile === true ? undefined : flags.profile);
    }
    return weights;
  } finally {
    release();
    unlock?.();
    model.destroy();
    for (const log of logs) await log.close();
  }
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
