import type { Init } from './base/init.ts';
import type { ScalarExpr } from './base/scalar.ts';
import type { StorageType } from './base/types.ts';
import type { About } from './runtime/api.ts';
import type { BackendName, Sections } from './sections.ts';

/** Runtimes refuse plans of other versions. */
export const PLAN_VERSION = 7;

/**
 * The compiled program as plain JSON. The runtime knows nothing else: a plan can be saved, compared, embedded in a page and run by a few
 * kilobytes of code.
 */
export interface Plan {
  readonly format: 'nnc-plan';
  readonly version: typeof PLAN_VERSION;
  readonly name: string;
  /** FNV-1a hash of everything that is computed: independent of the device and the length of a run, but not of the batch. */
  readonly identity: string;
  readonly level: number;
  /** All buffers on the device, except the uniforms and the readback ring. */
  readonly arenas: readonly Arena[];
  readonly programs: Readonly<Record<string, PlanProgram>>;
  /** The code of the programs: one section per backend that the plan was made for. */
  readonly backends: Sections;
  /** Backends whose sections are in files of their own, which whoever loads the plan brings. */
  readonly elsewhere?: readonly BackendName[] | undefined;
  readonly scalars: readonly PlanScalar[];
  /** The tensors of the weights: parameters, then states such as running means. */
  readonly params: readonly PlanParam[];
  /** Counters that weights also hold and the host updates: nothing reads them, but PyTorch has them. */
  readonly counters: readonly PlanCounter[];
  /** Optimizer states for checkpoints, by name. */
  readonly slots: readonly PlanTensor[];
  /** Examples to train on; with `capacity`, any number up to `rows`. */
  readonly data:
    | {
        readonly rows: number;
        readonly capacity: boolean;
        readonly tensors: readonly PlanTensor[];
        /** The tensors hold the examples of so many steps, in the order of the steps; the host brings them before each chunk. */
        readonly window?: { readonly steps: number; readonly shuffle: boolean } | undefined;
      }
    | undefined;
  /**
   * Held-out examples. Either the program `holdout` judges all at once; or it takes a batch at a time and makes some values of each row, which
   * the program `judge` takes for all rows.
   */
  readonly holdout:
    | {
        readonly rows: number;
        readonly tensors: readonly PlanTensor[];
        readonly batch?: number;
        /** Outputs of `holdout`, and the inputs of `judge`: these outputs, or examples. */
        readonly made?: readonly PlanTensor[];
        readonly judged?: readonly PlanTensor[];
      }
    | undefined;
  readonly predict: {
    readonly rows: number;
    readonly inputs: readonly PlanTensor[];
    readonly output: PlanTensor;
  };
  /** The outputs of the program `watch`. */
  readonly watch: readonly PlanTensor[];
  /** One position of a text model: all tokens so far [1, T], and the scores of the next token [1, 1, V]. */
  readonly row:
    | {
        readonly input: PlanTensor;
        readonly output: PlanTensor;
        /** All positions at once [1, T, V], which also keeps what later rows need. */
        readonly fill: { readonly input: PlanTensor; readonly output: PlanTensor };
      }
    | undefined;
  readonly train: TrainPlan | undefined;
  /** Names for people; no computation depends on them. */
  readonly about: About;
  /** The most steps in one submit: the length of the uniform and trace buffers. */
  readonly chunk: number;
}

/** The purpose of an arena: `work` holds what lives within a step. */
export type ArenaKind = 'state' | 'data' | 'trace' | 'work';

export interface Arena {
  readonly name: string;
  readonly kind: ArenaKind;
  /** For f16, two elements share a word; the device must have the feature `shader-f16`. */
  readonly dtype: StorageType;
  /** Of four bytes. */
  readonly words: number;
}

/** One step of training, or one batch of predictions. */
export interface PlanProgram {
  /** The places of recorded outputs. */
  readonly trace: Readonly<Record<string, PlanTensor>>;
  /** Approximate floating-point operations of one run. */
  readonly flops: number;
}

/** Word `1 + index` of a step's uniforms; word 0 is the step's slot in the chunk. */
export interface PlanScalar {
  readonly name: string;
  readonly dtype: 'f32' | 'i32';
  readonly expr: ScalarExpr;
}

export interface PlanTensor {
  readonly name: string;
  readonly arena: string;
  /** In elements. */
  readonly offset: number;
  readonly shape: readonly number[];
  readonly dtype: 'f32' | 'i32';
  /** For row numbers of a table: they must be below this, and at least 0. */
  readonly below?: number | undefined;
  /** For labels: how many classes there are, and the label that is ignored, which may be none of them; without classes, numbers from 0 to 1. */
  readonly labels?: { readonly classes?: number | undefined; readonly ignored?: number | undefined } | undefined;
}

export interface PlanParam extends PlanTensor {
  readonly init: Init;
  /** Where training has it, if what is saved is an average: new weights are written there too. */
  readonly copy?: { readonly arena: string; readonly offset: number };
}

export interface PlanCounter {
  readonly name: string;
  readonly perStep: number;
}

export interface TrainPlan {
  readonly steps: number;
  readonly stepsPerEpoch: number;
  readonly batch: number;
  readonly seed: number;
  /** Whether the last step of an epoch runs the program `tail`, because the rows do not divide evenly. */
  readonly tail: boolean;
  readonly classes: number | undefined;
  readonly loss: string;
  /** Traces besides the loss. */
  readonly metrics: readonly string[];
  readonly optimizer: string;
  /** Epochs without a better held-out loss after which training should stop. */
  readonly earlyStop: number | undefined;
}

/** The most elements of a buffer: index arithmetic is 32 bits wide, for byte offsets too. */
export const MAX_ELEMENTS = 2 ** 30;

export const BYTES = 4;
/** The most steps of one submit in the plans that are made. */
export const CHUNK = 512;
/** The most threads that run a plan's WebAssembly together. */
export const MOST_THREADS = 8;
/** The uniforms of one step are bound with a dynamic offset; this size is an alignment that every device accepts. */
export const UNIFORM_BYTES = 256;
/** The word that holds how many steps, from this one on, run the same program. */
export const UNIFORM_COUNT = UNIFORM_BYTES / BYTES - 1;
/** Copies of the trace that may be on their way to the host. */
export const READBACK_SLOTS = 3;

/** Exactly the bytes of device memory that the runtime allocates for a plan. */
export function planBytes(plan: Plan): {
  readonly arenas: number;
  readonly uniforms: number;
  readonly readback: number;
  /** The numbers of the places of loops, on a GPU. */
  readonly places: number;
  readonly total: number;
} {
  const arenas = plan.arenas.reduce((n, a) => n + a.words * BYTES, 0);
  // A loop may start at any step, so there is room for a whole chunk after the last one.
  const uniforms = plan.chunk * UNIFORM_BYTES * (Object.keys(plan.backends.webgpu?.loops ?? {}).length ? 2 : 1);
  const readback = READBACK_SLOTS * traceWords(plan) * BYTES;
  const places = placesOf(plan.backends.webgpu) * UNIFORM_BYTES;
  return { arenas, uniforms, readback, places, total: arenas + uniforms + readback + places };
}

/** The most places of a loop in the code for GPUs. */
export const placesOf = (section: Sections['webgpu']): number =>
  Object.values(section?.programs ?? {}).reduce((most, list) => list.reduce((n, d) => Math.max(n, d.loop?.times ?? 0), most), 0);

/** Words of the trace arena. */
export function traceWords(plan: Plan): number {
  return plan.arenas.find((a) => a.name === 'trace')?.words ?? 0;
}

/** Advice for an arena that does not fit; `batch` is one that should. */
export function smaller(arena: string, batch = 0): string {
  if (arena === 'state') return 'make the model smaller: parameters and optimizer state do not depend on the batch';
  return arena.endsWith('data')
    ? 'train on fewer examples at once: the data stays on the device'
    : `use a smaller batch${batch > 0 ? `: one of ${batch} should fit` : ''}`;
}
