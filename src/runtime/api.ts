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

/** Arrays of examples, row-major: by name, or one array for each tensor in the plan's order. */
export type Named = Readonly<Record<string, ArrayLike<number>>>;

export interface Progress {
  /** Steps done, of how many. */
  readonly step: number;
  readonly steps: number;
  /** Loss before the last update. */
  readonly loss: number;
  readonly stepsPerSecond: number;
  readonly secondsLeft: number;
}

/** What a few steps gave: what `for await (const p of model.train())` hands out. */
export interface TrainProgress extends Progress {
  /** The step that the first of the losses belongs to. */
  readonly first: number;
  /** One loss for each step, before its update. */
  readonly losses: Float32Array;
  /** The metrics by name, as many as losses. */
  readonly metrics: Readonly<Record<string, Float32Array>>;
}

export interface TrainOptions {
  /** Steps of the whole run, which schedules see; the program's own number where it is not said. */
  readonly steps?: number | undefined;
  /** Where to stop this time; the end of the run where it is not said. */
  readonly until?: number | undefined;
  /** For the order of examples and for dropout; the seed that the model was loaded with where it is not said. */
  readonly seed?: number | undefined;
  /** The losses of a few steps, before their updates, and the metrics by name. */
  readonly onLosses?: ((firstStep: number, losses: Float32Array, metrics: Readonly<Record<string, Float32Array>>) => void) | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** An AbortSignal, or anything like it: training stops after the steps that are on the device. */
  readonly signal?: Signal | undefined;
}

export interface Signal {
  readonly aborted: boolean;
}

export interface TrainResult {
  /** Steps that this call did. */
  readonly steps: number;
  readonly seconds: number;
  readonly lastLoss: number;
  /** `done` at the end of the whole run, `paused` where `until` said so or a loop was left, `aborted` by the signal. */
  readonly outcome: 'done' | 'paused' | 'aborted';
}

/** A training that runs: a promise of its result, or chunk by chunk with `for await`; leaving that loop pauses it. */
export interface TrainRun extends Promise<TrainResult>, AsyncIterable<TrainProgress> {}

export interface Prediction {
  /** One row of outputs for each example, row-major. */
  readonly data: Float32Array;
  /** [examples, ...the output's own extents]. */
  readonly shape: readonly number[];
  /** What the numbers along the last axis are called: classes, or columns of the target; undefined where nothing is known. */
  readonly names: readonly string[] | undefined;
}

/** All that a training needs to go on as if it had never stopped. */
export interface ModelState {
  readonly step: number;
  readonly seed: number;
  /** Parameters, states such as running means, and what the optimizer keeps. */
  readonly tensors: Weights;
}

export interface DeviceDescription {
  readonly kind: 'gpu' | 'cpu';
  readonly name: string;
  readonly reason: string;
}

/** What people call things. */
export interface About {
  /** The program's text. */
  readonly program?: string | undefined;
  /** Each input: the extents of one example, and the columns of the data that it is made of, where they have names. */
  readonly inputs: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly columns?: readonly string[] | undefined;
  }[];
  readonly targets: readonly { readonly name: string; readonly columns?: readonly string[] | undefined }[];
  /** The classes that the output chooses from, by their numbers. */
  readonly classes?: readonly string[] | undefined;
  /** The tokens of a text model, by their numbers. */
  readonly vocabulary?: readonly string[] | undefined;
}

/** A model on a device. All that is asked of it happens one thing after the other; predictions come between the steps of a training. */
export interface Model {
  readonly device: DeviceDescription;
  /** Steps done so far. */
  readonly step: number;
  readonly about: About;
  /** Examples to train on that were given. */
  readonly rows: number;
  /**
   * Gives the training data: arrays by name, or each input, then each target; row-major, as many rows as the plan was made for, or any
   * number up to its capacity.
   */
  setData(...data: readonly [Named] | readonly ArrayLike<number>[]): void;
  /** Adds examples behind those that are there, also while the model trains; for plans with a capacity. */
  addData(...data: readonly [Named] | readonly ArrayLike<number>[]): void;
  /** Gives the held-out examples in the same way. */
  setHoldout(...data: readonly [Named] | readonly ArrayLike<number>[]): void;
  /** Trains on from where the model stands. */
  train(options?: TrainOptions): TrainRun;
  /** Outputs for any number of examples: arrays by the inputs' names, or one array for each input. */
  predict(...inputs: readonly [Named] | readonly ArrayLike<number>[]): Promise<Prediction>;
  /** Loss and metrics of the held-out examples. */
  evaluate(): Promise<Readonly<Record<string, number>>>;
  /**
   * Values and gradients that the plan was compiled to watch (`watch` of `program.plan`), at the examples of the next step; all of them,
   * or those that are named.
   */
  watch(names?: readonly string[]): Promise<Weights>;
  /** Sets the learning rate from the next steps on, in place of the program's own and its schedule; `undefined` gives that back. */
  set(settings: Readonly<Record<string, number | undefined>>): void;
  /** Starts anew: fresh weights of a seed, step 0. */
  reset(seed?: number): Promise<void>;
  /** One tensor by its name: a parameter, a running mean, or what the optimizer keeps. */
  read(name: string): Promise<Tensor>;
  weights(): Promise<Weights>;
  setWeights(weights: Weights): Promise<void>;
  state(): Promise<ModelState>;
  restore(state: ModelState): Promise<void>;
  /** Frees what the model holds on the device; a device of the caller's own stays. What is asked afterwards is a `DeviceError`. */
  destroy(): void;
}

/** What `readData` of `nnc/data` gives: examples to train on, and those that are held out. */
export interface Examples {
  readonly train: Named;
  readonly holdout: { readonly arrays: Named } | undefined;
}

export interface LoadOptions {
  /**
   * `auto` (the default) takes a GPU where one is there, and the CPU else, or where the only adapter is a software one. `gpu` fails
   * where there is none. A WebGPU device of your own is used as it is, and not destroyed.
   */
  readonly device?: 'auto' | 'gpu' | 'cpu' | object | undefined;
  /** A WebGPU implementation (a `GPU` object); `navigator.gpu` where it is not given. */
  readonly gpu?: unknown;
  /** The kernels of `kernels.js`: without them the model of a built folder cannot run on the CPU where WebAssembly is forbidden. */
  readonly kernels?: readonly unknown[] | undefined;
  /** What to train on; `setData` gives it later. */
  readonly data?: Examples | Named | undefined;
  /** Where to start; else fresh weights are drawn. */
  readonly weights?: Weights | undefined;
  /** For fresh weights, the order of examples and dropout; the program's own where it is not said. */
  readonly seed?: number | undefined;
  /** Loading stops with an `AbortError`. */
  readonly signal?: Signal | undefined;
  /** Told when the device was lost and the model goes on elsewhere. */
  readonly onDevice?: ((device: DeviceDescription) => void) | undefined;
}

/** A plan whose inputs and data TypeScript knows: see `declarationsOf`. */
export interface PlanOf<Inputs, Data> {
  readonly format: 'nnc-plan';
  readonly name: string;
  readonly about: About;
  /** There for TypeScript alone: no plan has it. */
  readonly takes: { readonly inputs: Inputs; readonly data: Data };
}

/** A model whose inputs and data TypeScript knows. */
export interface ModelOf<Inputs, Data> extends Omit<Model, 'predict' | 'setData' | 'addData' | 'setHoldout'> {
  predict(inputs: Inputs): Promise<Prediction>;
  setData(data: Data): void;
  addData(data: Data): void;
  setHoldout(data: Data): void;
}

/** Puts a plan on a device. */
export interface Load {
  <Inputs, Data>(plan: PlanOf<Inputs, Data>, options?: LoadOptions): Promise<ModelOf<Inputs, Data>>;
  (plan: unknown, options?: LoadOptions): Promise<Model>;
}

/** What `runner.js` exports. */
export interface Runner {
  /** Puts the model of a `plan.json` on a device. */
  load(plan: unknown, options?: LoadOptions): Promise<Model>;
  /** Reads a .safetensors file. */
  readTensors(bytes: Uint8Array): Readonly<Record<string, { readonly shape: readonly number[]; readonly data: Float32Array | Int32Array }>>;
  /** Writes a .safetensors file. */
  writeTensors(tensors: Weights): Uint8Array;
}
