import type { StageName, Word } from 'nnc';
import type { Frame, RunInfo, Told, Wish } from 'nnc/page';
import type { Weights } from 'nnc/runtime';

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

/** A stage of the chain: where it stands, and what flows out of it. */
export interface Stage {
  readonly line: number;
  readonly column: number;
  readonly text: string;
  /** The shape that flows out, without the batch. */
  readonly output: string;
  readonly parameters: number;
}

export interface Checked {
  readonly stages: readonly Stage[];
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

export interface PrepareOptions {
  readonly seed?: number | undefined;
  /** Takes the weights of the model before along, where their shapes allow it. */
  readonly keep?: boolean | undefined;
  /** Draws data and weights as PyTorch does after `torch.manual_seed`. */
  readonly likeTorch?: boolean | undefined;
  /** Makes it possible to look at values and gradients while it trains. */
  readonly looks?: boolean | undefined;
}

export interface Prepared extends RunInfo {
  readonly device: string;
  readonly reason: string;
  readonly remarks: readonly string[];
  /** What can be looked at: values and gradients by name. */
  readonly watchable: readonly string[];
}

export interface Pass {
  readonly name: string;
  readonly about: string;
  readonly text: string;
}

export interface Calls {
  check(text: string): Promise<Checked>;
  prepare(text: string, file: DataFile | undefined, options: PrepareOptions): Promise<Prepared>;
  /** Trains until it is paused; so many steps a second, or as fast as the device can. */
  run(speed: number | undefined): Promise<void>;
  pause(): Promise<void>;
  step(): Promise<void>;
  set(settings: Readonly<Record<string, number>>): void;
  typed(values: Readonly<Record<string, string>>): Promise<Told>;
  drawn(pixels: Float32Array): Promise<Told>;
  /** Writes on from a prompt; parts of the text come as events. */
  write(wish: Wish): Promise<void>;
  stopWriting(): void;
  /** The losses of a whole training from another seed, besides the model that is trained. */
  lossesFrom(text: string, file: DataFile | undefined, seed: number): Promise<Float32Array>;
  /** What a program prints, before its training if it has one. */
  prints(text: string): Promise<readonly string[]>;
  /** What the trained program prints behind its training. */
  printsAfter(): Promise<readonly string[]>;
  /** The plain numbers of a prediction for one example of tokens. */
  scores(tokens: readonly number[]): Promise<Float32Array>;
  /**
   * The output of another program for one example of tokens. It takes its weights from the trained one; `rename` maps the beginnings of
   * their names.
   */
  beside(text: string, rename: Readonly<Record<string, string>>, tokens: readonly number[]): Promise<{ readonly data: Float32Array }>;
  /** A stage of the compiler as text. */
  dump(stage: StageName): Promise<string>;
  /** All words of the language. */
  words(): Promise<readonly Word[]>;
  /** The program in its usual layout. */
  format(text: string): Promise<string>;
  /** Values and gradients of the next step, by name. */
  look(names: readonly string[]): Promise<Weights>;
  /** The program's graph after each pass of the compiler. */
  stages(): Promise<readonly Pass[]>;
  /** The page that trains, as one file, with the weights of now. `parts` is the address of what all such pages are made of. */
  page(parts: string): Promise<string>;
  weights(): Promise<Uint8Array>;
  setWeights(bytes: Uint8Array, name: string): Promise<void>;
  suggest(file: DataFile): Promise<{
    readonly text: string;
    readonly leftOut: readonly { readonly column: string; readonly why: string }[];
    readonly remarks: readonly string[];
  }>;
}

export type Event =
  | { readonly type: 'frame'; readonly frame: Frame }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'device'; readonly name: string; readonly reason: string };

/** A part of a text that is being written. */
export interface Part {
  readonly type: 'text';
  readonly part: string;
}
