/**
 * The code in a plan: one section per backend. A backend's `emit` makes its section, and its session in the runtime opens it; nothing else
 * looks inside.
 */
export interface Sections {
  readonly webgpu?: WebGpuSection | undefined;
  /** Also undefined if the arenas do not fit into its memory. */
  readonly wasm?: WasmSection | undefined;
  /** Replaces `wasm` in pages that forbid WebAssembly. */
  readonly js?: JsSection | undefined;
}

export type BackendName = keyof Sections;

export interface WebGpuSection {
  /** Optional WebGPU features that the device must have, by their standard names. */
  readonly features: readonly string[];
  readonly kernels: readonly WgslKernel[];
  /** The dispatches of each program, in execution order. */
  readonly programs: Readonly<Record<string, readonly Dispatch[]>>;
  /** Programs that one workgroup can repeat for many steps in a single dispatch. */
  readonly loops: Readonly<Record<string, WgslLoop>>;
}

export interface WgslKernel {
  readonly name: string;
  readonly wgsl: string;
  readonly bindings: readonly { readonly access: 'read' | 'read_write' }[];
  /** Size of a subgroup whose threads load for one another, which needs the feature `subgroups`; 1 if none do. */
  readonly subgroup: number;
  /** Reductions use subgroup operations, of any subgroup size, which needs that feature too. */
  readonly collectives: boolean;
  /** Uses matrix units, which needs the feature `chromium-experimental-subgroup-matrix`. */
  readonly matrices: boolean;
  /** Reads the step's uniforms. */
  readonly uniforms: boolean;
  /** Reads the place of the loop around it. */
  readonly places: boolean;
  readonly workgroups: readonly [number, number];
}

/** Runs any number of steps for any number of nets: workgroup n trains net n on its own part of state and trace. */
export interface WgslLoop {
  readonly wgsl: string;
  /** Whole arenas; all except the data have a part for each net. */
  readonly bindings: readonly { readonly arena: string; readonly access: 'read' | 'read_write' }[];
}

/**
 * A loop around a dispatch or a call: it and its neighbours with the same number run one after another, and all of them again, so many
 * times.
 */
export interface Repeat {
  readonly number: number;
  readonly times: number;
}

/** One run of a kernel on its data. */
export interface Dispatch {
  readonly kernel: number;
  /** The ranges of arenas that it sees, in the order of its bindings. */
  readonly ranges: readonly ArenaRange[];
  readonly name: string;
  /** What it stores, and where in the program that comes from. */
  readonly about: readonly string[];
  /** Floating-point operations, and bytes that it reads and writes, each time. */
  readonly flops: number;
  readonly bytes: number;
  readonly loop?: Repeat;
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
 * All programs as one WebAssembly module (with SIMD) over one memory that holds all arenas and is imported as `env.memory`. Exports:
 * `run(rank, threads)` runs the steps in the control block, `work(rank, threads)` is the loop of a helper thread until it is told to stop,
 * and `k0`, `k1`, ... are the kernels. Everything here is in bytes, except the pages.
 */
export interface WasmSection {
  /** The module in base64. */
  readonly module: string;
  /** The byte of the module that says whether its memory is shared: 1 for one thread, 3 for several. */
  readonly sharing: number;
  /** The memory's size in pages of 64 KiB. */
  readonly pages: number;
  /** Where each arena starts. */
  readonly arenas: Readonly<Record<string, number>>;
  /** Where the uniforms start. */
  readonly uniforms: number;
  /** Scratch memory of the kernels: the first thread's, then those of the others. */
  readonly scratch: number;
  readonly control: WasmControl;
  /** The kernels of each program in execution order; `run` refers to programs by their index here. */
  readonly programs: readonly { readonly name: string; readonly calls: readonly WasmCall[] }[];
}

/** Addresses of the words by which the host hands out work and threads synchronise. */
export interface WasmControl {
  /** Changes with each chunk of steps; -1 tells helpers to stop. */
  readonly job: number;
  /** Steps of the chunk. */
  readonly count: number;
  /** The program index of each step. */
  readonly steps: number;
  /** Helpers that have started. */
  readonly ready: number;
  /** Helpers that are asleep. */
  readonly sleepers: number;
}

/** One run of a kernel of the module. */
export interface WasmCall {
  readonly kernel: number;
  /** The addresses of its bindings. */
  readonly addresses: readonly number[];
  /** Points of the outermost axis, which may be divided among threads. */
  readonly points: number;
  /** Approximate number of instructions, each time. */
  readonly work: number;
  readonly shared: boolean;
  readonly loop?: Repeat;
}

/** How often a dispatch or a call runs in a step. */
export const timesOf = ({ loop }: { readonly loop?: Repeat }): number => loop?.times ?? 1;

/** Dispatches or calls in their order, those of a loop together. */
export function runsOf<T extends { readonly loop?: Repeat }>(
  list: readonly T[],
): { readonly times: number; readonly items: readonly T[] }[] {
  const runs: { times: number; number: number | undefined; items: T[] }[] = [];
  for (const item of list) {
    const { number, times = 1 } = item.loop ?? { number: undefined };
    const last = runs.at(-1);
    if (last && last.number === number) last.items.push(item);
    else runs.push({ times, number, items: [item] });
  }
  return runs;
}

/** Runs dispatches or calls in their order, those of loops once for each place. */
export function inTurn<T extends { readonly loop?: Repeat }>(list: readonly T[], run: (item: T, place: number) => void): void {
  for (const { times, items } of runsOf(list)) for (let place = 0; place < times; place++) for (const item of items) run(item, place);
}
