import { fail } from '../base/errors.ts';
import { hint } from '../base/suggest.ts';
import type { PlanTensor } from '../plan.ts';
import type { Named } from './api.ts';
import type { Session, Words } from './session.ts';
import { sizeOf } from './weights.ts';

/** Arrays for tensors in the plan's order, or by name. */
export type Given = readonly [Named] | readonly ArrayLike<number>[];

const isNamed = (given: Given): given is readonly [Named] =>
  given.length === 1 && typeof given[0] === 'object' && given[0] !== null && typeof (given[0] as { length?: unknown }).length !== 'number';

/** The arrays in the order of the tensors; a name that is missing or none of theirs is an error. `shown` is what people call a tensor. */
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

/** Puts values where a tensor lies. */
export function upload(session: Session, t: PlanTensor, values: ArrayLike<number>): void {
  // What nothing depends on has no place.
  if (t.arena === '') return;
  const expected = sizeOf(t.shape);
  if (values.length !== expected)
    fail('NN304', `'${t.name}' has ${values.length} numbers, and the model was compiled for [${t.shape.join(', ')}], which is ${expected}`);
  session.write(t.arena, t.offset, wordsOf(values, t.dtype));
}

function wordsOf(values: ArrayLike<number>, dtype: 'f32' | 'i32'): Words {
  if (dtype === 'f32') return values instanceof Float32Array ? values : new Float32Array(values);
  return values instanceof Int32Array ? values : new Int32Array(values);
}
