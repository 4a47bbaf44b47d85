import { CompilerBug, at, get } from './base/errors.ts';
import { generateJs } from './codegen-js/js.ts';
import { generateWgsl } from './codegen-wgsl/wgsl.ts';
import type { Graph } from './ir/graph/types.ts';
import type { Kernel } from './ir/kernel/types.ts';
import { verifyKernel } from './ir/kernel/verify.ts';
import { assignTransients, lifetimes, type ArenaBuilder, type Placed } from './passes/memory/layout.ts';
import { lowerGroup, type Target } from './passes/schedule/lower.ts';
import { schedule, type ScheduleOptions } from './passes/schedule/schedule.ts';
import type { Schedule } from './passes/schedule/types.ts';
import type { PlanKernel, PlanScalar, PlanTensor } from './plan.ts';

export const GPU_TARGET: Target = { lanes: 64 };
export const CPU_TARGET: Target = { lanes: 1 };

/** A program between graph and plan: scheduled, lowered for both targets, with memory assigned. */
export interface Lowered {
  readonly name: string;
  readonly schedule: Schedule;
  readonly gpu: readonly Kernel[];
  readonly cpu: readonly Kernel[];
  readonly placed: ReadonlyMap<string, Placed>;
}

const LONG_LIVED = { state: 'state', data: 'data', trace: 'trace' } as const;

/** Schedules a bound graph, writes its kernels and places its tensors. */
export function lowerProgram(
  name: string,
  graph: Graph,
  arenas: ArenaBuilder,
  options: ScheduleOptions & { readonly keepAll?: boolean },
): Lowered {
  const s = schedule(graph, options);
  const kernels = (target: Target): Kernel[] =>
    s.groups.map((g, i) => {
      const kernel = lowerGroup(s, g, i, target);
      verifyKernel(kernel, 'lowering');
      return kernel;
    });
  const gpu = kernels(GPU_TARGET);
  const cpu = kernels(CPU_TARGET);
  // For looking at every kernel's result, nothing is overwritten.
  const kept = options.keepAll ? new Set(s.tensors.keys()) : new Set(Object.values(s.outputs).map((p) => p.tensor));
  const transients = assignTransients(lifetimes(gpu, s.tensors, kept));
  const placed = new Map(transients.placed);
  for (const t of s.tensors.values()) {
    if (t.kind === 'transient') continue;
    // Tensors' names hold an underscore and arenas' names none, so that they never meet.
    const arena = (t.dtype === 'i32' ? 'i' : '') + LONG_LIVED[t.kind];
    // Data of different programs differ; state and traces are the same everywhere.
    const key = t.kind === 'data' && name !== 'train' && name !== 'tail' ? `${t.name}@${name}` : t.name;
    placed.set(t.name, arenas.place(arena, key, t.dtype, t.size));
  }
  for (const [arena, words] of Object.entries(transients.words)) arenas.atLeast(arena, arena.startsWith('i') ? 'i32' : 'f32', words);
  return { name, schedule: s, gpu, cpu, placed };
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

/** Generates the code of all programs; kernels with the same text exist once. */
export function generate(
  programs: readonly Lowered[],
  arenas: ArenaBuilder,
  scalars: readonly PlanScalar[],
): { readonly kernels: PlanKernel[]; readonly dispatches: number[][] } {
  const sizes = new Map(arenas.arenas().map((a) => [a.name, a]));
  const kernels: PlanKernel[] = [];
  const known = new Map<string, number>();
  const dispatches = programs.map((program) =>
    program.gpu.map((kernel, i) => {
      const shader = generateWgsl(kernel, { buffers: program.placed, arenas: sizes, scalars });
      const js = generateJs(at(program.cpu, i), { buffers: program.placed, scalars });
      const key = `${shader.code}\n${js}`;
      const before = known.get(key);
      if (before !== undefined) return before;
      kernels.push({
        name: `${program.name}_${kernel.name}`,
        wgsl: shader.code,
        js,
        bindings: shader.bindings,
        ticks: shader.ticks,
        workgroups: shader.workgroups,
      });
      known.set(key, kernels.length - 1);
      return kernels.length - 1;
    }),
  );
  return { kernels, dispatches };
}

/** Where an output or a named tensor lies. */
export function planTensor(program: Lowered, tensor: string, name: string, shape: readonly number[], extra = 0): PlanTensor {
  const t = get(program.schedule.tensors, tensor, 'tensor');
  const { arena, offset } = get(program.placed, tensor, 'place');
  return { name, arena, offset: offset + extra, shape, dtype: t.dtype };
}
