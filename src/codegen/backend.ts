import type { Kernel, MatrixUnit } from '../ir/kernel/types.ts';
import type { Placed, TransientWords } from '../passes/memory/layout.ts';
import type { Target } from '../passes/schedule/tiling.ts';
import type { Arena, PlanScalar } from '../plan.ts';
import type { BackendName, Sections } from '../sections.ts';

/** The GPU that kernels are made for. */
export interface Adapter {
  /** A driver that runs WebGPU on a CPU: registers are few and compiling is slow. */
  readonly software: boolean;
  /** Storage buffers that a kernel may see (maxStorageBuffersPerShaderStage). */
  readonly bindings: number;
  /** Threads of a workgroup that are certain to run side by side and may read for one another; 1 where there are none. */
  readonly subgroup: number;
  /** Whether lanes of a workgroup join their results by subgroups, of any size (the feature `subgroups`). */
  readonly collectives: boolean;
  /** Whether numbers may lie in memory as binary16 (the feature `shader-f16`). */
  readonly half: boolean;
  /** Matrix units that products may use, where that was asked for. */
  readonly units?: readonly MatrixUnit[] | undefined;
  /** Tilings that were measured on it, by the hash of what a kernel computes. */
  readonly tuned?: ReadonlyMap<string, string> | undefined;
}

/** What every GPU takes. */
export const ANY_ADAPTER: Adapter = { software: false, bindings: 8, subgroup: 1, collectives: false, half: false };

/** A scheduled program whose tensors have their places, as a backend sees it. */
export interface ScheduledProgram {
  readonly name: string;
  readonly adapter: Adapter;
  readonly placed: ReadonlyMap<string, Placed>;
  readonly scratch: TransientWords;
  /** Which kernels run in one dispatch, in the order of the dispatches. */
  readonly batches: readonly (readonly number[])[];
  /** The kernels, tiled for each backend that the plan is for. */
  readonly kernels: Readonly<Partial<Record<BackendName, readonly Kernel[]>>>;
  /** The same kernels, tiled for something else. */
  readonly write: (target: Target) => readonly Kernel[];
}

/** What all programs of a plan share. */
export interface PlanMemory {
  readonly arenas: readonly Arena[];
  readonly scalars: readonly PlanScalar[];
  /** Most steps that one submit may hold. */
  readonly chunk: number;
  /** Whether a program may be repeated by one workgroup: not where everything is to be stored. */
  readonly loops: boolean;
}

/** Everything that the compiler knows of a kind of machine that runs kernels. Those that there are: `lower/backends.ts`. */
export interface Backend {
  readonly name: BackendName;
  readonly device: 'gpu' | 'cpu';
  /** What makes kernels fast there: threads, registers, costs. */
  target(adapter: Adapter): Target;
  /** The code of all programs as a section of a plan; nothing where the memory is more than it can have. */
  emit(programs: readonly ScheduledProgram[], memory: PlanMemory): Sections;
}
