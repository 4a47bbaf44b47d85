import { UserError } from '../../src/base/errors.ts';
import { BATCH, type TensorType } from '../../src/base/types.ts';
import type { Dataset, Needs } from '../../src/data/needs.ts';
import { inMemory } from '../../src/data/values.ts';

/** What tests of files and tables share. */
export const f32 = (...shape: number[]): TensorType => ({ dtype: 'f32', shape: [BATCH, ...shape] });
export const i32 = (...shape: number[]): TensorType => ({ dtype: 'i32', shape: [BATCH, ...shape] });

export const needs = (input: TensorType, target?: TensorType, more: Partial<Needs> & { readonly classes?: number } = {}): Needs => ({
  inputs: [{ name: 'x', type: input }],
  targets: target ? [{ shown: 'y', type: target, classes: more.classes }] : [],
  ...more,
});

export const lists = (d: Dataset): number[][] => d.tensors.map((t) => [...inMemory(t)]);

/** The user's error that something throws. */
export function message(body: () => unknown): string {
  try {
    body();
  } catch (e) {
    if (e instanceof UserError) return e.message;
    throw e;
  }
  throw new Error('no error');
}
