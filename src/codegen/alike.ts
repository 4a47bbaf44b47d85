import type { Kernel } from '../ir/kernel/types.ts';
import { originOf } from '../passes/schedule/twins.ts';
import type { Bound } from './bind.ts';

/** Remembers what was made of kernels, for kernels that are alike: twins whose buffers lie alike in their bindings. */
export class Alike<T> {
  private readonly numbers = new Map<Kernel, number>();
  private readonly known = new Map<string, T>();

  /** What `make` makes of kernels that are bound together, once for all that are alike. */
  of(kernels: readonly Kernel[], { bindings, places }: Bound, make: () => T): T {
    const bound = bindings.map((b) => `${b.dtype}${b.words}${b.access}${b.vectors ? 'v' : ''}`);
    const key = [...kernels.map((k) => `${this.numberOf(k)} ${k.buffers.map((b) => placeOf(places.get(b.name))).join()}`), ...bound].join(
      '/',
    );
    const before = this.known.get(key);
    if (before !== undefined) return before;
    const made = make();
    this.known.set(key, made);
    return made;
  }

  private numberOf(kernel: Kernel): number {
    const first = originOf(kernel);
    const n = this.numbers.get(first) ?? this.numbers.size;
    this.numbers.set(first, n);
    return n;
  }
}

const placeOf = (place: { readonly binding: number; readonly offset: number } | undefined): string =>
  place ? `${place.binding}+${place.offset}` : '';
