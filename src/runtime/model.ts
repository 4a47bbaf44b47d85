import { mustBeOptions } from '../base/calls.ts';
import { fail } from '../base/errors.ts';
import type { RandomSource } from '../base/init.ts';
import { checkWhole } from '../base/whole.ts';
import type { Plan } from '../plan.ts';
import type {
  About,
  DeviceDescription,
  Model,
  ModelState,
  Prediction,
  Tensor,
  TrainOptions,
  TrainProgress,
  TrainResult,
  TrainRun,
  Weights,
} from './api.ts';
import { Continuation } from './continuation.ts';
import { inputsOf, type Given, type GivenInputs } from './data.ts';
import { destroyed, DeviceLost } from './errors.ts';
import { ExampleStore } from './examples.ts';
import { readNamed, watchStep } from './inspect.ts';
import { changedRates } from './rates.ts';
import { predictAll } from './predict.ts';
import { Recovery, type Reopen } from './recovery.ts';
import type { Counters, Rates, Session } from './session.ts';
import { trainRun, type Watcher } from './train-run.ts';
import { trainLoop } from './trainer.ts';
import { Turns } from './turns.ts';
import { checkState, checkWeights, countsAfter, readTensors, writeWeights, type Counted, startFrom, writeState } from './weights.ts';

export interface OpenOptions {
  /** The plan's own seed by default. */
  readonly seed?: number | undefined;
  /** Draws initial weights instead of nnc's own numbers. */
  readonly random?: RandomSource | undefined;
  readonly weights?: Weights | undefined;
  /** The source of the weights, for messages. */
  readonly from?: string | undefined;
  /** Opens another session after a device loss; without it, a loss is an error. */
  readonly reopen?: Reopen | undefined;
  /** Called when the model has moved to another device after a loss. */
  readonly onDevice?: ((device: DeviceDescription) => void) | undefined;
}

/** A compiled model on a device. */
export class RunningModel implements Model {
  private session: Session;
  private readonly turns = new Turns();
  private readonly recovery: Recovery;
  private readonly onDevice: OpenOptions['onDevice'];
  private readonly examples: ExampleStore;
  private readonly continuation = new Continuation();
  private done = 0;
  /** Steps whose losses were reported. After a device loss they are repeated without being reported again. */
  private told = 0;
  private seed: number;
  private rates: Rates = [];
  private destroyed = false;
  /** A lost device that is being replaced. */
  private leaving: Session | undefined;
  /** The values of the counters at the beginning of this run. */
  private counted: Counted = {};

  private constructor(session: Session, options: OpenOptions) {
    this.session = session;
    this.seed = options.seed ?? session.plan.train?.seed ?? 0;
    this.recovery = new Recovery(options.reopen);
    this.examples = new ExampleStore(session.plan);
    this.onDevice = options.onDevice;
    this.guard(session);
  }

  /** Starts with the given weights, or with fresh ones from a seed or from `random`. */
  static async open(session: Session, options: OpenOptions = {}): Promise<RunningModel> {
    const model = new RunningModel(session, options);
    try {
      if (options.weights !== undefined) await checkWeights(session.plan, options.weights, options.from ?? 'the set of weights');
      await model.begin(options.random, options.weights);
    } catch (e) {
      model.destroy();
      throw e;
    }
    return model;
  }

  /** Starts at step 0 with given or fresh weights. */
  private async begin(random?: RandomSource, weights?: Weights): Promise<void> {
    const put = await startFrom(this.session, this.seed, random, weights);
    this.continuation.forget();
    [this.done, this.told, this.rates] = [0, 0, []];
    this.count(weights ?? {});
    this.recovery.keep({ step: 0, put });
  }

  get plan(): Plan {
    return this.session.plan;
  }

  get device(): DeviceDescription {
    return this.session.device;
  }

  get about(): About {
    return this.plan.about;
  }

  /** Steps done so far. */
  get step(): number {
    return this.done;
  }

  get counters(): Readonly<Counters> {
    return this.session.counters;
  }

  get rows(): number {
    return this.examples.rows;
  }

  setData(...given: Given): void {
    this.check();
    this.examples.set(this.session, given);
    this.recovery.outdate();
  }

  addData(...given: Given): void {
    this.check();
    this.examples.add(this.session, given);
    this.recovery.outdate();
  }

  setHoldout(...given: Given): void {
    this.check();
    this.examples.setHoldout(this.session, given);
  }

  train(options: TrainOptions = {}): TrainRun {
    return trainRun((watcher) =>
      this.turns.whole(async () => {
        const [from, begin] = [this.done, performance.now()];
        const last = await this.surviving(() => this.trainOn(options, watcher()));
        this.check();
        return { ...last, steps: this.done - from, seconds: (performance.now() - begin) / 1000 };
      }),
    );
  }

  private async trainOn(options: TrainOptions, watcher: Watcher): Promise<TrainResult> {
    this.check();
    mustBeOptions('train', options);
    const { train } = this.plan;
    if (!train) return fail('NN305', 'this plan was compiled without data, so it cannot train');
    if (!this.examples.any) fail('NN305', 'there is no training data on the device', { help: 'call setData first' });
    this.continuation.forget();
    this.seed = options.seed ?? this.seed;
    const run = { steps: options.steps ?? train.steps, seed: this.seed };
    if (this.recovery.wants(this.session, run)) await this.snapshot(run);
    const { session } = this;
    let told: Pick<TrainProgress, 'first' | 'losses' | 'metrics' | 'rateShares'> | undefined;
    return trainLoop(session, this.done, {
      ...options,
      ...run,
      rows: () => this.examples.rows,
      bring: (first, steps) => this.examples.bring(session, first, steps, run.seed),
      onLosses: (first, losses, metrics, rateShares) => {
        this.done = first + losses.length;
        const known = Math.min(losses.length, Math.max(0, this.told - first));
        this.told = Math.max(this.told, this.done);
        told = undefined;
        if (known === losses.length) return;
        const fresh = Object.fromEntries(Object.entries(metrics).map(([name, values]) => [name, values.subarray(known)]));
        told = { first: first + known, losses: losses.subarray(known), metrics: fresh, rateShares: rateShares?.subarray(known) };
        options.onLosses?.(told.first, told.losses, told.metrics, told.rateShares);
      },
      onProgress: (p) => {
        if (!told) return;
        options.onProgress?.(p);
        watcher.told?.({ ...p, ...told });
      },
      ratesAt: (step) => this.recovery.ratesAt(step, this.told, this.rates),
      ready: watcher.ready,
      stops: () => this.destroyed || (options.signal?.aborted ?? false) || (watcher.left?.() ?? false),
      someoneWaits: () => this.turns.someoneWaits || this.recovery.due(this.session),
      serve: async () => {
        await this.turns.serve();
        if (this.session !== session) throw new DeviceLost('replaced meanwhile');
        if (this.recovery.due(this.session)) await this.snapshot(run);
      },
    });
  }

  /** Takes a snapshot of the training state, to go back to if the device is lost. */
  private async snapshot(run: { readonly steps: number; readonly seed: number }): Promise<void> {
    const begin = performance.now();
    const { tensors } = await this.readState();
    this.recovery.keep({ step: this.done, put: (session) => writeState(session, tensors) }, run, performance.now() - begin);
  }

  predict(...inputs: GivenInputs): Promise<Prediction> {
    return this.brief(() => predictAll(this.session, inputsOf(this.about, inputs)));
  }

  scoresAfter(tokens: readonly number[]): Promise<Float32Array> {
    return this.brief(() => this.continuation.after(this.session, tokens));
  }

  evaluate(): Promise<Readonly<Record<string, number>>> {
    return this.brief(() => this.examples.evaluate(this.session));
  }

  watch(names?: readonly string[]): Promise<Weights> {
    const { done, seed, rows } = this;
    const bring = (step: number): void => this.examples.bring(this.session, step, 1, seed);
    return this.brief(() => watchStep(this.session, names, { step: done, seed, rows, bring }));
  }

  set(settings: Readonly<Record<string, number | undefined>>): void {
    this.check();
    this.rates = changedRates(this.plan, this.rates, settings);
  }

  reset(seed = this.seed): Promise<void> {
    return this.turns.whole(async () => {
      this.check();
      checkWhole({ seed: 0 }, { seed });
      this.seed = seed;
      await this.begin();
    });
  }

  read(name: string): Promise<Tensor> {
    return this.brief(() => readNamed(this.session, name));
  }

  weights(): Promise<Weights> {
    return this.brief(() => this.readAll());
  }

  private async readAll(): Promise<Weights> {
    return { ...(await readTensors(this.session, this.plan.params)), ...countsAfter(this.plan, this.done, this.counted) };
  }

  setWeights(weights: Weights, from = 'the set of weights'): Promise<void> {
    return this.brief(async () => {
      await checkWeights(this.plan, weights, from);
      await writeWeights(this.session, weights);
      this.continuation.forget();
      this.count(weights);
      if (this.done > 0) return this.recovery.outdate();
      const { seed } = this;
      this.recovery.keep({ step: 0, put: (session) => startFrom(session, seed, undefined, weights) });
    });
  }

  /** Makes the counters continue from those in the weights. */
  private count(weights: Weights): void {
    const { counters } = this.plan;
    this.counted = Object.fromEntries(counters.map(({ name, perStep }) => [name, (weights[name]?.data[0] ?? 0) - perStep * this.done]));
  }

  state(): Promise<ModelState> {
    return this.brief(() => this.readState());
  }

  private async readState(): Promise<ModelState> {
    const tensors = { ...(await this.readAll()), ...(await readTensors(this.session, this.plan.slots)) };
    return { step: this.done, seed: this.seed, tensors };
  }

  restore(state: ModelState, from = 'the state'): Promise<void> {
    return this.turns.whole(async () => {
      this.check();
      await checkState(this.plan, state, from);
      const { step, seed, tensors } = state;
      const put = (session: Session): Promise<void> => writeState(session, tensors);
      await put(this.session);
      this.continuation.forget();
      [this.done, this.told, this.seed] = [step, step, seed];
      // Older checkpoints have no counters, which had counted from the beginning then.
      if (this.plan.counters.every(({ name }) => tensors[name])) this.count(tensors);
      else this.counted = {};
      this.recovery.keep({ step, put });
    });
  }

  destroy(): void {
    this.destroyed = true;
    this.session.destroy();
  }

  private check(): void {
    if (this.destroyed) throw destroyed();
  }

  private brief<T>(body: () => Promise<T>): Promise<T> {
    return this.turns.brief(() =>
      this.surviving(() => {
        this.check();
        return body();
      }),
    );
  }

  /** Runs `body`. If the device is lost, restores the last snapshot on another one and runs `body` again. */
  private async surviving<T>(body: () => Promise<T>): Promise<T> {
    for (;;) {
      const { session } = this;
      try {
        return await body();
      } catch (e) {
        this.check();
        if (!(e instanceof DeviceLost)) throw e;
        // A call between the steps of a training may have recovered already.
        if (this.session === session) await this.recover(e);
      }
    }
  }

  /** Recovers from a device loss at once, even if nothing is running. */
  private guard(session: Session): void {
    void session.lost?.then(() => {
      if (this.destroyed || this.session !== session || this.leaving === session) return;
      void this.turns
        .brief(() => this.surviving(() => (this.session === session ? Promise.reject(new DeviceLost('idle')) : Promise.resolve())))
        // If it fails, the next call reports it.
        .catch(() => undefined);
    });
  }

  private async recover(lost: DeviceLost): Promise<void> {
    // First, since there may be no memory for both. That is a loss as well, which is known already.
    this.leaving = this.session;
    this.session.destroy();
    const session = await this.recovery.reopen(lost);
    this.session = session;
    if (this.destroyed) session.destroy();
    this.check();
    this.guard(session);
    this.examples.putOn(session);
    const { step, run } = await this.recovery.putBack(session);
    const ratesAt = (at: number): Rates => this.recovery.ratesAt(at, this.told, this.rates);
    const bring = (first: number, steps: number): void => this.examples.bring(session, first, steps, run?.seed ?? this.seed);
    const again = { until: this.done, ratesAt, rows: () => this.examples.rows, bring };
    if (run && step < this.done) await trainLoop(session, step, { ...run, ...again });
    this.onDevice?.(session.device);
  }
}
