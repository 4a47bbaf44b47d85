import { RATE_SHARE, metricOutput } from '../base/outputs.ts';
import { fail } from '../base/errors.ts';
import { checkWhole } from '../base/whole.ts';
import type { Plan } from '../plan.ts';
import type { TrainOptions, TrainResult } from './api.ts';
import { stepUniforms, type Rates, type Session } from './session.ts';

/** Chunks that may be on the device at once: one runs while the next is encoded. */
const IN_FLIGHT = 2;

/** Share of the expected waiting time to sleep. */
const ASLEEP = 0.7;

/** The program of a step: the last one of an epoch may have fewer rows. */
export function programOf(plan: Plan, step: number): string {
  const t = plan.train;
  return t?.tail && step % t.stepsPerEpoch === t.stepsPerEpoch - 1 ? 'tail' : 'train';
}

/** Options of the training loop besides those of the user. */
export interface LoopOptions extends TrainOptions {
  /** Learning rates of a step that override the program's, by optimizer. */
  readonly ratesAt?: ((step: number) => Rates) | undefined;
  /** The number of training examples, if it can change; the plan's capacity by default. */
  readonly rows?: (() => number) | undefined;
  /** Brings the examples of some steps to the device, if it does not hold all. */
  readonly bring?: ((first: number, steps: number) => void) | undefined;
  /** Settles when the listener is ready for more; undefined if there is no need to wait. */
  readonly ready?: (() => Promise<void> | undefined) | undefined;
  /** Whether to stop after the chunks on the device; by default only the signal decides. */
  readonly stops?: (() => boolean) | undefined;
  /** Whether calls wait to run between two chunks, and a function that runs them while nothing is on the device. */
  readonly someoneWaits?: (() => boolean) | undefined;
  readonly serve?: (() => Promise<void>) | undefined;
}

/**
 * Runs the training loop from step `from`. Each submit holds as many steps as fit the device's time budget, and the next chunk is submitted
 * before the results of the last one are read.
 */
export async function trainLoop(session: Session, from: number, options: LoopOptions = {}): Promise<TrainResult> {
  const { train } = session.plan;
  if (!train) return fail('NN305', 'this plan was compiled without data, so it cannot train');
  checkWhole({ steps: 1, until: 0, seed: 0 }, options);
  return new TrainingLoop(session, train, from, options).run();
}

/** A chunk of steps on the device. */
interface Flight {
  readonly done: Promise<void>;
  readonly steps: number;
  readonly started: number;
}

class TrainingLoop {
  private readonly session: Session;
  private readonly train: NonNullable<Plan['train']>;
  private readonly options: LoopOptions;
  private readonly from: number;
  private readonly steps: number;
  private readonly begin = performance.now();
  private readonly flying: Flight[] = [];
  private newest: Promise<void> = Promise.resolve();
  /** The steps whose losses are known, and the last of these losses. */
  private known: number;
  private lastLoss = NaN;
  /** When the last chunk ended, and how long each of its steps took, in milliseconds. */
  private lastDone = this.begin;
  private tookEach = 0;
  /** How long a step will take at least: one chunk may have waited for its kernels to be compiled, but not two in a row. */
  private perStep = 0;

  constructor(session: Session, train: NonNullable<Plan['train']>, from: number, options: LoopOptions) {
    this.session = session;
    this.train = train;
    this.options = options;
    this.from = from;
    this.known = from;
    this.steps = options.steps ?? train.steps;
  }

  async run(): Promise<TrainResult> {
    const { options, session, flying, steps } = this;
    const end = Math.min(steps, options.until ?? steps);
    const window = session.plan.data?.window?.steps ?? Infinity;
    const stops = options.stops ?? ((): boolean => options.signal?.aborted ?? false);
    for (let step = this.from; step < end && !stops();) {
      const pausing = options.someoneWaits?.() ? options.serve : waiting(options.ready?.());
      if (pausing) {
        while (flying.length) await this.landed();
        await pausing();
        continue;
      }
      if (flying.length >= IN_FLIGHT) await this.landed();
      // What the host brings at once lies within one window.
      const n = Math.min(session.pace.chunk, end - step, window - (step % window));
      this.launch(step, n);
      step += n;
    }
    while (flying.length) await this.landed();
    const outcome = this.known >= steps ? 'done' : options.signal?.aborted ? 'aborted' : 'paused';
    return { steps: this.known - this.from, seconds: (performance.now() - this.begin) / 1000, lastLoss: this.lastLoss, outcome };
  }

  /** Submits a chunk. Chunks may finish out of order, but their losses are reported in order. */
  private launch(first: number, n: number): void {
    const { session, options, newest: before } = this;
    const { plan } = session;
    const started = performance.now();
    const programs = Array.from({ length: n }, (_, i) => programOf(plan, first + i));
    const how = { seed: options.seed ?? this.train.seed, total: this.steps, ratesAt: options.ratesAt, rows: options.rows?.() };
    // The device does the steps before in the meantime: what is written now waits for them.
    options.bring?.(first, n);
    const done = session.run(programs, stepUniforms(plan, first, n, how)).then(async (trace) => {
      await before;
      this.adapt(started, n);
      this.report(first, programs, trace);
    });
    // The error is handled where the promise is awaited; this avoids an unhandled rejection if two chunks fail.
    done.catch(() => undefined);
    this.newest = done;
    this.flying.push({ done, steps: n, started });
  }

  /** Waits for the oldest chunk, asleep for most of the expected time. */
  private async landed(): Promise<void> {
    const flight = this.flying.shift();
    if (!flight) return;
    const left = Math.max(flight.started, this.lastDone) + flight.steps * this.perStep - performance.now();
    if (left * ASLEEP > 1) await this.session.sleep?.(left * ASLEEP);
    await flight.done;
  }

  /** Makes chunks longer or shorter, so that each takes about as long as the device's budget. */
  private adapt(started: number, n: number): void {
    const { pace, budget, plan } = this.session;
    const now = performance.now();
    // Chunks run one after the other, so each starts when the one before ended.
    const took = now - Math.max(started, this.lastDone);
    this.lastDone = now;
    this.perStep = Math.min(this.tookEach, took / n);
    this.tookEach = took / n;
    if (took < budget / 2 && n === pace.chunk) pace.chunk = Math.min(plan.chunk, pace.chunk * 2);
    else if (took > budget && n === pace.chunk) pace.chunk = Math.max(1, Math.floor(pace.chunk / 2));
  }

  private report(first: number, programs: readonly string[], trace: Float32Array): void {
    const { options, steps } = this;
    const { plan } = this.session;
    const losses = traced(plan, trace, programs, 'loss');
    const metrics = Object.fromEntries(this.train.metrics.map((m) => [m, traced(plan, trace, programs, metricOutput(m))]));
    const shares = plan.programs['train']?.trace[RATE_SHARE] && traced(plan, trace, programs, RATE_SHARE);
    const bad = losses.findIndex((loss) => !Number.isFinite(loss));
    if (bad >= 0) {
      if (bad > 0) options.onLosses?.(first, losses.subarray(0, bad), cut(metrics, bad), shares?.subarray(0, bad));
      fail('NN702', `the loss is ${losses[bad] ?? NaN} at step ${first + bad}`, {
        help: 'try a smaller learning rate, or look for wrong values in the data',
      });
    }
    this.known = first + programs.length;
    this.lastLoss = losses.at(-1) ?? NaN;
    options.onLosses?.(first, losses, metrics, shares);
    const seconds = (performance.now() - this.begin) / 1000;
    const rate = (this.known - this.from) / Math.max(seconds, 1e-9);
    options.onProgress?.({
      step: this.known,
      steps,
      loss: this.lastLoss,
      stepsPerSecond: rate,
      secondsLeft: (steps - this.known) / rate,
    });
  }
}

const waiting = (ready: Promise<void> | undefined): (() => Promise<void>) | undefined => ready && ((): Promise<void> => ready);

const cut = (metrics: Readonly<Record<string, Float32Array>>, n: number): Record<string, Float32Array> =>
  Object.fromEntries(Object.entries(metrics).map(([name, values]) => [name, values.subarray(0, n)]));

/** What each step of a chunk recorded. Each program has its own place in the trace. */
export function traced(plan: Plan, trace: Float32Array, programs: readonly string[], what: string): Float32Array {
  return Float32Array.from(programs, (name, slot) => {
    const place = plan.programs[name]?.trace[what];
    return place ? (trace[place.offset + slot] ?? NaN) : NaN;
  });
}
