import type { Diagnostic } from '../base/diagnostics.ts';
import type { KnownLearned, Learned } from '../base/learned.ts';
import type { TensorType } from '../base/types.ts';
import type { Values } from './values.ts';

/** The inputs and targets of a model, which determine the form of the data. */
export interface Needs {
  readonly inputs: readonly { readonly name: string; readonly type: TensorType }[];
  /** A single target is called `y` in files; each of several has its own name. */
  readonly targets: readonly {
    readonly shown: string;
    readonly type: TensorType;
    readonly classes: number | undefined;
    /** The ignored label, which may lie outside the classes. */
    readonly ignored?: number | undefined;
    /** Whether it is 0, 1 or between: yes and no, or a share. */
    readonly shares?: true | undefined;
  }[];
  /** Columns, tensors or files of each input and target, if the program names them. */
  readonly columns?: ReadonlyMap<string, readonly string[]>;
  /** What a token of a text is, or the path of a tokenizer.json. */
  readonly tokens?: string | undefined;
  /** The number of byte pairs and bytes that are learned. */
  readonly vocabulary?: number | undefined;
  readonly context?: number | undefined;
  /** For text: tokens from one example to the next; the context by default. */
  readonly stride?: number | undefined;
  /** What to do about rows with gaps; without it, a gap is an error. */
  readonly missing?: Missing | undefined;
  /** Columns whose numbers are words. */
  readonly words?: readonly string[] | undefined;
  /** Scales images to the size of the input. */
  readonly resize?: boolean | undefined;
  /** Decimal commas; dates as days since 1970. */
  readonly comma?: boolean | undefined;
  readonly dates?: boolean | undefined;
  /** The separator of a CSV file, and whether its first line has names; found out by default. */
  readonly separator?: string | undefined;
  readonly header?: boolean | undefined;
  /** The column that says which group a row belongs to. */
  readonly groups?: string | undefined;
  /** Where the other tensors of this data are, if it is not the data that the program names their files for. */
  readonly companions?: Companions | undefined;
  /** What existing weights learned from their data. */
  readonly known?: KnownLearned | undefined;
  /** The place in the program, for messages. */
  readonly span?: Diagnostic['span'];
}

/** Files of the other tensors of an example, where each tensor has a file of its own: `y="ytrain.npy"`. */
export interface Companions {
  /** Those that are named for this data, by input or target. */
  readonly named: ReadonlyMap<string, string>;
  /** The other data that a file of this name belongs to already; undefined if it does not. */
  readonly owner: (file: string) => string | undefined;
  /** How to name the file of an input or a target. */
  readonly write: (name: string) => string;
}

export const MISSING = ['drop', 'mean', '0', 'flag'] as const;
export type Missing = (typeof MISSING)[number];

export type Numbers = Float32Array | Int32Array;

export interface Dataset {
  readonly rows: number;
  /** Each input, then each target, row-major. */
  readonly tensors: readonly Values[];
  /** The columns of each tensor, if they have names. */
  readonly columns?: readonly (readonly string[])[];
  /** The group of each row, for splits that keep groups together. */
  readonly groups?: Int32Array | undefined;
  /** The file of each row, where a row is a file: images. */
  readonly files?: readonly string[];
  /** Notes about how values were converted. */
  readonly remarks?: readonly string[];
  /** What the encoding of columns, classes and tokens rests on. */
  readonly learned?: Learned;
}

/** Reads a file that the first one refers to. */
export type Beside = (path: string) => Uint8Array;

export interface Wanted {
  readonly name: string;
  readonly type: TensorType;
  readonly what: string;
  /** The default name of the first input or a single target. */
  readonly plain: 'x' | 'y' | undefined;
}

/** Each input, then each target. */
export const wantedOf = ({ inputs, targets }: Needs): Wanted[] => [
  ...inputs.map((i, k) => ({
    ...i,
    what: inputs.length === 1 ? 'the input' : `the input '${i.name}'`,
    plain: k === 0 ? ('x' as const) : undefined,
  })),
  ...targets.map((t) =>
    targets.length === 1
      ? { name: 'y', type: t.type, what: 'the target', plain: 'y' as const }
      : { name: t.shown, type: t.type, what: `the target '${t.shown}'`, plain: undefined },
  ),
];
