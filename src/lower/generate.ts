import { CompilerBug, at } from '../base/errors.ts';
import { generateJs } from '../codegen-js/js.ts';
import { generateWgsl } from '../codegen-wgsl/wgsl.ts';
import type { Kernel } from '../ir/kernel/types.ts';
import { workOf } from '../passes/schedule/work.ts';
import type { Arena, CpuKernel, Dispatch, PlanKernel, PlanScalar, WasmCode } from '../plan.ts';
import { bindBuffers } from './bind.ts';
import type { Lowered } from './program.ts';
import { generateWasm } from './wasm.ts';

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
