import type { Kernel, MatrixUnit } from '../ir/kernel/types.ts';
import type { Placed, TransientWords } from '../passes/memory/layout.ts';
import type { Target } from '../passes/schedule/tiling.ts';
import type { Arena, PlanScalar } from '../plan.ts';
import type { BackendName, Sections } from '../sections.ts';

/** The GPU that kernels are made for. */
export interface Adapter {
  /** A driver that runs WebGPU on a CPU: it has few registers and compiles slowly. */
  readonly software: boolean;
  /** Storage buffers per kernel (maxStorageBuffersPerShaderStage). */
  readonly bindings: number;
  /** Size of subgroups that are guaranteed and whose threads may load for one another; 1 if there are none. */
  readonly subgroup: number;
  /** Whether reductions may use subgroup operations, for any subgroup size (the feature `subgroups`). */
  readonly collectives: boolean;
  /** Whether memory may hold binary16 (the feature `shader-f16`). */
  readonly half: boolean;
  /** Matrix units that products may use, if requested. */
  readonly units?: readonly MatrixUnit[] | undefined;
  /** Measured tilings, by the hash of what a kernel computes. */
  readonly tuned?: ReadonlyMap<string, string> | undefined;
}

/** What every GPU supports. */
export const ANY_ADAPTER: Adapter = { software: false, bindings: 8, subgroup: 1, collectives: false, half: false };

/** A scheduled program with its tensors placed, as a backend sees it. */
export interface ScheduledProgram {
  readonly name: string;
  readonly adapter: Adapter;
  readonly placed: ReadonlyMap<string, Placed>;
  readonly scratch: TransientWords;
  /** The kernels of each dispatch, in the order of the dispatches. */
  readonly batches: readonly (readonly number[])[];
  /** The dispatches that are repeated. */
  readonly loops: readonly LoopRange[];
  /** The kernels, tiled for each backend that the plan is for. */
  readonly kernels: Readonly<Partial<Record<BackendName, readonly Kernel[]>>>;
  /** The same kernels, tiled for another target. */
  readonly write: (target: Target) => readonly Kernel[];
}

/** Dispatches that run one after another, and all of them again for each place of a loop. */
export interface LoopRange {
  readonly first: number;
  readonly count: number;
  readonly times: number;
}

/** What all programs of a plan share. */
export interface PlanMemory {
  readonly arenas: readonly Arena[];
  readonly scalars: readonly PlanScalar[];
  /** The most steps in one submit. */
  readonly chunk: number;
  /** Whether one workgroup may repeat a program; not if everything must be stored. */
  readonly loops: boolean;
}

/** Everything that the compiler knows about a kind of machine that runs kernels. `lower/backends.ts` lists them. */
export interface Backend {
  readonly name: BackendName;
  readonly device: 'gpu' | 'cpu';
  /** What makes kernels fast on it: threads, registers, costs. */
  target(adapter: Adapter): Target;
  /** The code of all programs as a section of a plan; nothing if they need more memory than the backend can have. */
  emit(programs: readonly ScheduledProgram[], memory: PlanMemory): Sections;
}
