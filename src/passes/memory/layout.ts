import { at } from '../../base/errors.ts';
import { PER_WORD, type StorageType } from '../../base/types.ts';
import type { Kernel } from '../../ir/kernel/types.ts';
import type { Arena, ArenaKind } from '../../plan.ts';
import type { Tensor } from '../schedule/types.ts';

/** Bindings start at multiples of this many words (of four bytes) on every device. */
export const BINDING_ALIGN = 64;

/** Letters in arena names that mark the type. */
const MARK: Readonly<Record<StorageType, string>> = { f32: '', i32: 'i', f16: 'h' };

const arenaName = (kind: ArenaKind, dtype: StorageType): string => MARK[dtype] + kind;

export interface Placed {
  readonly arena: string;
  /** In elements. */
  readonly offset: number;
}

/** When a transient is first written and last read, as dispatch indices. */
export interface Lifetime {
  readonly tensor: Tensor;
  readonly from: number;
  readonly to: number;
}

/** Dispatches that a loop repeats, and the tensors that hold values of all its places. */
interface Repeated {
  readonly first: number;
  readonly last: number;
  readonly held: readonly string[];
}

/**
 * The lifetimes of transients. Outputs live to the end; what a loop shares with other dispatches, or keeps from place to place, lives as
 * long as the loop.
 */
export function lifetimes(
  dispatches: readonly (readonly Kernel[])[],
  tensors: ReadonlyMap<string, Tensor>,
  kept: ReadonlySet<string>,
  loops: readonly Repeated[] = [],
): Lifetime[] {
  const found = new Map<string, { from: number; to: number }>();
  dispatches.forEach((kernels, i) => {
    for (const b of kernels.flatMap((k) => k.buffers)) {
      const known = found.get(b.tensor);
      found.set(b.tensor, { from: Math.min(known?.from ?? i, i), to: kept.has(b.tensor) ? dispatches.length : i });
    }
  });
  for (const { first, last, held } of loops) {
    const whole = new Set(held);
    for (const [name, life] of found) {
      const meets = life.from <= last && life.to >= first;
      if (!meets || (life.from >= first && life.to <= last && !whole.has(name))) continue;
      found.set(name, { from: Math.min(life.from, first), to: Math.max(life.to, last) });
    }
  }
  return [...found].flatMap(([name, life]) => {
    const tensor = tensors.get(name);
    return tensor?.kind === 'transient' ? [{ tensor, ...life }] : [];
  });
}

/** Words of the largest set of transients that are live at once: a lower bound for any layout. */
export function leastWords(lives: readonly Lifetime[]): number {
  // What each dispatch adds to the living words, and what ends before it.
  const change = new Map<number, number>();
  const add = (when: number, words: number): void => void change.set(when, (change.get(when) ?? 0) + words);
  for (const l of lives) {
    add(l.from, wordsOf(l.tensor));
    add(l.to + 1, -wordsOf(l.tensor));
  }
  let [live, most] = [0, 0];
  for (const [, words] of [...change].sort(([a], [b]) => a - b)) most = Math.max(most, (live += words));
  return most;
}

const wordsOf = ({ size, dtype }: Tensor): number => Math.ceil(size / PER_WORD[dtype]);
const aligned = (n: number, dtype: StorageType): number =>
  Math.ceil(n / (BINDING_ALIGN * PER_WORD[dtype])) * BINDING_ALIGN * PER_WORD[dtype];

/** Words of transients by type. */
export type TransientWords = Readonly<Partial<Record<StorageType, number>>>;

/** Assigns offsets to transients: largest first, each at the lowest offset that overlaps nothing live at the same time. */
export function assignTransients(lives: readonly Lifetime[]): {
  readonly placed: ReadonlyMap<string, Placed>;
  readonly words: TransientWords;
} {
  const placed = new Map<string, Placed>();
  const words: Partial<Record<StorageType, number>> = {};
  // By arena, in the order of their offsets.
  const done = new Map<string, (Lifetime & Placed)[]>();
  const order = [...lives].sort((a, b) => b.tensor.size - a.tensor.size || a.from - b.from || (a.tensor.name < b.tensor.name ? -1 : 1));
  for (const life of order) {
    const { dtype, size } = life.tensor;
    const arena = arenaName('work', dtype);
    const others = done.get(arena) ?? [];
    done.set(arena, others);
    let [offset, i] = [0, 0];
    for (const r of others) {
      if (offset + size <= r.offset) break;
      if (r.from <= life.to && life.from <= r.to) offset = Math.max(offset, aligned(r.offset + r.tensor.size, dtype));
      i++;
    }
    while (i > 0 && at(others, i - 1).offset > offset) i--;
    others.splice(i, 0, { ...life, arena, offset });
    placed.set(life.tensor.name, { arena, offset });
    words[dtype] = Math.max(words[dtype] ?? 0, Math.ceil((offset + size) / PER_WORD[dtype]));
  }
  return { placed, words };
}

/** Places tensors that live as long as the device memory, one after another. */
export class ArenaBuilder {
  private readonly ends = new Map<string, { readonly kind: ArenaKind; readonly dtype: StorageType; readonly words: number }>();
  private readonly known = new Map<string, Placed>();

  /** The place of a tensor; a name has the same place in every program. */
  place(kind: ArenaKind, name: string, dtype: StorageType, size: number): Placed {
    const arena = arenaName(kind, dtype);
    const key = `${arena}/${name}`;
    const before = this.known.get(key);
    if (before) return before;
    const end = this.ends.get(arena) ?? { words: 0 };
    const per = PER_WORD[dtype];
    const offset = aligned(end.words * per, dtype);
    this.ends.set(arena, { kind, dtype, words: Math.ceil((offset + size) / per) });
    const placed = { arena, offset };
    this.known.set(key, placed);
    return placed;
  }

  /** Makes the memory for transients at least this large; programs share it. */
  atLeast(dtype: StorageType, words: number): void {
    const arena = arenaName('work', dtype);
    const end = this.ends.get(arena);
    this.ends.set(arena, { kind: 'work', dtype, words: Math.max(end?.words ?? 0, words) });
  }

  arenas(): Arena[] {
    // Pad the last tensor like the others, since vectors may run past its end.
    return [...this.ends]
      .map(([name, { kind, dtype, words }]) => ({ name, kind, dtype, words: Math.max(BINDING_ALIGN, aligned(words, 'f32')) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}
