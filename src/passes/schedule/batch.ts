import { at } from '../../base/errors.ts';
import { isVector } from '../../ir/kernel/functions.ts';
import type { Kernel } from '../../ir/kernel/types.ts';
import { visitBody } from '../../ir/kernel/visit.ts';
import { workOf } from './work.ts';

/** The most kernels in one dispatch; each makes its shader larger. */
const MOST = 8;

/** How many dispatches earlier a kernel may run; earlier than that, its result would occupy memory for long. */
const REACH = 2;

/** From this many floating-point operations on, slowing a kernel down costs more than another dispatch. */
const LARGE = 5e7;

interface Span {
  readonly tensor: string;
  readonly from: number;
  readonly to: number;
  readonly writes: boolean;
}

const spans = (kernel: Kernel): Span[] =>
  kernel.buffers.map((b) => ({ tensor: b.tensor, from: b.offset, to: b.offset + b.size, writes: b.access !== 'read' }));

const conflict = (a: readonly Span[], b: readonly Span[]): boolean =>
  a.some((x) => b.some((y) => x.tensor === y.tensor && (x.writes || y.writes) && x.from < y.to && y.from < x.to));

interface Batch {
  readonly kernels: number[];
  readonly touched: Span[];
}

/**
 * Whether two kernels should not share a shader. Software drivers switch from lane to lane at every barrier and spill registers to memory
 * for it, even in the kernels that have no barrier.
 */
function disturbs(a: Kernel, b: Kernel): boolean {
  const [waits, other] = a.lanes > 1 ? [a, b] : [b, a];
  return waits.lanes > 1 && other.lanes === 1 && workOf(other).flops >= LARGE;
}

/** Whether both may have workgroups of one size: lanes need as many threads as they are, and who has none takes any number. */
const sameWorkgroups = (a: Kernel, b: Kernel): boolean => a.lanes === 1 || b.lanes === 1 || a.lanes === b.lanes;

/** Bytes of a workgroup's memory that every device has. */
export const MOST_SHARED = 16_384;

/** The memory of a workgroup that runs one of several kernels: equal tables are one, and so are the sums of lanes of one type. */
export function sharedBytes(kernels: readonly Kernel[]): number {
  const parts = new Map<string, number>();
  for (const { body, lanes } of kernels) {
    const types = new Map<string, string>();
    visitBody(body, {
      stmt: (s) => {
        if (s.kind === 'shared') parts.set(s.name, s.size * (isVector(s.type) ? 16 : 4));
        if (s.kind === 'product') parts.set(s.name, s.rows * s.columns * 4);
        if (s.kind === 'var') types.set(s.name, s.value.type);
        if (s.kind === 'combine') parts.set(`lanes of ${types.get(s.name) ?? ''}`, lanes * 4);
      },
    });
  }
  return [...parts.values()].reduce((a, b) => a + b, 0);
}

/** Whether a dispatch has no room for a kernel: with too many bindings, some would have to be merged, and equal layers would differ. */
function isFull(batch: Batch | undefined, mine: readonly Span[], bindings: number): boolean {
  if (!batch) return false;
  const windows = new Set([...batch.touched, ...mine].map((s) => `${s.tensor}+${s.from}-${s.to}`));
  return batch.kernels.length >= MOST || windows.size > bindings;
}

/**
 * Puts independent kernels into one dispatch. A kernel may run a little earlier than in its turn, as far as what it reads and overwrites
 * allows. Returns the indices of the kernels of each dispatch.
 */
export function batches(kernels: readonly Kernel[], { bindings, software }: { bindings: number; software: boolean }): number[][] {
  const result: Batch[] = [];
  kernels.forEach((kernel, i) => {
    const mine = spans(kernel);
    let place = result.length;
    while (place > Math.max(0, result.length - REACH) && !conflict(mine, result[place - 1]?.touched ?? [])) place--;
    const apart = (batch: Batch | undefined): boolean =>
      isFull(batch, mine, bindings) ||
      (batch?.kernels ?? []).some((k) => !sameWorkgroups(at(kernels, k), kernel)) ||
      sharedBytes([...(batch?.kernels ?? []).map((k) => at(kernels, k)), kernel]) > MOST_SHARED ||
      (software && (batch?.kernels ?? []).some((k) => disturbs(at(kernels, k), kernel)));
    while (place < result.length && apart(result[place])) place++;
    const batch = result[place] ?? { kernels: [], touched: [] };
    if (place === result.length) result.push(batch);
    batch.kernels.push(i);
    batch.touched.push(...mine);
  });
  return result.map((b) => b.kernels);
}
