import { CompilerBug } from '../base/errors.ts';
import type { PlanMemory } from '../codegen/backend.ts';
import type { PlanScalar } from '../plan.ts';
import type { Sections } from '../sections.ts';
import type { Lowered } from './program.ts';

/** The scalars of all programs, in a fixed order. */
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

/** The code of all programs, for each backend that they were lowered for. */
export function emit(programs: readonly Lowered[], memory: PlanMemory): Sections {
  const [first] = programs;
  return (first?.backends ?? []).reduce<Sections>((all, b) => ({ ...all, ...b.emit(programs, memory) }), {});
}
