import { mustBeOptions } from '../base/calls.ts';
import type { Code } from '../base/codes.ts';
import type { Diagnostic } from '../base/diagnostics.ts';
import { fail, UserError } from '../base/errors.ts';
import type {
  About,
  DeviceDescription,
  LoadOptions,
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
import type { Given, GivenInputs } from './data.ts';
import { DeviceError } from './errors.ts';
import { trainRun, type Watcher } from './train-run.ts';

/** One end of a channel: a `Worker`, the global of one, or a `MessagePort`. */
export interface Port {
  postMessage(message: unknown): void;
  addEventListener?(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  /** As a `Worker` of Node has it. */
  on?(type: 'message', listener: (data: unknown) => void): unknown;
  readonly start?: (() => void) | undefined;
}

/** Hears the messages of a port. */
export function listen(port: Port, hear: (data: unknown) => void): void {
  const given = port as Port | null | undefined;
  if (given?.addEventListener) given.addEventListener('message', ({ data }) => hear(data));
  else if (given?.on) given.on('message', hear);
  else fail('NN501', 'there is no port here', { help: 'in a worker of Node: serve(parentPort)' });
  port.start?.();
}

export interface Call {
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** An error in a form that can be posted. */
export type Failure =
  | { readonly kind: 'user'; readonly diagnostics: readonly Diagnostic[] }
  | { readonly kind: 'device'; readonly message: string; readonly code: Code; readonly help: string | undefined }
  | { readonly kind: 'other'; readonly message: string; readonly name: string };

export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly failure?: Failure;
  /** The model's current step. */
  readonly step: number;
  /** The number of training examples. */
  readonly rows: number;
  readonly device: DeviceDescription | undefined;
}

/** Loads a plan in a worker whose file calls `serve()`, and returns the model as if it were local. */
export async function connect(port: Port, plan: unknown, options: LoadOptions = {}): Promise<Model> {
  mustBeOptions('connect', options);
  const { onDevice, signal: _signal, ...plain } = options;
  if (typeof plain.sections === 'function')
    fail('NN501', 'a worker takes the addresses of sections, and no function', { help: 'give sections: { wasm: "https://..." }' });
  const line = new Line(port, onDevice);
  const about = (await line.call('load', plan, plain)) as About;
  return new RemoteModel(line, about);
}

/** Matches calls with their answers. */
class Line {
  private readonly port: Port;
  private readonly open = new Map<number, { resolve: (value: unknown) => void; reject: (e: unknown) => void }>();
  private calls = 0;
  step = 0;
  rows = 0;
  device: DeviceDescription | undefined;

  constructor(port: Port, onDevice: LoadOptions['onDevice']) {
    this.port = port;
    listen(port, (data) => {
      if (typeof data !== 'object' || data === null) return;
      const answer = data as Partial<Answer>;
      this.device = answer.device ?? this.device;
      if (answer.id === undefined) {
        if (answer.device) onDevice?.(answer.device);
        return;
      }
      this.step = answer.step ?? this.step;
      this.rows = answer.rows ?? this.rows;
      const waiting = this.open.get(answer.id);
      this.open.delete(answer.id);
      if (answer.failure) waiting?.reject(errorOf(answer.failure));
      else waiting?.resolve(answer.value);
    });
  }

  call(method: string, ...args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = ++this.calls;
      this.open.set(id, { resolve, reject });
      this.port.postMessage({ id, method, args } satisfies Call);
    });
  }
}

function errorOf(f: Failure): Error {
  if (f.kind === 'user') return new UserError(f.diagnostics);
  if (f.kind === 'device') return new DeviceError(f.message, f.code, f.help);
  return Object.assign(new Error(f.message), { name: f.name });
}

class RemoteModel implements Model {
  private readonly line: Line;
  readonly about: About;
  /** An error of a call that nobody awaited; the next call reports it. */
  private failure: Promise<unknown> = Promise.resolve();

  constructor(line: Line, about: About) {
    this.line = line;
    this.about = about;
  }

  get device(): DeviceDescription {
    return this.line.device ?? { kind: 'cpu', name: '', reason: '' };
  }

  get step(): number {
    return this.line.step;
  }

  get rows(): number {
    return this.line.rows;
  }

  /** Calls a method; rejects if an earlier call that nobody awaited has failed. */
  private ask<T>(method: string, ...args: readonly unknown[]): Promise<T> {
    return Promise.all([this.failure, this.line.call(method, ...args)]).then(([, value]) => value as T);
  }

  private tell(method: string, ...args: readonly unknown[]): void {
    const told = this.line.call(method, ...args);
    this.failure = Promise.all([this.failure, told]);
    this.failure.catch(() => undefined);
  }

  setData(...data: Given): void {
    this.tell('setData', ...data);
  }

  addData(...data: Given): void {
    this.tell('addData', ...data);
  }

  setHoldout(...data: Given): void {
    this.tell('setHoldout', ...data);
  }

  train(options: TrainOptions = {}): TrainRun {
    return trainRun((watcher) => this.trainThere(options, watcher));
  }

  private async trainThere(options: TrainOptions, watcher: () => Watcher): Promise<TrainResult> {
    mustBeOptions('train', options);
    const { onLosses, onProgress, signal, ...plain } = options;
    const run = await this.ask('start', plain);
    for (;;) {
      if (watcher().left?.() || signal?.aborted) return this.ask('leave', run, signal?.aborted ?? false);
      await watcher().ready?.();
      const { chunk, result } = await this.ask<{ readonly chunk?: TrainProgress; readonly result?: TrainResult }>('next', run);
      if (result) return result;
      if (!chunk) continue;
      onLosses?.(chunk.first, chunk.losses, chunk.metrics, chunk.rateShares);
      onProgress?.(chunk);
      watcher().told?.(chunk);
    }
  }

  predict(...inputs: GivenInputs): Promise<Prediction> {
    return this.ask('predict', ...inputs);
  }

  watch(names?: readonly string[]): Promise<Weights> {
    return this.ask('watch', names);
  }

  scoresAfter(tokens: readonly number[]): Promise<Float32Array> {
    return this.line.call('scoresAfter', tokens) as Promise<Float32Array>;
  }

  evaluate(): Promise<Readonly<Record<string, number>>> {
    return this.ask('evaluate');
  }

  set(settings: Readonly<Record<string, number | undefined>>): void {
    this.tell('set', settings);
  }

  reset(seed?: number): Promise<void> {
    return this.ask('reset', seed);
  }

  read(name: string): Promise<Tensor> {
    return this.ask('read', name);
  }

  weights(): Promise<Weights> {
    return this.ask('weights');
  }

  setWeights(weights: Weights): Promise<void> {
    return this.ask('setWeights', weights);
  }

  state(): Promise<ModelState> {
    return this.ask('state');
  }

  restore(state: ModelState): Promise<void> {
    return this.ask('restore', state);
  }

  destroy(): void {
    this.tell('destroy');
  }
}
