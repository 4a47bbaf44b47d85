import { UserError, fail, messageOf } from '../base/errors.ts';
import { trainJudged, type Evaluation, type JudgedResult } from '../runtime/judged.ts';
import type { RunningModel } from '../runtime/model.ts';
import type { Weights } from '../runtime/api.ts';
import { Curve, type Point } from '../pictures/curve.ts';
import type { Judge } from './judge.ts';
import type { Trap } from './trap.ts';
import { History, placeOf, Rows } from './history.ts';
import { note, print, progressView, showNumber, showTime } from './terminal.ts';
import type { Log } from './training-log.ts';

/** Seconds between two checkpoints of a running training. */
const CHECKPOINT_SECONDS = 10;

interface RunOptions {
  readonly seed: number;
  /** The names of what is evaluated on the holdout; empty if there is none. */
  readonly heldOut: readonly string[];
  readonly judge: Judge;
  readonly logs: readonly Log[];
  /** Saves a checkpoint; undefined where none was asked for. */
  readonly save: (() => Promise<void>) | undefined;
  /** Finds out where a number was made that is none. */
  readonly trap: Trap | undefined;
  /** Saves the best weights beside the checkpoint. */
  readonly saveBest: ((best: Evaluation, weights: Weights) => Promise<void>) | undefined;
  /** The best of the run before it was interrupted. */
  readonly best: (Evaluation & { readonly weights: Weights }) | undefined;
  /** Set to stop after the steps that are on the device. */
  readonly stop: { readonly aborted: boolean };
}

/** The weights of a training, and what was said about the best of them. */
export interface Trained {
  readonly weights: Weights;
  readonly best: Evaluation | undefined;
  /** The loss of every step, and every evaluation. */
  readonly losses: readonly Point[];
  readonly held: readonly Evaluation[];
  readonly steps: number;
  readonly seconds: number;
  /** Why the last checkpoint could not be written. */
  readonly unsaved: UserError | undefined;
  /** What ended the training after its best weights, which are kept all the same. */
  readonly failure?: unknown;
}

/**
 * Trains to the end, with a progress bar and a table that grows. Gives the best weights if they were kept, else the last ones. A loss that is
 * no number later on does not make the best weights worse: then they are given with what went wrong.
 */
export async function runTraining(model: RunningModel, options: RunOptions): Promise<Trained> {
  const { train } = model.plan;
  const [total, stepsPerEpoch] = [train?.steps ?? 0, train?.stepsPerEpoch ?? 1];
  const { seed, heldOut, judge, logs, save, trap, stop } = options;
  const { patience, keepBest } = judge;
  const first = model.step;
  const view = progressView(total);
  const rows = new Rows(total, stepsPerEpoch);
  const history = new History(rows, train?.metrics ?? [], heldOut, view.print);
  const [curve, held] = [new Curve(), [] as Evaluation[]];
  const saving = (save ?? trap) && new Checkpointing(first, save, trap);
  const judgedAfter = (step: number): number => rows.nextJudged(step, keepBest);
  const begin = performance.now();
  let kept: JudgedResult['best'] = options.best;
  let weights: Weights;
  let result: JudgedResult;
  const run = (): Pick<Trained, 'losses' | 'held' | 'seconds'> => ({
    losses: curve.points,
    held,
    seconds: (performance.now() - begin) / 1000,
  });
  try {
    result = await trainJudged(model, stepsPerEpoch, {
      steps: total,
      seed,
      ...judge,
      best: options.best,
      judges: (step) => judgedAfter(step - 1) === step,
      evaluateAt: heldOut.length === 0 ? undefined : judgedAfter,
      onEvaluation({ step, values }) {
        history.hold(step, values);
        for (const log of logs) log.hold(values);
        held.push({ step, values });
      },
      async onBest(best) {
        kept = best;
        const { step, values } = best;
        const problem = await options.saveBest?.({ step, values }, best.weights ?? (await model.weights())).then(nothing, onlyFiles);
        if (problem) note(`${messageOf(problem)}\n  the run goes on without it`);
      },
      // Without checkpoints there is no reason to ever wait for the device.
      pauseAt: saving && ((step) => saving.next(step)),
      onPause: saving && ((step) => saving.saveIfDue(step)),
      onLosses(from, losses, metrics, rateShares) {
        history.add(from, losses, metrics);
        for (const log of logs) log.write(from, losses, metrics, rateShares);
        losses.forEach((loss, i) => curve.add(from + i, loss));
      },
      onProgress: view.update,
      signal: stop,
    });
    view.stop();
    history.finish(model.step, result.last?.values);
    weights = await model.weights();
    checkFinite(weights, model.step);
  } catch (e) {
    view.stop();
    const steps = model.step - first;
    const failure = trap ? await trap.explain(e) : e;
    if (!keepBest || !kept?.weights) throw failure;
    print(`failed after ${steps} steps in ${showTime(run().seconds)}`);
    printBest(kept, stepsPerEpoch);
    return { ...run(), weights: kept.weights, best: kept, steps, unsaved: undefined, failure };
  }
  const unsaved = await save?.().then(nothing, onlyFiles);
  const { seconds } = run();
  const rate = (result.steps / Math.max(seconds, 1e-9)).toFixed(0);
  const how = stop.aborted ? 'stopped' : result.stoppedEarly ? `stopped early, nothing better in ${patience ?? 0} epochs` : 'done';
  print(
    `${how}: ${result.steps} steps in ${showTime(seconds)} (${rate} steps/s), last loss ${showNumber(history.last)}${heldText(result.last)}`,
  );
  if (history.last > 1.5 * history.first)
    print(`the loss rose from ${showNumber(history.first)} to ${showNumber(history.last)}: try a smaller learning rate`);
  const ended = { ...run(), steps: result.steps, unsaved };
  if (!keepBest || !result.best?.weights) return { weights, best: undefined, ...ended };
  printBest(result.best, stepsPerEpoch);
  return { weights: result.best.weights, best: result.best, ...ended };
}

function printBest({ step, values }: Evaluation, stepsPerEpoch: number): void {
  print(`the best on held-out examples was after ${placeOf(step, stepsPerEpoch)}: ${listOf(values)}; its weights are kept`);
}

const listOf = (values: Readonly<Record<string, number>>): string =>
  Object.entries(values)
    .map(([k, v]) => `${k} ${showNumber(v)}`)
    .join(', ');
const heldText = (last: Evaluation | undefined): string => (last ? `, held out: ${listOf(last.values)}` : '');

/** When a run saves: soon after its start, so that a short run keeps something, then rarely. */
class Checkpointing {
  private readonly first: number;
  private readonly save: (() => Promise<void>) | undefined;
  private readonly trap: Trap | undefined;
  private readonly begin = performance.now();
  private last = this.begin;

  constructor(first: number, save: (() => Promise<void>) | undefined, trap: Trap | undefined) {
    this.first = first;
    this.save = save;
    this.trap = trap;
  }

  /** The step to train to before looking at the clock again. */
  next(step: number): number {
    const rate = (step - this.first) / Math.max(1e-3, (performance.now() - this.begin) / 1000);
    return step + Math.max(1, Math.min(Math.ceil(rate * CHECKPOINT_SECONDS), step - this.first + 1));
  }

  async saveIfDue(step: number): Promise<void> {
    await this.trap?.keep();
    if (step !== this.first + 1 && performance.now() - this.last <= CHECKPOINT_SECONDS * 1000) return;
    const problem = await this.save?.().then(nothing, onlyFiles);
    if (problem) note(`${messageOf(problem)}\n  the run goes on without it, and tries again in ${CHECKPOINT_SECONDS} s`);
    this.last = performance.now();
  }
}

const nothing = (): undefined => undefined;

/** A file that cannot be written does not end a training; everything else does. */
function onlyFiles(e: unknown): UserError {
  if (e instanceof UserError && e.diagnostics.every((d) => d.code === 'NN403')) return e;
  throw e;
}

/** Refuses weights that the last update broke: no loss has seen them yet. */
function checkFinite(weights: Weights, step: number): void {
  for (const [name, { data }] of Object.entries(weights)) {
    const bad = data.findIndex((v) => !Number.isFinite(v));
    if (bad >= 0)
      fail('NN703', `'${name}' holds ${data[bad] ?? NaN} at element ${bad} after step ${step - 1}, so that the weights are of no use`, {
        help: 'try a smaller learning rate, or look for values in the data that are far from all others',
      });
  }
}
