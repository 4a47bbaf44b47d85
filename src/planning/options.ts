import type { Adapter } from '../codegen/backend.ts';
import type { Devices } from '../lower/backends.ts';
import type { Lowered } from '../lower/program.ts';
import type { Observer } from '../passes/pipeline.ts';
import type { Level } from '../passes/schedule/types.ts';
import type { Plan } from '../plan.ts';

export interface CompileOptions {
  /** Examples to train on; undefined compiles for prediction alone. */
  readonly rows?: number | undefined;
  /** `rows` is the most that there may be: any number of them may be given later. */
  readonly capacity?: boolean | undefined;
  /** Examples that are held out, to be evaluated from time to time. */
  readonly holdout?: number | undefined;
  /** Values that the host may ask for between steps: names of the program, and `grad(NAME)` of them. */
  readonly watch?: readonly string[] | undefined;
  /** The order of every epoch is uploaded as data, one after the other, instead of being computed from the seed. */
  readonly givenOrder?: boolean | undefined;
  /** Values that states start with, from the data: means and deviations. */
  readonly statistics?: ReadonlyMap<string, readonly number[]> | undefined;
  readonly level?: Level;
  /** What the GPU kernels are made for; for any GPU where it is not said. */
  readonly adapter?: Adapter | undefined;
  /** Which devices the plan is for; for all where it is not said. */
  readonly devices?: Devices | undefined;
  /** Override what the program says. */
  readonly batch?: number | undefined;
  readonly steps?: number | undefined;
  readonly epochs?: number | undefined;
  readonly seed?: number | undefined;
  /** Numbers of the optimizer in place of the program's. */
  readonly settings?: Readonly<Record<string, number>> | undefined;
  /** Bytes of device memory that the plan may take: the forward pass is computed again in parts until it fits. */
  readonly maxMemory?: number | undefined;
  /** In how many parts the forward pass is computed again by the backward pass; 0 keeps everything that is worth it. */
  readonly recompute?: number | undefined;
  /** What the data calls things. */
  readonly names?: Names | undefined;
  /** Sees every graph after every pass of every program. */
  readonly observe?: (program: string, ...args: Parameters<Observer>) => void;
}

/** What the program and its data call things, for people. */
export interface Names {
  readonly program?: string | undefined;
  /** Columns of each input and target, by name. */
  readonly columns?: ReadonlyMap<string, readonly string[]> | undefined;
  readonly classes?: readonly string[] | undefined;
  readonly vocabulary?: readonly string[] | undefined;
}

export interface Compiled {
  readonly plan: Plan;
  readonly programs: readonly Lowered[];
}

/** Elements of one buffer: index arithmetic is 32 bits wide, in bytes too. */
export const MAX_ELEMENTS = 2 ** 30;
