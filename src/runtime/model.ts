import { fail } from '../base/errors.ts';
import type { RandomSource } from '../base/init.ts';
import type { Plan, PlanTensor } from '../plan.ts';
import type { Model, Tensor, TrainOptions, TrainResult, Weights } from './api.ts';
import type { Counters, DeviceInfo, Session, Words } from './session.ts';
import { makeTicks } from './session.ts';
import { traced, trainLoop } from './trainer.ts';
import { checkWeights, countsAfter, floats, initialize, readWeights, writeWeights, type Counted } from './weights.ts';

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** A compiled model on a device: trains, predicts, gives and takes weights. */
export class RunningModel implements Model {
  private readonly session: Session;
  private done = 0;
  private last: Promise<unknown> = Promise.resolve();
  private hasData = false;
  /** What counters stood at where this run began. */
  private counted: Counted = {};

  /** Starts with fresh weights of a seed, or with those that `random` draws. */
  constructor(session: Session, seed?: number, random?: RandomSource) {
    this.session = session;
    initialize(session, seed ?? session.plan.train?.seed ?? 0, random);
  }

  get plan(): Plan {
    return this.session.plan;
  }

  get device(): DeviceInfo {
    return this.session.device;
  }

  /** Steps done so far. */
  get step(): number {
    return this.done;
  }

  get counters(): Readonly<Counters> {
    return this.session.counters;
  }

  /** Puts the training data on the device: row-major, one array for each tensor of `plan.data`, in its order. */
  setData(...arrays: readonly ArrayLike<number>[]): void {
    const { data } = this.plan;
    if (!data) return fail('NN305', 'this plan was compiled without data, so it cannot train');
    data.tensors.forEach((t, i) => this.upload(t, arrays[i] ?? []));
    this.hasData = true;
  }

  /** Puts the held-out examples on the device, in the order of `plan.held`. */
  setHeld(...arrays: readonly ArrayLike<number>[]): void {
    this.plan.held?.tensors.forEach((t, i) => this.upload(t, arrays[i] ?? []));
  }

  /** Loss and metrics of the held-out examples with the weights as they are. */
  evaluate(): Promise<Readonly<Record<string, number>>> {
    return this.inTurn(async () => {
      const { plan } = this;
      if (!plan.held) return fail('NN305', 'this plan was compiled without held-out examples');
      const trace = await this.session.run(['held'], makeTicks(plan, 0, 1, { seed: 0, total: 1 }));
      const value = (what: string): number => traced(plan, trace, ['held'], what)[0] ?? NaN;
      return Object.fromEntries([['loss', value('loss')], ...(plan.train?.metrics ?? []).map((m) => [m, value(`metric:${m}`)] as const)]);
    });
  }

  private upload(t: PlanTensor, values: ArrayLike<number>): void {
    if (t.arena === '') return;
    const expected = size(t.shape);
    if (values.length !== expected)
      fail(
        'NN304',
        `'${t.name}' has ${values.length} numbers, and the model was compiled for [${t.shape.join(', ')}], which is ${expected}`,
      );
    const words: Words = t.dtype === 'i32' ? Int32Array.from(values) : values instanceof Float32Array ? values : Float32Array.from(values);
    this.session.write(t.arena, t.offset, words);
  }

  /** One thing at a time: inputs, results and state share the device's memory, so what is asked meanwhile waits its turn. */
  private inTurn<T>(body: () => Promise<T>): Promise<T> {
    const turn = this.last.then(body, body);
    this.last = turn;
    return turn;
  }

  /** Trains from where it stands. */
  train(options: TrainOptions = {}): Promise<TrainResult> {
    return this.inTurn(async () => {
      if (!this.hasData) fail('NN305', 'there is no training data on the device', { help: 'call setData(x, y) first' });
      const onLosses: TrainOptions['onLosses'] = (first, losses, metrics) => {
        this.done = first + losses.length;
        options.onLosses?.(first, losses, metrics);
      };
      return trainLoop(this.session, this.done, { ...options, onLosses });
    });
  }

  /** The model's output for any number of examples, row-major. */
  predict(...inputs: readonly ArrayLike<number>[]): Promise<Float32Array> {
    return this.inTurn(() => this.predictAll(inputs));
  }

  private async predictAll(given: readonly ArrayLike<number>[]): Promise<Float32Array> {
    const { rows, inputs, output } = this.plan.predict;
    if (given.length !== inputs.length)
      fail(
        'NN304',
        `the model has ${inputs.length} input${inputs.length === 1 ? '' : 's'}, and ${given.length} ${given.length === 1 ? 'is' : 'are'} given`,
      );
    // An input that the result does not depend on has no place, and no width.
    const used = inputs.flatMap((t, i) => (t.arena === '' ? [] : [{ t, values: given[i] ?? [], width: size(t.shape) / rows }]));
    const outWidth = size(output.shape) / rows;
    const [first] = used;
    const total = first ? first.values.length / first.width : 1;
    for (const { t, values, width } of used) {
      if (!Number.isInteger(values.length / width)) fail('NN304', `${values.length} numbers are no whole number of examples of ${width}`);
      if (values.length / width !== total) fail('NN304', `'${t.name}' has ${values.length / width} examples, and others have ${total}`);
    }
    const result = new Float32Array(total * outWidth);
    for (let row = 0; row < total; row += rows) {
      const n = Math.min(rows, total - row);
      for (const { t, values, width } of used) {
        const batch = t.dtype === 'i32' ? new Int32Array(rows * width) : new Float32Array(rows * width);
        for (let i = 0; i < n * width; i++) batch[i] = values[row * width + i] ?? 0;
        this.upload(t, batch);
      }
      await this.session.run(['predict'], makeTicks(this.plan, 0, 1, { seed: 0, total: 1 }));
      const out = await this.session.read(output.arena, output.offset, n * outWidth);
      result.set(out, row * outWidth);
    }
    return result;
  }

  weights(): Promise<Weights> {
    return this.inTurn(() => this.readAll());
  }

  setWeights(weights: Weights, from?: string): void {
    writeWeights(this.session, weights, from);
    const { counters } = this.plan;
    this.counted = Object.fromEntries(counters.map(({ name, perStep }) => [name, (weights[name]?.data[0] ?? 0) - perStep * this.done]));
  }

  private async readAll(): Promise<Weights> {
    return { ...(await readWeights(this.session)), ...countsAfter(this.plan, this.done, this.counted) };
  }

  /** Everything that training needs to go on as if it had never stopped: parameters and optimizer state, by name. */
  state(): Promise<Weights> {
    return this.inTurn(() => this.readState());
  }

  private async readState(): Promise<Weights> {
    const slots: Record<string, Tensor> = {};
    for (const s of this.plan.slots)
      slots[s.name] = { shape: s.shape, data: (await this.session.read(s.arena, s.offset, size(s.shape))) as Float32Array };
    return { ...(await this.readAll()), ...slots };
  }

  /** Goes back to a state that {@link state} gave after `step` steps. */
  restore(state: Weights, step: number, from: string): void {
    const slotNames = this.plan.slots.map((s) => s.name);
    const isSlot = ([name]: [string, Tensor]): boolean => slotNames.includes(name);
    const entries = Object.entries(state);
    const params = Object.fromEntries(entries.filter((e) => !isSlot(e)));
    checkWeights(this.plan, params, from);
    for (const s of this.plan.slots) {
      const t = state[s.name];
      if (t?.shape.join() !== s.shape.join())
        fail('NN402', `${from} lacks the optimizer state '${s.name}' [${s.shape.join(', ')}]`, { help: 'start without --resume' });
    }
    this.done = step;
    this.setWeights(params, from);
    // Older checkpoints hold no counts, and had counted from the beginning.
    if (this.plan.counters.some(({ name }) => !state[name])) this.counted = {};
    for (const s of this.plan.slots) this.session.write(s.arena, s.offset, floats(state[s.name]?.data ?? new Float32Array(0)));
  }

  destroy(): void {
    this.session.destroy();
  }
}
