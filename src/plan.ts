import type { Init } from './base/init.ts';
import type { ScalarExpr } from './base/scalar.ts';
import type { StorageType } from './base/types.ts';
import type { About } from './runtime/api.ts';

/**
 * The compiled program as plain JSON data. The runtime knows nothing else: a plan can be saved, compared, embedded in a
 * page and run by a few kilobytes of code.
 */
export interface Plan {
  readonly format: 'nnc-plan';
  readonly version: 5;
  readonly name: string;
  /** FNV-1a of everything that is computed: the same for runs of other lengths and on other devices, another for other batches. */
  readonly identity: string;
  readonly level: number;
  /** What a WebGPU device must have beyond what every one has, as the standard calls it. */
  readonly features: readonly string[];
  /** Every buffer that exists on the device besides the tick and the read-back rings. */
  readonly arenas: readonly Arena[];
  readonly kernels: readonly PlanKernel[];
  /** The kernels of the CPU device. */
  readonly cpu: readonly CpuKernel[];
  /** The same as WebAssembly, which runs several times as fast; undefined where the arenas do not fit into its memory. */
  readonly wasm: WasmCode | undefined;
  readonly programs: Readonly<Record<string, Program>>;
  /** Programs, by name, that one workgroup repeats for many steps in one dispatch. */
  readonly loops: Readonly<Record<string, PlanLoop>>;
  readonly scalars: readonly PlanScalar[];
  /** Everything that weights hold: trained parameters, then states such as running means. */
  readonly params: readonly PlanParam[];
  /** Numbers that weights hold besides, which the host counts: nothing reads them, and PyTorch has them. */
  readonly counters: readonly PlanCounter[];
  /** Optimizer state that a checkpoint needs, by name. */
  readonly slots: readonly PlanTensor[];
  readonly data: { readonly rows: number; readonly tensors: readonly PlanTensor[] } | undefined;
  /** Examples that are held out, for the program `held`. */
  readonly held: { readonly rows: number; readonly tensors: readonly PlanTensor[] } | undefined;
  readonly predict: { readonly rows: number; readonly inputs: readonly PlanTensor[]; readonly output: PlanTensor };
  readonly train: TrainPlan | undefined;
  /** What people call things; nothing that is computed depends on it. */
  readonly about: About;
  /** Most steps that one submit may hold: the length of the tick and trace buffers. */
  readonly chunk: number;
}

export interface Arena {
  readonly name: string;
  /** Of f16 there are two elements in a word; the device must have the feature `shader-f16` then. */
  readonly dtype: StorageType;
  /** Of four bytes. */
  readonly words: number;
}

export interface PlanKernel {
  readonly name: string;
  readonly wgsl: string;
  readonly bindings: readonly { readonly access: 'read' | 'read_write' }[];
  /** Threads side by side that read for one another, which needs the feature `subgroups`; 1 where none do. */
  readonly subgroup: number;
  /** Lanes join by operations of subgroups, of whatever size, which needs the feature too. */
  readonly joins: boolean;
  /** Uses matrix units, which needs the feature `chromium-experimental-subgroup-matrix`. */
  readonly matrices: boolean;
  /** Reads the scalars of the step. */
  readonly ticks: boolean;
  readonly workgroups: readonly [number, number];
}

/** Any number of steps, for any number of nets: workgroup n trains net n on its own part of state and trace. */
export interface PlanLoop {
  readonly wgsl: string;
  /** Whole arenas; all but the data hold a part for each net. */
  readonly bindings: readonly { readonly arena: string; readonly access: 'read' | 'read_write' }[];
}

export interface CpuKernel {
  readonly name: string;
  /** Body of a JavaScript function of (windows, tick, lib). */
  readonly js: string;
}

/**
 * All programs as one WebAssembly module (with SIMD) over one memory that holds all arenas, which it imports as `env.memory`.
 * It exports `run(rank, threads)`, which does the steps that lie on the desk, `work(rank, threads)`, which helpers run until
 * they are told to stop, and each kernel as `k0`, `k1`, ... Everything here is counted in bytes but the pages.
 */
export interface WasmCode {
  /** The module in base64. */
  readonly module: string;
  /** The byte of the module that says whether its memory is shared by threads: 1 for one thread, 3 for more. */
  readonly sharing: number;
  /** Pages of 64 KiB that the memory has. */
  readonly pages: number;
  /** Where each arena starts. */
  readonly arenas: Readonly<Record<string, number>>;
  /** Where the ticks start. */
  readonly ticks: number;
  /** Memory that kernels may use while they run: the first thread's, then those of the others. */
  readonly scratch: number;
  readonly desk: WasmDesk;
  /** The kernels that each program runs, one after the other; `run` knows programs by their places here. */
  readonly programs: readonly { readonly name: string; readonly calls: readonly WasmCall[] }[];
}

/** Words by which the host hands out work and threads find each other. */
export interface WasmDesk {
  /** Changes with each chunk of steps; -1 sends the helpers home. */
  readonly job: number;
  /** Steps of the chunk. */
  readonly count: number;
  /** For each step, which program. */
  readonly steps: number;
  /** Helpers that are there. */
  readonly ready: number;
  /** Helpers that sleep. */
  readonly sleepers: number;
}

/** One run of a kernel of the module. */
export interface WasmCall {
  readonly kernel: number;
  /** Addresses. */
  readonly windows: readonly number[];
  /** Points of the outermost axis, which threads may divide. */
  readonly points: number;
  /** About how many instructions it takes. */
  readonly work: number;
  readonly shared: boolean;
}

/** One run of a kernel on its data. */
export interface Dispatch {
  readonly kernel: number;
  /** The parts of arenas that it sees, in the order of its bindings. */
  readonly windows: readonly Window[];
  readonly name: string;
  /** What it stores, and the place in the program that asks for it. */
  readonly about: readonly string[];
  /** Floating-point operations, and bytes of everything that it reads and writes. */
  readonly flops: number;
  readonly bytes: number;
}

/** In words. */
export interface Window {
  readonly arena: string;
  readonly start: number;
  readonly words: number;
}

/** One step of training, or one batch of predictions. */
export interface Program {
  /** On the GPU, in the order in which they run. */
  readonly dispatches: readonly Dispatch[];
  /** The same on the CPU. */
  readonly calls: readonly Dispatch[];
  /** Where recorded outputs lie. */
  readonly trace: Readonly<Record<string, PlanTensor>>;
  /** Floating-point operations of one run, about. */
  readonly flops: number;
}

/** Word `1 + index` of the tick; word 0 is the slot in the chunk. */
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
/** Threads that may run a plan as WebAssembly together. */
export const MOST_THREADS = 8;
/** A tick is one dynamic uniform binding: its size is the alignment that every device takes. */
export const TICK_BYTES = 256;
/** Word of a tick that says for how many steps from it on the same program runs. */
export const TICK_COUNT = TICK_BYTES / BYTES - 1;
/** Copies of the trace on their way to the host. */
export const READBACK_SLOTS = 3;

/** Bytes of device memory that the runtime allocates for a plan: no more, no less. */
export function planBytes(plan: Plan): {
  readonly arenas: number;
  readonly ticks: number;
  readonly readback: number;
  readonly total: number;
} {
  const arenas = plan.arenas.reduce((n, a) => n + a.words * BYTES, 0);
  // A loop takes its steps from any place on, so that there is room for a whole chunk behind the last.
  const ticks = plan.chunk * TICK_BYTES * (Object.keys(plan.loops).length ? 2 : 1);
  const readback = READBACK_SLOTS * traceWords(plan) * BYTES;
  return { arenas, ticks, readback, total: arenas + ticks + readback };
}

/** Words of the arena that records outputs. */
export function traceWords(plan: Plan): number {
  return plan.arenas.find((a) => a.name === 'trace')?.words ?? 0;
}
