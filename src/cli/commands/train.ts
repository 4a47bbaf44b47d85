import { createWriteStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '../../base/errors.ts';
import { compile } from '../../compile.ts';
import { readSafetensors, writeSafetensors } from '../../data/safetensors.ts';
import { RunningModel } from '../../runtime/model.ts';
import type { Weights } from '../../runtime/api.ts';
import { checkWeights } from '../../runtime/weights.ts';
import { openSession, type DeviceChoice } from '../device.ts';
import { mustBeWritable, mustDiffer, readUserFile, writeFileSafely } from '../files.ts';
import { dataPath, openData, openProgram, openWeights } from '../program.ts';
import { columns, note, print, progressView, showNumber, showTime } from '../terminal.ts';

export interface TrainFlags {
  readonly data?: string;
  readonly steps?: number;
  readonly epochs?: number;
  readonly batch?: number;
  readonly seed?: number;
  readonly device: DeviceChoice;
  readonly init?: string;
  readonly save?: string;
  readonly checkpoint?: string;
  readonly resume?: boolean;
  readonly log?: string;
  readonly opt: 0 | 1;
}

/** Rows of the loss table. */
const TABLE_ROWS = 5;
/** Between checkpoints: rarely enough to cost nothing. */
const CHECKPOINT_SECONDS = 10;

export async function train(path: string, flags: TrainFlags): Promise<void> {
  if (flags.resume && !flags.checkpoint) fail('NN501', '--resume needs --checkpoint DIR, the folder to go on from');
  if (flags.steps !== undefined && flags.epochs !== undefined)
    fail('NN501', '--steps and --epochs both say how long to train', { help: 'keep one of them' });
  if (flags.resume && flags.init !== undefined) fail('NN501', '--resume and --init both say where to start', { help: 'keep one of them' });
  const program = await openProgram(path);
  const data = await openData(program, flags.data);
  const { plan } = compile(program.model, {
    rows: data.rows,
    level: flags.opt,
    batch: flags.batch,
    steps: flags.steps,
    epochs: flags.epochs,
    seed: flags.seed,
  });
  const total = plan.train?.steps ?? 0;
  const checkpoint = flags.checkpoint === undefined ? undefined : join(flags.checkpoint, 'checkpoint.safetensors');
  mustDiffer(flags.save, [path, dataPath(program, flags.data), checkpoint]);
  mustDiffer(flags.log, [path, dataPath(program, flags.data), flags.init, flags.save]);
  await mustBeWritable(flags.save);
  if (!flags.resume) await mustBeWritable(checkpoint);
  const init = flags.init === undefined ? undefined : await openWeights(flags.init);
  if (init) checkWeights(plan, init, flags.init ?? '');

  const session = await openSession(plan, flags.device);
  const model = new RunningModel(session);
  const stop = { aborted: false };
  const interrupt = (): void => {
    if (stop.aborted) process.exit(130);
    stop.aborted = true;
  };
  const log = flags.log === undefined ? undefined : await openLog(flags.log, flags.resume === true);
  const view = progressView(total);
  const losses: number[] = [];
  try {
    model.setData(data.x, data.y ?? []);
    if (init) model.setWeights(init, flags.init);
    if (checkpoint && flags.resume) await resume(model, checkpoint);
    note(`training ${plan.name} on ${model.device.name}: ${model.device.reason}`);
    const first = model.step;
    if (first >= total)
      return print(`the checkpoint stands at step ${first} of ${total}: nothing is left to do; raise --steps or --epochs to go on`);
    process.on('SIGINT', interrupt);
    process.on('SIGTERM', interrupt);
    const begin = performance.now();
    let lastSaved = begin;
    const onLosses = (from: number, chunk: Float32Array): void => {
      chunk.forEach((loss, i) => {
        losses[from - first + i] = loss;
        log?.write(`${JSON.stringify({ step: from + i, loss })}\n`);
      });
    };
    while (model.step < total && !stop.aborted) {
      // Without checkpoints there is no reason to ever wait for the device.
      let until = total;
      if (checkpoint) {
        const rate = (model.step - first) / Math.max(1e-3, (performance.now() - begin) / 1000);
        until = model.step + Math.max(1, Math.min(Math.ceil(rate * CHECKPOINT_SECONDS), model.step - first + 1));
      }
      await model.train({ steps: total, until, onLosses, onProgress: view.update, signal: stop });
      // The first after a moment, so that a run that is cut short soon keeps something, then rarely.
      const due = model.step === first + 1 || performance.now() - lastSaved > CHECKPOINT_SECONDS * 1000;
      if (checkpoint && due) {
        await saveCheckpoint(model, checkpoint);
        lastSaved = performance.now();
      }
    }
    view.stop();
    const seconds = (performance.now() - begin) / 1000;
    if (checkpoint) await saveCheckpoint(model, checkpoint);
    print(lossTable(losses, first, plan.train?.stepsPerEpoch ?? 1));
    const done = model.step - first;
    print(
      `${stop.aborted ? 'stopped' : 'done'}: ${done} steps in ${showTime(seconds)} (${(done / Math.max(seconds, 1e-9)).toFixed(0)} steps/s), last loss ${showNumber(losses.at(-1) ?? NaN)}`,
    );
    if (flags.save !== undefined) {
      await writeFileSafely(flags.save, writeSafetensors(await model.weights()));
      print(`weights: ${flags.save}`);
    }
    if (stop.aborted) process.exitCode = 130;
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
    view.stop();
    model.destroy();
    await log?.close();
  }
}

/** Losses before the update at evenly spaced epochs, or steps where there is less than a row for each. */
function lossTable(losses: readonly number[], first: number, stepsPerEpoch: number): string {
  const epochs = Math.ceil(losses.length / stepsPerEpoch);
  const byEpoch = first % stepsPerEpoch === 0 && epochs >= 2;
  const n = byEpoch ? epochs : losses.length;
  const every = Math.max(1, Math.round(n / TABLE_ROWS));
  const rows = [[byEpoch ? 'epoch' : 'step', 'loss']];
  for (let i = 0; i < n; i += every) {
    const part = byEpoch ? losses.slice(i * stepsPerEpoch, (i + 1) * stepsPerEpoch) : [losses[i] ?? NaN];
    const mean = part.reduce((a, b) => a + b, 0) / part.length;
    rows.push([String(byEpoch ? first / stepsPerEpoch + i : first + i), showNumber(mean)]);
  }
  return columns(rows);
}

interface Log {
  readonly write: (line: string) => void;
  /** Ends the file; throws what went wrong with it. */
  readonly close: () => Promise<void>;
}

/** One line for each step; a resumed run goes on below what is there. */
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

/** Step, seed and source of a checkpoint travel as tensors of one file, so that nothing can come apart. */
async function saveCheckpoint(model: RunningModel, path: string): Promise<void> {
  const meta = Int32Array.from([model.step, model.plan.train?.seed ?? 0, ...identityWords(model.plan.identity)]);
  await writeFileSafely(path, writeSafetensors({ ...(await model.state()), 'nnc.checkpoint': { shape: [meta.length], data: meta } }));
}

function identityWords(hash: string): number[] {
  return [hash.slice(0, 8), hash.slice(8)].map((h) => Number.parseInt(h, 16) | 0);
}

async function resume(model: RunningModel, path: string): Promise<void> {
  if (!existsSync(path)) fail('NN401', `${path} does not exist, so there is nothing to resume`, { help: 'train once without --resume' });
  const tensors = readSafetensors(await readUserFile(path, 'NN401'), path);
  const meta = tensors.get('nnc.checkpoint');
  if (!meta) return fail('NN401', `${path} is not a checkpoint of nnc`, { help: 'weights alone are given with --init' });
  const [step, seed, ...source] = meta.data;
  if (source.join() !== identityWords(model.plan.identity).join())
    fail('NN402', `${path} was made by another program, or with another batch`, {
      help: 'train without --resume, or take only its weights with --init',
    });
  if (seed !== model.plan.train?.seed)
    fail('NN402', `${path} was made with seed ${seed ?? 0}, and this run has ${model.plan.train?.seed ?? 0}`, {
      help: `add --seed ${seed ?? 0}`,
    });
  tensors.delete('nnc.checkpoint');
  const state: Weights = Object.fromEntries([...tensors].map(([name, t]) => [name, { shape: t.shape, data: Float32Array.from(t.data) }]));
  model.restore(state, step ?? 0, path);
}
