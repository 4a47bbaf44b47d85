/** The public types of the runtime, which a built folder carries too. They need no other declarations, and no globals of WebGPU. */

/** A named tensor, row-major. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
  /** Files hold it as whole numbers of 64 bits, as PyTorch holds counts. */
  readonly wide?: boolean;
}

/** Tensors by PyTorch's names. */
export type Weights = Readonly<Record<string, Tensor>>;

export interface Progress {
  /** Steps done, of how many. */
  readonly step: number;
  readonly steps: number;
  /** Loss before the last update. */
  readonly loss: number;
  readonly stepsPerSecond: number;
  readonly secondsLeft: number;
}

export interface TrainOptions {
  /** Steps of the whole run, which schedules see; the program's own number where it is not said. */
  readonly steps?: number | undefined;
  /** Where to stop this time; the end of the run where it is not said. */
  readonly until?: number | undefined;
  readonly seed?: number | undefined;
  /** The losses of a few steps, before their updates, and the metrics by name. */
  readonly onLosses?: ((firstStep: number, losses: Float32Array, metrics: Readonly<Record<string, Float32Array>>) => void) | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** An AbortSignal, or anything like it: training stops after the steps that are on the device. */
  readonly signal?: { readonly aborted: boolean } | undefined;
}

export interface TrainResult {
  readonly steps: number;
  readonly seconds: number;
  readonly lastLoss: number;
}

export interface Model {
  readonly device: { readonly kind: 'gpu' | 'cpu'; readonly name: string; readonly reason: string };
  /** Steps done so far. */
  readonly step: number;
  /** Gives the training data: each input, then the target, row-major, as many rows as the plan was built for. */
  setData(...arrays: readonly ArrayLike<number>[]): void;
  /** Trains on from where the model stands. */
  train(options?: TrainOptions): Promise<TrainResult>;
  /** Outputs for any number of examples, row-major; one array for each input of the model. */
  predict(...inputs: readonly ArrayLike<number>[]): Promise<Float32Array>;
  weights(): Promise<Weights>;
  setWeights(weights: Weights): void;
  /** Frees the device. */
  destroy(): void;
}

export interface LoadOptions {
  /** `gpu` fails where there is none; `auto` (the default) takes the CPU then. */
  readonly device?: 'auto' | 'gpu' | 'cpu' | undefined;
  /** A WebGPU implementation (a `GPU` object); `navigator.gpu` where it is not given. */
  readonly gpu?: unknown;
  /** The kernels of `kernels.js`: without them the model of a built folder cannot run on the CPU. */
  readonly kernels?: readonly unknown[] | undefined;
}

/** What `runner.js` exports. */
export interface Runner {
  /** Puts the model of a `plan.json` on a device, with fresh weights. */
  load(plan: unknown, options?: LoadOptions): Promise<Model>;
  /** Reads a .safetensors file. */
  readTensors(bytes: Uint8Array): Readonly<Record<string, { readonly shape: readonly number[]; readonly data: Float32Array | Int32Array }>>;
  /** Writes a .safetensors file. */
  writeTensors(tensors: Weights): Uint8Array;
}
