import { get } from '../base/errors.ts';
import { stateShapes } from '../lower/describe.ts';
import type { Lowered } from '../lower/program.ts';
import type { ArenaBuilder } from '../passes/memory/layout.ts';
import { stateTensor } from '../passes/schedule/schedule.ts';
import type { PlanParam, PlanTensor } from '../plan.ts';
import type { Model } from '../sema/model.ts';
import type { CompileOptions } from './options.ts';
import type { Packings } from './packings.ts';

/** Everything that outlives a step: parameters and states, which are saved as weights, and optimizer slots. */
export function storedTensors(
  model: Model,
  packings: Packings,
  programs: readonly Lowered[],
  { arenas, statistics }: { readonly arenas: ArenaBuilder; readonly statistics: CompileOptions['statistics'] },
): { readonly params: readonly PlanParam[]; readonly slots: readonly PlanTensor[] } {
  // A model without parameters still has a state vector, of size 0.
  const state = (name: string, shape: readonly number[]): PlanTensor => {
    const size = shape.reduce((a, b) => a * b, 1);
    return { name, ...arenas.place('state', stateTensor(name), 'f32', size), shape, dtype: 'f32' };
  };
  const homes = new Map(
    packings.flatMap((p) => {
      const home = state(p.saved, [p.size]);
      const copy = p.saved === p.vector ? undefined : state(p.vector, [p.size]);
      return p.params.map((q) => [q.name, { home, copy, offset: q.offset }] as const);
    }),
  );
  const own = new Set([...packings.map((p) => p.saved), ...model.states.map((s) => s.name)]);
  const slots = stateShapes(programs)
    .filter(([name]) => !own.has(name))
    .map(([name, shape]) => state(name, shape));
  const params = model.params.map(({ name, shape, init }): PlanParam => {
    const { home, copy, offset } = get(homes, name, 'parameter');
    const begin = copy && { copy: { arena: copy.arena, offset: copy.offset + offset } };
    return { name, arena: home.arena, offset: home.offset + offset, shape, dtype: 'f32', init, ...begin };
  });
  const states = model.states.map(({ name, shape, init }): PlanParam => {
    const values = statistics?.get(name);
    return { ...state(name, shape), init: values ? { kind: 'values', values } : init };
  });
  return { params: [...params, ...states], slots };
}
