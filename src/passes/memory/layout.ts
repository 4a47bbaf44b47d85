import { PER_WORD, type StorageType } from '../../base/types.ts';
import type { Kernel } from '../../ir/kernel/types.ts';
import type { Arena, ArenaKind } from '../../plan.ts';
import type { Tensor } from '../schedule/types.ts';

/** Bindings start at multiples of so many words (of four bytes) on every device. */
export const BINDING_ALIGN = 64;

/** Arenas of each type are marked by a letter. */
const MARK: Readonly<Record<StorageType, string>> = { f32: '', i32: 'i', f16: 'h' };

const arenaName = (kind: ArenaKind, dtype: StorageType): string => MARK[dtype] + kind;

export interface Placed {
  readonly arena: string;
  /** In elements. */
  readonly offset: number;
}

/** When a transient is first written and last read, as indices of dispatches. */
export interface Lifetime {
  readonly tensor: Tensor;
  readonly from: number;
  readonly to: number;
}

/** Which dispatches a transient must survive. Outputs live to the end. */
export function lifetimes(
  dispatches: readonly (readonly Kernel[])[],
  tensors: ReadonlyMap<string, Tensor>,
  kept: ReadonlySet<string>,
): Lifetime[] {
  const found = new Map<string, { from: number; to: number }>();
  dispatches.forEach((kernels, i) => {
    for (const b of kernels.flatMap((k) => k.buffers)) {
      const known = found.get(b.tensor);
      found.set(b.tensor, { from: Math.min(known?.from ?? i, i), to: kept.has(b.tensor) ? dispatches.length : i });
    }
  });
  return [...found].flatMap(([name, life]) => {
    const tensor = tensors.get(name);
    return tensor?.kind === 'transient' ? [{ tensor, ...life }] : [];
  });
}

/** Words of the largest set of transients that are alive at once: no layout needs less. */
export function leastWords(lives: readonly Lifetime[]): number {
  const ends = [...new Set(lives.map((l) => l.from))];
  return Math.max(0, ...ends.map((i) => lives.filter((l) => l.from <= i && i <= l.to).reduce((n, l) => n + wordsOf(l.tensor), 0)));
}

const wordsOf = ({ size, dtype }: Tensor): number => Math.ceil(size / PER_WORD[dtype]);
const aligned = (n: number, dtype: StorageType): number =>
  Math.ceil(n / (BINDING_ALIGN * PER_WORD[dtype])) * BINDING_ALIGN * PER_WORD[dtype];

/** Words of transients by what they consist of. */
export type TransientWords = Readonly<Partial<Record<StorageType, number>>>;

/** Best fit by lifetime: the largest first, each at the lowest offset where nothing alive at the same time lies. */
export function assignTransients(lives: readonly Lifetime[]): {
  readonly placed: ReadonlyMap<string, Placed>;
  readonly words: TransientWords;
} {
  const placed = new Map<string, Placed>();
  const words: Partial<Record<StorageType, number>> = {};
  const done: (Lifetime & Placed)[] = [];
  const order = [...lives].sort((a, b) => b.tensor.size - a.tensor.size || a.from - b.from || (a.tensor.name < b.tensor.name ? -1 : 1));
  for (const life of order) {
    const { dtype, size } = life.tensor;
    const arena = arenaName('work', dtype);
    const rivals = done.filter((d) => d.arena === arena && d.from <= life.to && life.from <= d.to).sort((a, b) => a.offset - b.offset);
    let offset = 0;
    for (const r of rivals) {
      if (offset + size <= r.offset) break;
      offset = Math.max(offset, aligned(r.offset + r.tensor.size, dtype));
    }
    done.push({ ...life, arena, offset });
    placed.set(life.tensor.name, { arena, offset });
    words[dtype] = Math.max(words[dtype] ?? 0, Math.ceil((offset + size) / PER_WORD[dtype]));
  }
  return { placed, words };
}

/** Puts tensors that live as long as the device memory itself one behind the other. */
export class ArenaBuilder {
  private readonly ends = new Map<string, { readonly kind: ArenaKind; readonly dtype: StorageType; readonly words: number }>();
  private readonly known = new Map<string, Placed>();

  /** The place of a tensor; the same name has the same place in every program. */
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

  /** Makes the memory of transients at least this large: programs share it. */
  atLeast(dtype: StorageType, words: number): void {
    const arena = arenaName('work', dtype);
    const end = this.ends.get(arena);
    this.ends.set(arena, { kind: 'work', dtype, words: Math.max(end?.words ?? 0, words) });
  }

  arenas(): Arena[] {
    // The last tensor has the space behind it that the others have: vectors may run over its end.
    return [...this.ends]
      .map(([name, { kind, dtype, words }]) => ({ name, kind, dtype, words: Math.max(BINDING_ALIGN, aligned(words, 'f32')) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}
