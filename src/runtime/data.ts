import { fail } from '../base/errors.ts';
import { hint } from '../base/suggest.ts';
import type { PlanTensor } from '../plan.ts';
import type { About, Named } from './api.ts';
import type { Session, Words } from './session.ts';
import { sizeOf } from './weights.ts';

/** Arrays for tensors in the plan's order, or by name. */
export type Given = readonly [Named] | readonly ArrayLike<number>[];

const isNamed = (given: Given): given is readonly [Named] =>
  given.length === 1 && typeof given[0] === 'object' && given[0] !== null && typeof (given[0] as { length?: unknown }).length !== 'number';

/** The arrays in the order of the tensors; throws if a name is missing or unknown. `shown` gives a tensor's name for messages. */
export function inOrder(
  tensors: readonly { readonly name: string }[],
  given: Given,
  shown: (name: string) => string = (name) => name,
): readonly ArrayLike<number>[] {
  if (!isNamed(given)) return given;
  const [named] = given;
  const names = tensors.map((t) => shown(t.name));
  const unknown = Object.keys(named).find((n) => !names.includes(n));
  if (unknown !== undefined) fail('NN304', `there is no '${unknown}' to be given`, { help: hint(unknown, names, 'the model takes') });
  return names.map((n) => named[n] ?? fail('NN304', `'${n}' is missing`, { help: `the model takes ${names.join(', ')}` }));
}

/** Arrays for the inputs of a prediction, by the names of the inputs or of their columns. */
export function inputsOf({ inputs }: About, given: Given): readonly ArrayLike<number>[] {
  const [named] = given;
  if (!isNamed(given) || inputs.some((i) => Object.hasOwn(named as Named, i.name))) return inOrder(inputs, given);
  const columns = inputs.flatMap((i) => i.columns ?? [i.name]);
  const found = inOrder(
    columns.map((name) => ({ name })),
    given,
  );
  let from = 0;
  return inputs.map((i) => interleaved(found.slice(from, (from += i.columns?.length ?? 1))));
}

/** Interleaves columns into rows. */
function interleaved(columns: readonly ArrayLike<number>[]): ArrayLike<number> {
  const [first, ...others] = columns;
  if (!first || others.length === 0) return first ?? [];
  if (others.some((c) => c.length !== first.length)) fail('NN304', 'the columns have different numbers of examples');
  return Array.from(
    { length: first.length * columns.length },
    (_, i) => columns[i % columns.length]?.[Math.floor(i / columns.length)] ?? 0,
  );
}

/** Writes values to a tensor's place in its arena. */
export function upload(session: Session, t: PlanTensor, values: ArrayLike<number>): void {
  // A tensor that is not used has no place in an arena.
  if (t.arena === '') return;
  const expected = sizeOf(t.shape);
  if (values.length !== expected)
    fail('NN304', `'${t.name}' has ${values.length} numbers, and the model was compiled for [${t.shape.join(', ')}], which is ${expected}`);
  session.write(t.arena, t.offset, wordsOf(values, t.dtype));
}

/** The values converted to a type; returned as they are if they have it already. */
export function wordsOf(values: ArrayLike<number>, dtype: 'f32' | 'i32'): Words {
  if (dtype === 'f32') return values instanceof Float32Array ? values : new Float32Array(values);
  return values instanceof Int32Array ? values : new Int32Array(values);
}
