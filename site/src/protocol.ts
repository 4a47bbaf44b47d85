/** What the page and its worker say to each other. */
export interface Problem {
  readonly severity: 'error' | 'warning';
  readonly code: string;
  readonly label: string;
  readonly help: string | undefined;
  /** The place in the text; undefined if there is none. */
  readonly from: number | undefined;
  readonly to: number | undefined;
}

export interface Checked {
  readonly problems: readonly Problem[];
  /** The net as SVG, if the program is right. */
  readonly net: string | undefined;
  readonly parameters: number;
}

/** A file of examples that the page holds. */
export interface DataFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What is asked of a value by name: a number, one of some words, or many numbers. */
export interface Field {
  readonly name: string;
  readonly words: readonly string[] | undefined;
  readonly example: string;
}

/** What kind of picture fits a program. */
export type Kind = 'fit' | 'region' | 'other';

export interface Prepared {
  readonly device: string;
  readonly reason: string;
  readonly rows: number;
  readonly held: number;
  readonly steps: number;
  readonly stepsPerEpoch: number;
  readonly metrics: readonly string[];
  readonly kind: Kind;
  readonly fields: readonly Field[];
  readonly target: string;
  readonly remarks: readonly string[];
  /** Examples for a fit or a region: inputs, then the target, row by row. */
  readonly points: Float32Array | undefined;
  readonly names: readonly string[];
  readonly wgsl: string;
  readonly plan: string;
}

export interface Pass {
  readonly name: string;
  readonly about: string;
  readonly text: string;
}

/** A moment of a training. */
export interface Frame {
  readonly step: number;
  readonly first: number;
  readonly losses: Float32Array;
  readonly held: Readonly<Record<string, number>> | undefined;
  /** Predictions on the grid of the picture. */
  readonly seen: Float32Array | undefined;
  readonly done: boolean;
}

export interface Grid {
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly size: number;
}

export interface Told {
  readonly head: string;
  readonly shares: readonly (readonly [string, number])[];
}

export interface Calls {
  check(text: string): Checked;
  prepare(text: string, file: DataFile | undefined, options: { readonly seed?: number; readonly keep?: boolean }): Promise<Prepared>;
  /** Trains until it is paused; so many steps a second, or as fast as the device can. */
  run(speed: number | undefined): Promise<void>;
  pause(): void;
  step(): Promise<void>;
  set(settings: Readonly<Record<string, number>>): void;
  predict(values: Readonly<Record<string, string>>): Promise<Told>;
  /** The plain numbers of a prediction for one example of tokens. */
  scores(tokens: readonly number[]): Promise<Float32Array>;
  /** The program's graph after each pass of the compiler. */
  stages(): readonly Pass[];
  weights(): Promise<Uint8Array>;
  suggest(file: DataFile): { readonly text: string; readonly leftOut: readonly { readonly column: string; readonly why: string }[] };
}

export type Event = { readonly type: 'frame'; readonly frame: Frame } | { readonly type: 'failed'; readonly message: string };
