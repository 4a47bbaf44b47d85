import type { Init } from './base/init.ts';
import type { ScalarExpr } from './base/scalar.ts';
import type { StorageType } from './base/types.ts';
import type { About } from './runtime/api.ts';
import type { Sections } from './sections.ts';

/** Runners refuse plans of other versions. */
export const PLAN_VERSION = 6;

/**
 * The compiled program as plain JSON data. The runtime knows nothing else: a plan can be saved, compared, embedded in a
 * page and run by a few kilobytes of code.
 */
export interface Plan {
  readonly format: 'nnc-plan';
  readonly version: typeof PLAN_VERSION;
  readonly name: string;
  /** FNV-1a of everything that is computed: the same for runs of other lengths and on other devices, another for other batches. */
  readonly identity: string;
  readonly level: number;
  /** Every buffer that exists on the device besides the steps' uniforms and the read-back ring. */
  readonly arenas: readonly Arena[];
  readonly programs: Readonly<Record<string, PlanProgram>>;
  /** The code of the programs, one section for each backend that the plan was made for. */
  readonly backends: Sections;
  readonly scalars: readonly PlanScalar[];
  /** Everything that weights hold: trained parameters, then states such as running means. */
  readonly params: readonly PlanParam[];
  /** Numbers that weights hold besides, which the host counts: nothing reads them, and PyTorch has them. */
  readonly counters: readonly PlanCounter[];
  /** Optimizer state that a checkpoint needs, by name. */
  readonly slots: readonly PlanTensor[];
  /** Examples to train on; with `capacity`, any number up to `rows`. */
  readonly data: { readonly rows: number; readonly capacity: boolean; readonly tensors: readonly PlanTensor[] } | undefined;
  /** Examples that are held out, for the program `holdout`. */
  readonly holdout: { readonly rows: number; readonly tensors: readonly PlanTensor[] } | undefined;
  readonly predict: { readonly rows: number; readonly inputs: readonly PlanTensor[]; readonly output: PlanTensor };
  /** What the program `watch` computes for whoever looks on. */
  readonly watch: readonly PlanTensor[];
  readonly train: TrainPlan | undefined;
  /** What people call things; nothing that is computed depends on it. */
  readonly about: About;
  /** Most steps that one submit may hold: the length of the uniform and trace buffers. */
  readonly chunk: number;
}

/** What an arena is for: `work` holds what lives within a step. */
export type ArenaKind = 'state' | 'data' | 'trace' | 'work';

export interface Arena {
  readonly name: string;
  readonly kind: ArenaKind;
  /** Of f16 there are two elements in a word; the device must have the feature `shader-f16` then. */
  readonly dtype: StorageType;
  /** Of four bytes. */
  readonly words: number;
}

/** One step of training, or one batch of predictions. */
export interface PlanProgram {
  /** Where recorded outputs lie. */
  readonly trace: Readonly<Record<string, PlanTensor>>;
  /** Floating-point operations of one run, about. */
  readonly flops: number;
}

/** Word `1 + index` of a step's uniforms; word 0 is the slot in the chunk. */
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
}

export interface PlanParam extends PlanTensor {
  readonly init: Init;
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
  /** The last step of an epoch runs this program, where the rows do not divide evenly. */
  readonly tail: boolean;
  readonly classes: number | undefined;
  readonly loss: string;
  /** Traces besides the loss. */
  readonly metrics: readonly string[];
  readonly optimizer: string;
}

export const BYTES = 4;
/** Most steps of one submit, as plans are made. */
export const CHUNK = 512;
/** Threads that may run a plan as WebAssembly together. */
export const MOST_THREADS = 8;
/** The numbers of one step are a uniform binding with a dynamic offset: its size is the alignment that every device takes. */
export const UNIFORM_BYTES = 256;
/** The word that says for how many steps from it on the same program runs. */
export const UNIFORM_COUNT = UNIFORM_BYTES / BYTES - 1;
/** Copies of the trace on their way to the host. */
export const READBACK_SLOTS = 3;

/** Bytes of device memory that the runtime allocates for a plan: no more, no less. */
export function planBytes(plan: Plan): {
  readonly arenas: number;
  readonly uniforms: number;
  readonly readback: number;
  readonly total: number;
} {
  const arenas = plan.arenas.reduce((n, a) => n + a.words * BYTES, 0);
  // A loop takes its steps from any place on, so that there is room for a whole chunk behind the last.
  const uniforms = plan.chunk * UNIFORM_BYTES * (Object.keys(plan.backends.webgpu?.loops ?? {}).length ? 2 : 1);
  const readback = READBACK_SLOTS * traceWords(plan) * BYTES;
  return { arenas, uniforms, readback, total: arenas + uniforms + readback };
}

/** Words of the arena that records outputs. */
export function traceWords(plan: Plan): number {
  return plan.arenas.find((a) => a.name === 'trace')?.words ?? 0;
}
