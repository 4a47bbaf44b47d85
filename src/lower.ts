import { CompilerBug, at, get } from './base/errors.ts';
import { generateJs } from './codegen-js/js.ts';
import { generateWgsl } from './codegen-wgsl/wgsl.ts';
import { generateWasm } from './wasm.ts';
import type { Graph } from './ir/graph/types.ts';
import { loadedAs } from './ir/kernel/functions.ts';
import type { Kernel, MatrixUnit } from './ir/kernel/types.ts';
import { verifyKernel } from './ir/kernel/verify.ts';
import { MARK, assignTransients, leastWords, lifetimes, type ArenaBuilder, type Placed } from './passes/memory/layout.ts';
import { bindBuffers } from './bind.ts';
import { batches } from './passes/schedule/batch.ts';
import { SOFTWARE_COSTS } from './passes/schedule/cost.ts';
import { lowerGroup, type TilingCache, type TilingChoice } from './passes/schedule/lower.ts';
import { CPU_COSTS, cpuTilings } from './passes/schedule/cpu-tiling.ts';
import type { Target } from './passes/schedule/tiling.ts';
import { workOf } from './passes/schedule/work.ts';
import { schedule, type ScheduleOptions } from './passes/schedule/schedule.ts';
import type { Schedule } from './passes/schedule/types.ts';
import type { Arena, CpuKernel, Dispatch, PlanKernel, PlanScalar, PlanTensor, WasmCode } from './plan.ts';

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

/** A program between graph and plan: scheduled, lowered for its devices, with memory assigned. */
export interface Lowered {
  readonly name: string;
  readonly adapter: Adapter;
  readonly schedule: Schedule;
  readonly devices: Devices;
  /** Empty where the plan is not for a GPU. */
  readonly gpu: readonly Kernel[];
  /** Empty where the plan is for a GPU alone. */
  readonly cpu: readonly Kernel[];
  /** The same for one workgroup that does everything; written when it is asked for. */
  readonly loop: () => readonly Kernel[];
  /** Words of transients by arena. */
  readonly scratch: Readonly<Record<string, number>>;
  /** Words of the largest set of transients that are alive at once. */
  readonly least: number;
  /** Which kernels run in one dispatch, in the order of the dispatches. */
  readonly batches: readonly (readonly number[])[];
  readonly wasm: readonly Kernel[];
  readonly placed: ReadonlyMap<string, Placed>;
}

const LONG_LIVED = { state: 'state', data: 'data', trace: 'trace' } as const;

/** Schedules a bound graph, writes its kernels and places its tensors. */
export function lowerProgram(
  name: string,
  graph: Graph,
  arenas: ArenaBuilder,
  options: ScheduleOptions & {
    readonly keepAll?: boolean;
    readonly tiling?: TilingChoice | undefined;
    readonly adapter?: Adapter | undefined;
    readonly devices?: Devices | undefined;
    /** Writes every kernel in the plainest way: enough to know what memory it takes. */
    readonly plain?: boolean | undefined;
  },
): Lowered {
  const adapter = options.adapter ?? ANY_ADAPTER;
  // Of the processor's kernels none reads halves.
  const half = adapter.half && options.devices === 'gpu';
  const devices = options.plain ? 'gpu' : (options.devices ?? 'all');
  const s = schedule(graph, { ...options, half, units: (adapter.units?.length ?? 0) > 0 });
  const kernels = (chosen: Target): Kernel[] => {
    const target = options.plain ? { ...chosen, tiles: false, units: undefined } : chosen;
    const cache: TilingCache = new Map();
    return s.groups.map((g, i) => {
      const kernel = lowerGroup(s, g, i, target, options.tiling, cache);
      verifyKernel(kernel, 'lowering', target.beyond);
      return kernel;
    });
  };
  const gpu = devices === 'cpu' ? [] : kernels(gpuTarget(adapter));
  const cpu = devices === 'gpu' ? [] : kernels(CPU_TARGET);
  const loop = (): Kernel[] => kernels(LOOP_TARGET);
  const wasm = devices === 'gpu' ? [] : kernels(WASM_TARGET);
  // Which tensors a kernel touches is the same for all devices.
  const any = devices === 'cpu' ? cpu : gpu;
  // For looking at every kernel's result, nothing is overwritten.
  const kept = options.keepAll ? new Set(s.tensors.keys()) : new Set(Object.values(s.outputs).map((p) => p.tensor));
  const together = options.level === 0 ? any.map((_, i) => [i]) : batches(any, adapter.bindings);
  const lives = lifetimes(
    together.map((batch) => batch.map((i) => at(any, i))),
    s.tensors,
    kept,
  );
  const transients = assignTransients(lives);
  const placed = new Map(transients.placed);
  for (const t of s.tensors.values()) {
    if (t.kind === 'transient') continue;
    // Tensors' names hold an underscore and arenas' names none, so that they never meet.
    const dtype = loadedAs(t.dtype);
    const arena = MARK[dtype] + LONG_LIVED[t.kind];
    // Data of different programs differ; state and traces are the same everywhere.
    const key = t.kind === 'data' && name !== 'train' && name !== 'tail' ? `${t.name}@${name}` : t.name;
    placed.set(t.name, arenas.place(arena, key, dtype, t.size));
  }
  for (const dtype of ['f32', 'i32', 'f16'] as const) {
    const words = transients.words[`${MARK[dtype]}work`];
    if (words !== undefined) arenas.atLeast(`${MARK[dtype]}work`, dtype, words);
  }
  return {
    name,
    adapter,
    schedule: s,
    devices,
    gpu,
    cpu,
    loop,
    wasm,
    scratch: transients.words,
    least: leastWords(lives),
    batches: together,
    placed,
  };
}

/** The scalars that any of the programs reads, in a fixed order. */
export function collectScalars(programs: readonly Lowered[]): PlanScalar[] {
  const scalars = new Map<string, PlanScalar>();
  for (const { schedule: s } of programs) {
    for (const node of s.graph.nodes) {
      if (node.op !== 'scalar') continue;
      const scalar = { name: node.attrs.name, dtype: node.type.dtype === 'i32' ? 'i32' : 'f32', expr: node.attrs.expr } as const;
      const before = scalars.get(scalar.name);
      if (before && JSON.stringify(before) !== JSON.stringify(scalar)) throw new CompilerBug(`scalar '${scalar.name}' has two meanings`);
      scalars.set(scalar.name, scalar);
    }
  }
  return [...scalars.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The code of all programs; kernels with the same text exist once. */
export interface Generated {
  readonly kernels: readonly PlanKernel[];
  readonly cpu: readonly CpuKernel[];
  /** For each program. */
  readonly dispatches: readonly (readonly Dispatch[])[];
  readonly calls: readonly (readonly Dispatch[])[];
  readonly wasm: WasmCode | undefined;
}

/** Writes the code of all programs, for memory of these arenas and chunks of so many steps. */
export function generate(
  programs: readonly Lowered[],
  scalars: readonly PlanScalar[],
  memory: { readonly arenas: readonly Arena[]; readonly chunk: number },
): Generated {
  const gpu = new Shelf<PlanKernel>();
  const cpu = new Shelf<CpuKernel>();
  const dispatches = programs.map((program) =>
    (program.devices === 'cpu' ? [] : program.batches).map((batch) => {
      const kernels = batch.map((i) => at(program.gpu, i));
      const bound = bindBuffers(kernels, program.placed, program.adapter.bindings);
      const shader = generateWgsl(kernels, {
        ...bound,
        scalars,
        hidesLoops: program.adapter.software,
        collectives: program.adapter.collectives,
      });
      const index = gpu.put(shader.code, () => ({
        name: `${program.name}_${kernels.map((k) => k.name).join('_')}`.slice(0, MAX_NAME),
        wgsl: shader.code,
        bindings: bound.bindings.map(({ access }) => ({ access })),
        subgroup: shader.subgroup,
        joins: shader.joins,
        matrices: shader.matrices,
        ticks: shader.ticks,
        workgroups: shader.workgroups,
      }));
      return dispatchOf(program, kernels, index, bound.bindings);
    }),
  );
  // In the order of the GPU's dispatches, for which the memory was assigned.
  const calls = programs.map((program) =>
    (program.devices === 'gpu' ? [] : program.batches.flat()).map((i) => {
      const kernel = at(program.cpu, i);
      const bound = bindBuffers([kernel], program.placed, Infinity);
      const js = generateJs(kernel, { ...bound, scalars });
      const name = `${program.name}_${kernel.name}`;
      return dispatchOf(
        program,
        [kernel],
        cpu.put(js, () => ({ name, js })),
        bound.bindings,
      );
    }),
  );
  const wasm = programs.some((p) => p.devices === 'gpu')
    ? undefined
    : generateWasm(
        programs.map((p) => ({ name: p.name, placed: p.placed, wasm: p.batches.flat().map((i) => at(p.wasm, i)) })),
        scalars,
        memory,
      );
  return { kernels: gpu.all, cpu: cpu.all, dispatches, calls, wasm };
}

function dispatchOf(program: Lowered, kernels: readonly Kernel[], index: number, bindings: Dispatch['windows']): Dispatch {
  const windows = bindings.map(({ arena, start, words }) => ({ arena, start, words }));
  const name = `${program.name}_${kernels.map((k) => k.name).join('_')}`.slice(0, MAX_NAME);
  const work = kernels.map(workOf);
  return {
    kernel: index,
    windows,
    name,
    about: kernels.flatMap((k) => k.about),
    flops: work.reduce((n, w) => n + w.flops, 0),
    bytes: work.reduce((n, w) => n + w.bytes, 0),
  };
}

/** Names are for people: those of a dispatch of many kernels are cut. */
const MAX_NAME = 120;

/** Things by their text, each once. */
class Shelf<T> {
  readonly all: T[] = [];
  private readonly known = new Map<string, number>();

  put(text: string, make: () => T): number {
    const before = this.known.get(text);
    if (before !== undefined) return before;
    this.known.set(text, this.all.length);
    return this.all.push(make()) - 1;
  }
}

/** Where an output or a named tensor lies. */
export function planTensor(program: Lowered, tensor: string, name: string, shape: readonly number[], extra = 0): PlanTensor {
  const t = get(program.schedule.tensors, tensor, 'tensor');
  const { arena, offset } = get(program.placed, tensor, 'place');
  return { name, arena, offset: offset + extra, shape, dtype: loadedAs(t.dtype) };
}
