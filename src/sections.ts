/**
 * The code that a plan carries: one section for each backend. A backend's `emit` makes its section, and its session in the runtime
 * opens it; nothing else looks inside.
 */
export interface Sections {
  readonly webgpu?: WebGpuSection | undefined;
  /** Undefined as well where the arenas do not fit into its memory. */
  readonly wasm?: WasmSection | undefined;
  /** Stands in for `wasm` in pages that forbid WebAssembly. */
  readonly js?: JsSection | undefined;
}

export type BackendName = keyof Sections;

export interface WebGpuSection {
  /** What a device must have beyond what every one has, as the standard calls it. */
  readonly features: readonly string[];
  readonly kernels: readonly WgslKernel[];
  /** The dispatches of each program, in the order in which they run. */
  readonly programs: Readonly<Record<string, readonly Dispatch[]>>;
  /** Programs that one workgroup repeats for many steps in one dispatch. */
  readonly loops: Readonly<Record<string, WgslLoop>>;
}

export interface WgslKernel {
  readonly name: string;
  readonly wgsl: string;
  readonly bindings: readonly { readonly access: 'read' | 'read_write' }[];
  /** Threads side by side that read for one another, which needs the feature `subgroups`; 1 where none do. */
  readonly subgroup: number;
  /** Lanes join by operations of subgroups, of whatever size, which needs the feature too. */
  readonly collectives: boolean;
  /** Uses matrix units, which needs the feature `chromium-experimental-subgroup-matrix`. */
  readonly matrices: boolean;
  /** Reads the scalars of the step. */
  readonly uniforms: boolean;
  readonly workgroups: readonly [number, number];
}

/** Any number of steps, for any number of nets: workgroup n trains net n on its own part of state and trace. */
export interface WgslLoop {
  readonly wgsl: string;
  /** Whole arenas; all but the data hold a part for each net. */
  readonly bindings: readonly { readonly arena: string; readonly access: 'read' | 'read_write' }[];
}

/** One run of a kernel on its data. */
export interface Dispatch {
  readonly kernel: number;
  /** The parts of arenas that it sees, in the order of its bindings. */
  readonly ranges: readonly ArenaRange[];
  readonly name: string;
  /** What it stores, and the place in the program that asks for it. */
  readonly about: readonly string[];
  /** Floating-point operations, and bytes of everything that it reads and writes. */
  readonly flops: number;
  readonly bytes: number;
}

/** In words. */
export interface ArenaRange {
  readonly arena: string;
  readonly start: number;
  readonly words: number;
}

export interface JsSection {
  readonly kernels: readonly JsText[];
  readonly programs: Readonly<Record<string, readonly Dispatch[]>>;
}

export interface JsText {
  readonly name: string;
  /** Body of a JavaScript function of (ranges, uniforms, lib). */
  readonly js: string;
}

/**
 * All programs as one WebAssembly module (with SIMD) over one memory that holds all arenas, which it imports as `env.memory`.
 * It exports `run(rank, threads)`, which does the steps that the control block names, `work(rank, threads)`, which helpers run until
 * they are told to stop, and each kernel as `k0`, `k1`, ... Everything here is counted in bytes but the pages.
 */
export interface WasmSection {
  /** The module in base64. */
  readonly module: string;
  /** The byte of the module that says whether its memory is shared by threads: 1 for one thread, 3 for more. */
  readonly sharing: number;
  /** Pages of 64 KiB that the memory has. */
  readonly pages: number;
  /** Where each arena starts. */
  readonly arenas: Readonly<Record<string, number>>;
  /** Where the uniforms start. */
  readonly uniforms: number;
  /** Memory that kernels may use while they run: the first thread's, then those of the others. */
  readonly scratch: number;
  readonly control: WasmControl;
  /** The kernels that each program runs, one after the other; `run` knows programs by their places here. */
  readonly programs: readonly { readonly name: string; readonly calls: readonly WasmCall[] }[];
}

/** Words by which the host hands out work and threads find each other. */
export interface WasmControl {
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
  /** Where what it sees starts. */
  readonly addresses: readonly number[];
  /** Points of the outermost axis, which threads may divide. */
  readonly points: number;
  /** About how many instructions it takes. */
  readonly work: number;
  readonly shared: boolean;
}
