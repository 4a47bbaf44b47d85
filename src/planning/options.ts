import type { Learned } from '../base/learned.ts';
import type { Adapter } from '../codegen/backend.ts';
import type { Devices } from '../lower/backends.ts';
import type { Lowered } from '../lower/program.ts';
import type { Observer } from '../passes/pipeline.ts';
import type { Level } from '../passes/schedule/types.ts';
import type { Plan } from '../plan.ts';

export interface CompileOptions {
  /** Examples to train on; undefined compiles only for prediction. */
  readonly rows?: number | undefined;
  /** `rows` is an upper bound; the number of examples may be smaller, and may change. */
  readonly capacity?: boolean | undefined;
  /** Examples that are known to be predicted together; without it, a plan for prediction keeps what a single one costs low. */
  readonly predictions?: number | undefined;
  /** Held-out examples, which are evaluated from time to time. */
  readonly holdout?: number | undefined;
  /** Values that the host may ask for between steps: names from the program, and `grad(NAME)` of them. */
  readonly watch?: readonly string[] | undefined;
  /**
   * Plans for generating text: with the program that computes one position at a time (an error if the model has none), or with predictions of
   * one whole window.
   */
  readonly generate?: 'rows' | 'windows' | undefined;
  /** The order of all epochs is uploaded as data instead of being computed from the seed. */
  readonly givenOrder?: boolean | undefined;
  /** Bytes of training examples that may lie on the device at once; if there are more, the host brings those of the next steps. */
  readonly resident?: number | undefined;
  /** Initial values of states that come from the data: means and deviations. */
  readonly statistics?: ReadonlyMap<string, readonly number[]> | undefined;
  readonly level?: Level;
  /** The GPU that kernels are made for; by default any GPU. */
  readonly adapter?: Adapter | undefined;
  /** The devices that the plan is for; by default all. */
  readonly devices?: Devices | undefined;
  /** These override the program. */
  readonly batch?: number | undefined;
  readonly steps?: number | undefined;
  readonly epochs?: number | undefined;
  readonly seed?: number | undefined;
  /** Optimizer settings that override the program's. */
  readonly settings?: Readonly<Record<string, number>> | undefined;
  /** Bytes of device memory that the plan may take; the forward pass is recomputed in segments until it fits. */
  readonly maxMemory?: number | undefined;
  /** The number of segments in which the backward pass recomputes the forward pass; 0 for none. */
  readonly recompute?: number | undefined;
  /** Names from the data. */
  readonly names?: Names | undefined;
  /** Called with every graph after every pass of every program. */
  readonly observe?: (program: string, ...args: Parameters<Observer>) => void;
}

/** Names from the program and its data, for people. */
export interface Names {
  readonly program?: string | undefined;
  /** The columns of each target, by name. */
  readonly targets?: ReadonlyMap<string, readonly string[]> | undefined;
  /** Columns of inputs, classes of targets, and the vocabulary. */
  readonly learned?: Learned | undefined;
}

export interface Compiled {
  readonly plan: Plan;
  readonly programs: readonly Lowered[];
}
