import { metricOutput } from '../base/outputs.ts';
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
  const { plan } = session;
  const { train } = plan;
  if (!train) return fail('NN305', 'this plan was compiled without data, so it cannot train');
  checkWhole({ steps: 1, until: 0, seed: 0 }, options);
  const steps = options.steps ?? train.steps;
  const run = { seed: options.seed ?? train.seed, total: steps, ratesAt: options.ratesAt };
  const begin = performance.now();
  const { pace } = session;
  let step = from;
  let known = from;
  let lastLoss = NaN;
  let lastDone = begin;
  let perStep = 0;
  const flying: { readonly done: Promise<void>; readonly steps: number; readonly started: number }[] = [];

  let newest: Promise<void> = Promise.resolve();
  const launch = (first: number, n: number): Promise<void> => {
    const started = performance.now();
    const programs = Array.from({ length: n }, (_, i) => programOf(plan, first + i));
    const before = newest;
    newest = session.run(programs, stepUniforms(plan, first, n, { ...run, rows: options.rows?.() })).then(async (trace) => {
      // Chunks may finish out of order, but their losses are reported in order.
      await before;
      const now = performance.now();
      // Chunks run one after the other, so each starts when the one before ended.
      const took = now - Math.max(started, lastDone);
      lastDone = now;
      perStep = took / n;
      if (took < session.budget / 2 && n === pace.chunk) pace.chunk = Math.min(plan.chunk, pace.chunk * 2);
      else if (took > session.budget && n === pace.chunk) pace.chunk = Math.max(1, Math.floor(pace.chunk / 2));
      const losses = traced(plan, trace, programs, 'loss');
      const metrics = Object.fromEntries(train.metrics.map((m) => [m, traced(plan, trace, programs, metricOutput(m))]));
      const bad = losses.findIndex((loss) => !Number.isFinite(loss));
      if (bad >= 0) {
        if (bad > 0) options.onLosses?.(first, losses.subarray(0, bad), cut(metrics, bad));
        fail('NN702', `the loss is ${losses[bad] ?? NaN} at step ${first + bad}`, {
          help: 'try a smaller learning rate, or look for wrong values in the data',
        });
      }
      known = first + n;
      lastLoss = losses.at(-1) ?? NaN;
      options.onLosses?.(first, losses, metrics);
      const seconds = (now - begin) / 1000;
      const rate = (known - from) / Math.max(seconds, 1e-9);
      options.onProgress?.({ step: known, steps, loss: lastLoss, stepsPerSecond: rate, secondsLeft: (steps - known) / rate });
    });
    return newest;
  };

  /** Waits for the oldest chunk, asleep for most of the expected time. */
  const landed = async (): Promise<void> => {
    const flight = flying.shift();
    if (!flight) return;
    const left = Math.max(flight.started, lastDone) + flight.steps * perStep - performance.now();
    if (left * ASLEEP > 1) await session.sleep?.(left * ASLEEP);
    await flight.done;
  };

  const end = Math.min(steps, options.until ?? steps);
  const stops = options.stops ?? ((): boolean => options.signal?.aborted ?? false);
  while (step < end && !stops()) {
    if (options.someoneWaits?.()) {
      while (flying.length) await landed();
      await options.serve?.();
      continue;
    }
    const ready = options.ready?.();
    if (ready) {
      while (flying.length) await landed();
      await ready;
      continue;
    }
    if (flying.length >= IN_FLIGHT) await landed();
    const n = Math.min(pace.chunk, end - step);
    const flight = launch(step, n);
    // The error is handled where the promise is awaited; this avoids an unhandled rejection if two chunks fail.
    flight.catch(() => undefined);
    flying.push({ done: flight, steps: n, started: performance.now() });
    step += n;
  }
  while (flying.length) await landed();
  const outcome = known >= steps ? 'done' : options.signal?.aborted ? 'aborted' : 'paused';
  return { steps: known - from, seconds: (performance.now() - begin) / 1000, lastLoss, outcome };
}

const cut = (metrics: Readonly<Record<string, Float32Array>>, n: number): Record<string, Float32Array> =>
  Object.fromEntries(Object.entries(metrics).map(([name, values]) => [name, values.subarray(0, n)]));

/** What each step of a chunk recorded. Each program has its own place in the trace. */
export function traced(plan: Plan, trace: Float32Array, programs: readonly string[], what: string): Float32Array {
  return Float32Array.from(programs, (name, slot) => {
    const place = plan.programs[name]?.trace[what];
    return place ? (trace[place.offset + slot] ?? NaN) : NaN;
  });
}
