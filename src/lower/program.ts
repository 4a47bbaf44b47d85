import { at, fail } from '../base/errors.ts';
import { ANY_ADAPTER, type Adapter, type Backend, type LoopRange, type ScheduledProgram } from '../codegen/backend.ts';
import type { Graph } from '../ir/graph/types.ts';
import { loadedAs } from '../ir/kernel/functions.ts';
import type { Kernel } from '../ir/kernel/types.ts';
import { verifyKernel } from '../ir/kernel/verify.ts';
import { assignTransients, leastWords, lifetimes, type ArenaBuilder } from '../passes/memory/layout.ts';
import { batches } from '../passes/schedule/batch.ts';
import { lowerGroup, type TilingChoice } from '../passes/schedule/lower.ts';
import { schedule, type ScheduleOptions } from '../passes/schedule/schedule.ts';
import type { Target } from '../passes/schedule/tiling.ts';
import { about } from '../passes/schedule/naming.ts';
import type { Schedule, Tensor } from '../passes/schedule/types.ts';
import { MAX_ELEMENTS, smaller } from '../plan.ts';
import { Twins } from '../passes/schedule/twins.ts';
import { verifyOrder, verifySchedule } from '../passes/schedule/verify.ts';
import { backendsFor, type Devices } from './backends.ts';

/** A program between graph and plan: scheduled, lowered for its backends, and placed in memory. */
export interface Lowered extends ScheduledProgram {
  readonly schedule: Schedule;
  readonly backends: readonly Backend[];
  /** Words of the largest set of transients that are live at once. */
  readonly least: number;
}

/** Programs that read the training examples; others have their own. */
const TRAINS_ON_DATA: ReadonlySet<string> = new Set(['train', 'tail', 'watch']);

/** Tilings were measured for kernels whose places are equal modulo 64. */
const twinsFor = (target: Target): Twins => new Twins(target.tuned?.size ? 64 : undefined);

/** Refuses values that fit no buffer, before anything is written for them. */
function checkSizes(s: Schedule, batch = 0): void {
  const large = [...s.tensors.values()].reduce<Tensor | undefined>((a, b) => (a && a.size >= b.size ? a : b), undefined);
  if (!large || large.size <= MAX_ELEMENTS) return;
  const group = s.groups.find((g) => g.stores.some((st) => st.tensor === large.name));
  const what = group ? (about(s.graph, group).find((line) => line.startsWith(`${large.name} =`)) ?? large.name) : large.name;
  fail('NN217', `a value has ${large.size} numbers, and nnc holds at most ${MAX_ELEMENTS} in one buffer: ${what}`, {
    help: large.kind === 'transient' ? advice(batch, large.size, 'of at most') : smaller(large.kind),
  });
}

/** What to do about an arena of so many numbers: those of transients grow with the batch. */
export const adviceFor = (arena: string, batch: number, numbers: number): string =>
  arena.endsWith('work') ? advice(batch, numbers, 'of about') : smaller(arena);

function advice(batch: number, numbers: number, word: string): string {
  const fits = Math.floor((batch * MAX_ELEMENTS) / numbers);
  return fits > 0 ? `use a smaller batch, ${word} ${fits}: train batch=${fits}` : 'use smaller layers';
}

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
    /** Writes plain kernels, which is enough to know their memory. */
    readonly plain?: boolean | undefined;
    /** The examples of a step, for advice. */
    readonly batch?: number | undefined;
    /** Kernels of programs that were lowered before with the same options, by backend. */
    readonly twins?: Map<string, Twins> | undefined;
  },
): Lowered {
  const adapter = options.adapter ?? ANY_ADAPTER;
  const all = backendsFor(options.devices ?? 'all');
  // Memory is assigned by the kernels of the first one.
  const backends = options.plain ? all.slice(0, 1) : all;
  // The processor's kernels cannot read f16.
  const half = adapter.half && options.devices === 'gpu';
  const s = schedule(graph, { ...options, half, units: (adapter.units?.length ?? 0) > 0 });
  verifySchedule(s, name);
  checkSizes(s, options.batch);
  const write = (chosen: Target, twins = twinsFor(chosen)): Kernel[] => {
    const target = options.plain ? { ...chosen, tiles: false, units: undefined } : chosen;
    return s.groups.map((g, i) =>
      twins.kernelOf(s, g, i, () => {
        const kernel = lowerGroup(s, g, i, target, options.tiling);
        verifyKernel(kernel, 'lowering', target.beyond);
        return kernel;
      }),
    );
  };
  const kernels = Object.fromEntries(
    backends.map((b) => {
      const target = b.target(adapter);
      const twins = options.twins?.get(b.name) ?? twinsFor(target);
      options.twins?.set(b.name, twins);
      return [b.name, write(target, twins)];
    }),
  ) as Lowered['kernels'];
  // All backends' kernels touch the same tensors.
  const any = kernels[at(backends, 0).name] ?? [];
  // With `keepAll`, no result is overwritten, so that all can be inspected.
  const kept = options.keepAll ? new Set(s.tensors.keys()) : new Set(Object.values(s.outputs).map((p) => p.tensor));
  const { together, loops } = dispatchesOf(s, (part) => (options.level === 0 ? part.map((_, i) => [i]) : batches(part, adapter)), any);
  verifyOrder(
    together.flat().map((i) => at(any, i)),
    s.tensors,
    name,
  );
  const lives = lifetimes(
    together.map((batch) => batch.map((i) => at(any, i))),
    s.tensors,
    kept,
    repeatedIn(s, loops),
  );
  const transients = assignTransients(lives);
  const placed = new Map(transients.placed);
  for (const t of s.tensors.values()) {
    if (t.kind === 'transient') continue;
    const dtype = loadedAs(t.dtype);
    // Data differs between programs; state and traces are shared.
    const key = t.kind === 'data' && !TRAINS_ON_DATA.has(name) ? `${t.name}@${name}` : t.name;
    placed.set(t.name, arenas.place(t.kind, key, dtype, t.size));
  }
  for (const dtype of ['f32', 'i32', 'f16'] as const) {
    const words = transients.words[dtype];
    if (words !== undefined) arenas.atLeast(dtype, words);
  }
  return {
    name,
    adapter,
    schedule: s,
    backends,
    kernels,
    write: (target) => write(target),
    scratch: transients.words,
    least: leastWords(lives),
    batches: together,
    loops,
    placed,
  };
}

/** What loops mean for lifetimes. */
export const repeatedIn = (s: Schedule, loops: readonly LoopRange[]): Parameters<typeof lifetimes>[3] =>
  loops.map(({ first, count }, i) => ({ first, last: first + count - 1, held: at(s.loops, i).held }));

/** The dispatches of a program, and which of them loops repeat. Kernels move to other dispatches only within their loop. */
function dispatchesOf(
  s: Schedule,
  batch: (kernels: readonly Kernel[]) => number[][],
  kernels: readonly Kernel[],
): { readonly together: readonly (readonly number[])[]; readonly loops: readonly LoopRange[] } {
  const together: (readonly number[])[] = [];
  const loops: LoopRange[] = [];
  for (let from = 0; from < kernels.length;) {
    const loop = s.groups[from]?.loop;
    let to = from;
    while (to < kernels.length && s.groups[to]?.loop === loop) to++;
    const first = together.length;
    const start = from;
    together.push(...batch(kernels.slice(from, to)).map((part) => part.map((i) => start + i)));
    if (loop !== undefined) loops[loop] = { first, count: together.length - first, times: at(s.loops, loop).length };
    from = to;
  }
  return { together, loops };
}
