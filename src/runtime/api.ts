/**
 * The public types of the runtime, which are also copied into built folders. They depend on no other declarations and no WebGPU globals.
 */

/** A named tensor, row-major. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
  /** Saved as 64-bit integers, as PyTorch saves counters. */
  readonly wide?: boolean;
}

/** Tensors by PyTorch's names. */
export type Weights = Readonly<Record<string, Tensor>>;

/** Rows of numbers that are read when they are needed, such as those of a large file. */
export interface RowSource {
  /** All numbers. */
  readonly length: number;
  /** Copies rows to `out`, one behind the other, from place `at` on. */
  read(rows: ArrayLike<number>, out: Float32Array | Int32Array, at: number): void;
}

/** Examples, row-major: all in one array, or a source of rows. */
export type Rows = ArrayLike<number> | RowSource;

/** Examples by name. */
export type Named = Readonly<Record<string, Rows>>;

/** Inputs of a prediction by name, or columns of the data as files have them: words, and `null` where a value is missing. */
export type Values = Readonly<Record<string, ArrayLike<number | string | null>>>;

export interface Progress {
  /** Steps done, and steps of the whole run. */
  readonly step: number;
  readonly steps: number;
  /** The loss before the last update. */
  readonly loss: number;
  readonly stepsPerSecond: number;
  readonly secondsLeft: number;
}

/** The results of a few steps: what `for await (const p of model.train())` yields. */
export interface TrainProgress extends Progress {
  /** The step of the first of the losses. */
  readonly first: number;
  /** The loss of each step, before its update. */
  readonly losses: Float32Array;
  /** The metrics by name, with one value for each loss. */
  readonly metrics: Readonly<Record<string, Float32Array>>;
  /** What `plateau` leaves of the learning rate in each step, where the program has it. */
  readonly rateShares?: Float32Array | undefined;
}

export interface TrainOptions {
  /** Steps of the whole run, which schedules depend on; the program's own number by default. */
  readonly steps?: number | undefined;
  /** The step to stop at this time; the end of the run by default. */
  readonly until?: number | undefined;
  /** The seed for the order of examples and for dropout. It stays the model's from then on; by default the one it has. */
  readonly seed?: number | undefined;
  /** Called with the losses of a few steps, before their updates, the metrics by name, and what `plateau` leaves of the learning rate. */
  readonly onLosses?:
    | ((firstStep: number, losses: Float32Array, metrics: Readonly<Record<string, Float32Array>>, rateShares?: Float32Array) => void)
    | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** An AbortSignal, or anything like it: training stops after the steps that are already on the device. */
  readonly signal?: Signal | undefined;
}

export interface Signal {
  readonly aborted: boolean;
  /** What loading is rejected with. */
  readonly reason?: unknown;
}

export interface TrainResult {
  /** Steps done by this call. */
  readonly steps: number;
  readonly seconds: number;
  readonly lastLoss: number;
  /** `done` at the end of the whole run, `paused` by `until` or by leaving a `for await` loop, `aborted` by the signal. */
  readonly outcome: 'done' | 'paused' | 'aborted';
}

/** A training in progress: await it for its result, or read it chunk by chunk with `for await`. Leaving that loop pauses training. */
export interface TrainRun extends Promise<TrainResult>, AsyncIterable<TrainProgress> {}

export interface Prediction {
  /** One row of outputs for each example, row-major. */
  readonly data: Float32Array;
  /** [examples, ...the shape of one output]. */
  readonly shape: readonly number[];
  /** Names of the numbers along the last axis: classes, or columns of the target; undefined if unknown. */
  readonly names: readonly string[] | undefined;
  /** What the numbers are; `probabilities` of the runtime makes probabilities of scores. */
  readonly meaning: OutputMeaning;
}

/** Everything needed to continue training exactly where it stopped. */
export interface ModelState {
  readonly step: number;
  readonly seed: number;
  /** Parameters, states such as running statistics, and optimizer state. */
  readonly tensors: Weights;
}

export interface DeviceDescription {
  readonly kind: 'gpu' | 'cpu';
  readonly name: string;
  readonly reason: string;
}

/** Names for display. */
export interface About {
  /** The program's text. */
  readonly program?: string | undefined;
  /** Each input: the shape of one example, and the data columns that it is made of, if they have names. */
  readonly inputs: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly columns?: readonly Column[] | undefined;
  }[];
  /** Each target: the columns that it is made of, and the names of its classes by number, if they have names. */
  readonly targets: readonly {
    readonly name: string;
    readonly columns?: readonly string[] | undefined;
    readonly classes?: readonly string[] | undefined;
  }[];
  /** What the numbers of a prediction are. */
  readonly output: OutputMeaning;
  /**
   * Unless each example has a prediction of its own: whether the output is `one` for all of them, as a mean over them is, or they are `mixed`, as
   * with the statistics of a batch, and predictions are right only if exactly so many are given as the plan predicts at once.
   */
  readonly examples?: 'one' | 'mixed' | undefined;
  /** The tokens of a text model, by number. */
  readonly vocabulary?: Vocabulary | undefined;
}

/** The tokens of a text model, by number. Byte pairs (`bpe`) are written with one character for each byte, as in a tokenizer.json. */
export interface Vocabulary {
  readonly tokens: 'chars' | 'bytes' | 'bpe';
  readonly entries: readonly string[];
  /** For byte pairs: what is joined, in order. */
  readonly merges?: readonly string[] | undefined;
}

/** A data column of an input: how its values become numbers. */
export interface Column {
  readonly name: string;
  /** The words of the column, in order; undefined for a column of numbers. */
  readonly words?: readonly string[] | undefined;
  /** Words as their place in the list instead of one number for each word. */
  readonly index?: boolean | undefined;
  /** What stands for a missing value. Without it, every value must be there. */
  readonly fill?: number | string | undefined;
  /** Adds a number that is 1 where the value was missing. */
  readonly flag?: boolean | undefined;
  readonly comma?: boolean | undefined;
  readonly dates?: boolean | undefined;
}

/**
 * What the numbers of a prediction are: plain numbers, or scores of classes along the last axis that become probabilities by this function
 * (`none`: they are probabilities already).
 */
export type OutputMeaning = 'numbers' | 'softmax' | 'sigmoid' | 'exp' | 'none';

/** A model on a device. Calls run one after the other; predictions run between the steps of a training. */
export interface Model {
  readonly device: DeviceDescription;
  /** Steps done so far. */
  readonly step: number;
  readonly about: About;
  /** The number of training examples so far. */
  readonly rows: number;
  /**
   * Sets the training data: arrays by name, or each input, then each target. Row-major, with as many rows as the plan was compiled for, or
   * any number up to its capacity.
   */
  setData(...data: readonly [Named] | readonly Rows[]): void;
  /** Appends training examples, even during training. Needs a plan with a capacity. */
  addData(...data: readonly [Named] | readonly Rows[]): void;
  /** Sets the holdout, in the same form. */
  setHoldout(...data: readonly [Named] | readonly Rows[]): void;
  /** Trains on from the current step. */
  train(options?: TrainOptions): TrainRun;
  /** The outputs for any number of examples: arrays by the inputs' names, or one array for each input. */
  predict(...inputs: readonly [Values] | readonly ArrayLike<number>[]): Promise<Prediction>;
  /**
   * For text: the scores (logits) of the token that follows `tokens`. What was computed for earlier tokens is kept on the device, so that a
   * longer text costs only its new tokens. The plan must be made with `generate`.
   */
  scoresAfter(tokens: readonly number[]): Promise<Float32Array>;
  /** The loss and the metrics on the holdout. */
  evaluate(): Promise<Readonly<Record<string, number>>>;
  /**
   * The values and gradients that the plan was compiled to watch (`watch` of `program.plan`), for the examples of the next step: all of
   * them, or only those named.
   */
  watch(names?: readonly string[]): Promise<Weights>;
  /** Overrides the learning rate and its schedule from the next steps on; `undefined` returns to the program's own. */
  set(settings: Readonly<Record<string, number | undefined>>): void;
  /** Starts over: fresh weights from a seed, step 0. */
  reset(seed?: number): Promise<void>;
  /** One tensor by name: a parameter, a running statistic, or optimizer state. */
  read(name: string): Promise<Tensor>;
  weights(): Promise<Weights>;
  setWeights(weights: Weights): Promise<void>;
  state(): Promise<ModelState>;
  restore(state: ModelState): Promise<void>;
  /** Frees the model's memory on the device; a device that you passed in stays. Later calls throw a `DeviceError`. */
  destroy(): void;
}

/** What `readData` of `nnc/data` returns: training examples and the holdout. */
export interface Examples {
  readonly train: Named;
  readonly holdout: { readonly arrays: Named } | undefined;
}

export interface LoadOptions {
  /**
   * `auto` (the default) uses a GPU if there is one; without one, or if it is only a software adapter, the CPU. `gpu` fails if there is
   * none. A WebGPU device of your own is used as it is and never destroyed.
   */
  readonly device?: 'auto' | 'gpu' | 'cpu' | object | undefined;
  /** A WebGPU implementation (a `GPU` object); `navigator.gpu` by default. */
  readonly gpu?: unknown;
  /** The kernels of `kernels.js`. Without them, the model of a built folder cannot run on the CPU where WebAssembly is not allowed. */
  readonly kernels?: readonly unknown[] | undefined;
  /**
   * Where the code for a backend is, if the plan leaves it out: the address of each, or a function that brings it. Only what the device needs
   * is fetched.
   */
  readonly sections?: Readonly<Record<string, string>> | ((backend: string) => Promise<unknown>) | undefined;
  /** The training data; you can also call `setData` later. */
  readonly data?: Examples | Named | undefined;
  /** Initial weights; drawn from the seed by default. */
  readonly weights?: Weights | undefined;
  /** The seed for initial weights, the order of examples and dropout; the program's own by default. */
  readonly seed?: number | undefined;
  /** Stops loading with the signal's reason, an `AbortError` if none was given. */
  readonly signal?: Signal | undefined;
  /** Called when the device was lost and the model has moved to another one. */
  readonly onDevice?: ((device: DeviceDescription) => void) | undefined;
}

/** A plan whose inputs and data are typed: see `declarationsOf`. */
export interface PlanOf<Inputs, Data> {
  readonly format: 'nnc-plan';
  readonly name: string;
  readonly about: About;
  /** Only for TypeScript; it does not exist at run time. */
  readonly takes: { readonly inputs: Inputs; readonly data: Data };
}

/** A model whose inputs and data are typed. */
export interface ModelOf<Inputs, Data> extends Omit<Model, 'predict' | 'setData' | 'addData' | 'setHoldout'> {
  predict(...inputs: readonly [Inputs] | readonly ArrayLike<number>[]): Promise<Prediction>;
  setData(...data: readonly [Data] | readonly Rows[]): void;
  addData(...data: readonly [Data] | readonly Rows[]): void;
  setHoldout(...data: readonly [Data] | readonly Rows[]): void;
}

/** Loads a plan on a device. */
export interface Load {
  <Inputs, Data>(plan: PlanOf<Inputs, Data>, options?: LoadOptions): Promise<ModelOf<Inputs, Data>>;
  (plan: unknown, options?: LoadOptions): Promise<Model>;
}

/** What `runner.js` exports. */
export interface Runner {
  /** Loads the model of a built folder on a device, with the weights that it was built with; by default of the folder where `runner.js` is. */
  open(folder?: string | URL, options?: LoadOptions): Promise<Model>;
  /** Loads the model of a `plan.json` on a device. */
  load(plan: unknown, options?: LoadOptions): Promise<Model>;
  /** Reads a .safetensors file. */
  readTensors(bytes: Uint8Array): Readonly<Record<string, { readonly shape: readonly number[]; readonly data: Float32Array | Int32Array }>>;
  /** Writes a .safetensors file. */
  writeTensors(tensors: Weights): Uint8Array;
}
