import type { Precision } from '../base/types.ts';
import type { MatrixUnit } from '../ir/kernel/types.ts';
import { SOFTWARE_COSTS } from '../passes/schedule/cost.ts';
import { CPU_COSTS, cpuTilings } from '../passes/schedule/cpu-tiling.ts';
import type { Target } from '../passes/schedule/tiling.ts';

/** What the kernels are made for. */
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

/** What every device takes. */
export const ANY_ADAPTER: Adapter = { software: false, bindings: 8, subgroup: 1, collectives: false, half: false };

const HARDWARE: Target = { lanes: 64, tiles: true, masked: true, sharesLoads: true, registers: 64, threads: 4096 };
const SOFTWARE: Target = {
  lanes: 64,
  tiles: true,
  masked: true,
  sharesLoads: true,
  registers: 16,
  shared: 64,
  rerolls: true,
  threads: 64,
  costs: SOFTWARE_COSTS,
};
export const LOOP_TARGET: Target = { lanes: 1, tiles: false, masked: true, sharesLoads: true, registers: 8, threads: 64 };
export const CPU_TARGET: Target = { lanes: 1, tiles: false, masked: false, registers: 8, threads: 1 };
/** WebAssembly with SIMD: sixteen registers of vectors, some of which hold operands. */
export const WASM_TARGET: Target = {
  lanes: 1,
  tiles: true,
  masked: false,
  registers: 12,
  threads: 1,
  costs: CPU_COSTS,
  worthTrying: 20_000,
  beyond: 4,
  candidates: cpuTilings,
};

/** Which devices a plan is for: what the others need is not written. */
export type Devices = 'all' | 'gpu' | 'cpu';

/** What kernels for an adapter are made for. */
export function gpuTarget(adapter: Adapter): Target {
  const { software, subgroup, tuned, units } = adapter;
  return software ? { ...SOFTWARE, subgroup, tuned, units } : { ...HARDWARE, tuned, units };
}

/** Which devices the plans of a program are for: numbers of two bytes are for GPUs alone, and a software one is hardly the faster device. */
export function devicesFor(
  { precision }: { readonly precision: Precision },
  { adapter, devices }: { readonly adapter: Adapter; readonly devices: Devices },
): Devices {
  return precision === 'f16' && adapter.half && !adapter.software && devices === 'all' ? 'gpu' : devices;
}
