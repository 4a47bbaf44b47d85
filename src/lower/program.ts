import { at } from '../base/errors.ts';
import type { Graph } from '../ir/graph/types.ts';
import { loadedAs } from '../ir/kernel/functions.ts';
import type { Kernel } from '../ir/kernel/types.ts';
import { verifyKernel } from '../ir/kernel/verify.ts';
import { MARK, assignTransients, leastWords, lifetimes, type ArenaBuilder, type Placed } from '../passes/memory/layout.ts';
import { batches } from '../passes/schedule/batch.ts';
import { lowerGroup, type TilingCache, type TilingChoice } from '../passes/schedule/lower.ts';
import { schedule, type ScheduleOptions } from '../passes/schedule/schedule.ts';
import type { Target } from '../passes/schedule/tiling.ts';
import type { Schedule } from '../passes/schedule/types.ts';
import { verifyOrder, verifySchedule } from '../passes/schedule/verify.ts';
import { ANY_ADAPTER, CPU_TARGET, LOOP_TARGET, WASM_TARGET, gpuTarget, type Adapter, type Devices } from './targets.ts';

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
  verifySchedule(s, name);
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
  const together = options.level === 0 ? any.map((_, i) => [i]) : batches(any, adapter);
  verifyOrder(
    together.flat().map((i) => at(any, i)),
    s.tensors,
    name,
  );
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
