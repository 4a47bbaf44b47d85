import { at, get } from '../base/errors.ts';
import { PER_WORD, type StorageType } from '../base/types.ts';
import { isVector } from '../ir/kernel/functions.ts';
import type { Kernel } from '../ir/kernel/types.ts';
import { visitKernel } from '../ir/kernel/visit.ts';
import { originOf } from '../passes/schedule/twins.ts';
import { BINDING_ALIGN, type Placed } from '../passes/memory/layout.ts';

/** A part of an arena that a kernel sees as one array. */
export interface Binding {
  readonly arena: string;
  readonly dtype: StorageType;
  /** In words of four bytes; a multiple of {@link BINDING_ALIGN}. */
  readonly start: number;
  /** In words; a multiple of 4. */
  readonly words: number;
  readonly access: 'read' | 'read_write';
  /** An array of vectors instead of scalars. */
  readonly vectors: boolean;
}

/** The place of each buffer in the bindings. */
export interface Bound {
  readonly bindings: readonly Binding[];
  readonly places: ReadonlyMap<string, { readonly binding: number; readonly offset: number }>;
}

/** Counted in elements. */
interface Range {
  readonly arena: string;
  readonly dtype: StorageType;
  start: number;
  end: number;
  readonly members: { readonly buffer: string; readonly from: number }[];
}

/**
 * The bindings of the kernels of one dispatch: a range of an arena per tensor, so that kernels which differ only in the place of their data
 * have the same text. WebGPU does not allow writable bindings that overlap, and a buffer that is written anywhere in a dispatch must be
 * writable everywhere in it. Beyond `most` bindings, those of an arena are merged into one.
 */
export function bindBuffers(kernels: readonly Kernel[], placed: ReadonlyMap<string, Placed>, most: number): Bound {
  const ranges: Range[] = [];
  const written = new Set<string>();
  const wide = new Set<string>();
  const known = new Set<string>();
  // Matrix operands must be arrays of scalars.
  const flat = new Set<string>();
  for (const kernel of kernels) {
    for (const b of kernel.buffers) {
      const { arena, offset } = get(placed, b.tensor, 'place');
      if (b.access !== 'read') written.add(arena);
      if (known.has(b.name)) continue;
      known.add(b.name);
      const from = offset + b.offset;
      const [align, unit] = [BINDING_ALIGN, 4].map((words) => words * PER_WORD[b.type]) as [number, number];
      const start = Math.floor(from / align) * align;
      ranges.push({ arena, dtype: b.type, start, end: Math.ceil((from + b.size) / unit) * unit, members: [{ buffer: b.name, from }] });
    }
    const { vectors, matrices } = usesOf(originOf(kernel));
    kernel.buffers.forEach((b, i) => {
      if (vectors.has(i)) wide.add(b.name);
      if (matrices.has(i)) flat.add(b.name);
    });
  }
  let current = joinWhere(ranges, (a, b) => a.start === b.start && a.end === b.end);
  current = joinWhere(current, (a, b) => written.has(a.arena) && a.start < b.end && b.start < a.end);
  while (current.length > most) {
    const largest = [...new Set(current.map((r) => r.arena))].reduce((x, y) =>
      current.filter((r) => r.arena === y).length > current.filter((r) => r.arena === x).length ? y : x,
    );
    current = joinWhere(current, (a) => a.arena === largest);
  }
  const places = new Map<string, { binding: number; offset: number }>();
  const bindings = current.map((r, binding): Binding => {
    for (const m of r.members) places.set(m.buffer, { binding, offset: m.from - r.start });
    const vectors =
      !r.members.some((m) => flat.has(m.buffer)) &&
      r.members.some((m) => wide.has(m.buffer)) &&
      r.members.every((m) => !wide.has(m.buffer) || (m.from - r.start) % 4 === 0);
    return {
      arena: r.arena,
      dtype: r.dtype,
      start: r.start / PER_WORD[r.dtype],
      words: (r.end - r.start) / PER_WORD[r.dtype],
      access: written.has(r.arena) ? 'read_write' : 'read',
      vectors,
    };
  });
  return { bindings, places };
}

/** The buffers, by number, that a kernel reads or writes as vectors, and that are operands of matrix units. */
function usesOf(kernel: Kernel): { readonly vectors: ReadonlySet<number>; readonly matrices: ReadonlySet<number> } {
  const before = USES.get(kernel);
  if (before) return before;
  const numbers = new Map(kernel.buffers.map((b, i) => [b.name, i]));
  const uses = { vectors: new Set<number>(), matrices: new Set<number>() };
  const add = (to: Set<number>, name: string): unknown => to.add(get(numbers, name, 'buffer'));
  visitKernel(kernel, {
    load: (e) => isVector(e.type) && add(uses.vectors, e.buffer),
    store: (s) => isVector(s.value.type) && add(uses.vectors, s.buffer),
    stmt: (s) => s.kind === 'product' && [s.left, s.right].forEach((operand) => add(uses.matrices, operand.buffer)),
  });
  USES.set(kernel, uses);
  return uses;
}
const USES = new WeakMap<Kernel, ReturnType<typeof usesOf>>();

/** Merges ranges of one arena as long as `join` holds for a pair. */
function joinWhere(ranges: readonly Range[], join: (a: Range, b: Range) => boolean): Range[] {
  const result: Range[] = [];
  for (const range of ranges) {
    let grown: Range = { ...range, members: [...range.members] };
    for (;;) {
      const i = result.findIndex((r) => r.arena === grown.arena && join(r, grown));
      if (i < 0) break;
      const [other] = result.splice(i, 1);
      const r = at(other ? [other] : [], 0);
      grown = {
        ...r,
        start: Math.min(r.start, grown.start),
        end: Math.max(r.end, grown.end),
        members: [...r.members, ...grown.members],
      };
    }
    result.push(grown);
  }
  return result;
}
