import { at } from '../base/errors.ts';
import type { Kernel } from '../ir/kernel/types.ts';
import { originOf } from '../passes/schedule/twins.ts';
import { workOf } from '../passes/schedule/work.ts';
import type { Dispatch, Repeat } from '../sections.ts';
import type { LoopRange } from './backend.ts';
import type { Binding } from './bind.ts';

/** Names are for people, so the long ones of large dispatches are cut. */
const MAX_NAME = 120;

/** The name of kernels that run together. */
export const nameOf = (program: string, kernels: readonly Kernel[]): string =>
  `${program}_${kernels.map((k) => k.name).join('_')}`.slice(0, MAX_NAME);

/** A dispatch: kernels that run together, with their bindings. */
export function dispatchOf(
  program: string,
  kernels: readonly Kernel[],
  kernel: number,
  bindings: readonly Binding[],
  loop: Repeat | undefined,
): Dispatch {
  const work = kernels.map((k) => workOf(originOf(k)));
  return {
    kernel,
    ranges: bindings.map(({ arena, start, words }) => ({ arena, start, words })),
    name: nameOf(program, kernels),
    about: kernels.flatMap((k) => k.about),
    flops: work.reduce((n, w) => n + w.flops, 0),
    bytes: work.reduce((n, w) => n + w.bytes, 0),
    ...(loop && { loop }),
  };
}

/** The loop around a dispatch of a program. */
export function repeatOf(loops: readonly LoopRange[], dispatch: number): Repeat | undefined {
  const number = loops.findIndex(({ first, count }) => first <= dispatch && dispatch < first + count);
  return number < 0 ? undefined : { number, times: at(loops, number).times };
}

/** Numbers things by their text, so that equal ones exist once. */
export class Interned<T> {
  readonly all: T[] = [];
  private readonly known = new Map<string, number>();

  put(text: string, make: () => T): number {
    const before = this.known.get(text);
    if (before !== undefined) return before;
    this.known.set(text, this.all.length);
    return this.all.push(make()) - 1;
  }
}
