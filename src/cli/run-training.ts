import { fail } from '../base/errors.ts';
import type { RunningModel } from '../runtime/model.ts';
import type { Weights } from '../runtime/api.ts';
import { History, TABLE_ROWS } from './history.ts';
import { print, progressView, showNumber, showTime } from './terminal.ts';
import type { Log } from './training-log.ts';

/** Seconds between two checkpoints of a running training. */
const CHECKPOINT_SECONDS = 10;

interface RunOptions {
  readonly seed: number;
  /** Whether the holdout is evaluated as often as the table has rows. */
  readonly evaluates: boolean;
  readonly log: Log | undefined;
  /** Saves a checkpoint; undefined where none was asked for. */
  readonly save: (() => Promise<void>) | undefined;
  /** Set to stop after the steps that are on the device. */
  readonly stop: { readonly aborted: boolean };
}

/** Trains to the end, with a progress bar, then prints the table of losses. Gives the weights. */
export async function runTraining(model: RunningModel, options: RunOptions): Promise<Weights> {
  const { train } = model.plan;
  const [total, stepsPerEpoch] = [train?.steps ?? 0, train?.stepsPerEpoch ?? 1];
  const { seed, evaluates, log, save, stop } = options;
  const history = new History(model.step, stepsPerEpoch, train?.metrics ?? []);
  const view = progressView(total);
  const every = evaluates ? Math.max(1, Math.ceil(total / stepsPerEpoch / TABLE_ROWS)) * stepsPerEpoch : Infinity;
  const saving = save && new Checkpointing(model.step, save);
  const begin = performance.now();
  const first = model.step;
  try {
    while (model.step < total && !stop.aborted) {
      // Without checkpoints there is no reason to ever wait for the device.
      const evaluated = Math.min(total, (Math.floor(model.step / every) + 1) * every || total);
      await model.train({
        steps: total,
        until: saving ? Math.min(evaluated, saving.next(model.step)) : evaluated,
        seed,
        onLosses(from, losses, metrics) {
          history.add(from, losses, metrics);
          log?.write(from, losses, metrics);
        },
        onProgress: view.update,
        signal: stop,
      });
      if (evaluates && (model.step % every === 0 || model.step === total)) history.hold(model.step, await model.evaluate());
      await saving?.saveIfDue(model.step);
    }
  } finally {
    view.stop();
  }
  const seconds = (performance.now() - begin) / 1000;
  const weights = await model.weights();
  checkFinite(weights, model.step);
  await save?.();
  print(history.table());
  const done = model.step - first;
  const rate = (done / Math.max(seconds, 1e-9)).toFixed(0);
  const how = stop.aborted ? 'stopped' : 'done';
  print(`${how}: ${done} steps in ${showTime(seconds)} (${rate} steps/s), last loss ${showNumber(history.last)}${history.heldText()}`);
  return weights;
}

/** When a run saves: soon after its start, so that a short run keeps something, then rarely. */
class Checkpointing {
  private readonly first: number;
  private readonly save: () => Promise<void>;
  private readonly begin = performance.now();
  private last = this.begin;

  constructor(first: number, save: () => Promise<void>) {
    this.first = first;
    this.save = save;
  }

  /** The step to train to before looking at the clock again. */
  next(step: number): number {
    const rate = (step - this.first) / Math.max(1e-3, (performance.now() - this.begin) / 1000);
    return step + Math.max(1, Math.min(Math.ceil(rate * CHECKPOINT_SECONDS), step - this.first + 1));
  }

  async saveIfDue(step: number): Promise<void> {
    if (step !== this.first + 1 && performance.now() - this.last <= CHECKPOINT_SECONDS * 1000) return;
    await this.save();
    this.last = performance.now();
  }
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
