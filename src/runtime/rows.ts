import { fail } from '../base/errors.ts';
import { checkNumbers } from '../base/numbers.ts';
import type { PlanTensor } from '../plan.ts';
import type { Rows, RowSource } from './api.ts';
import { rowsOf } from './data.ts';
import type { Words } from './session.ts';
import { sizeOf } from './weights.ts';

const isSource = (rows: Rows): rows is RowSource => typeof (rows as Partial<RowSource>).read === 'function';

/** Numbers of one example of a tensor. */
export const widthOf = (t: PlanTensor): number => sizeOf(t.shape.slice(1));

/** Examples in one array, as rows that are read when they are needed. */
class ArrayRows implements RowSource {
  private readonly words: Words;
  private readonly width: number;

  constructor(words: Words, width: number) {
    this.words = words;
    this.width = width;
  }

  get length(): number {
    return this.words.length;
  }

  read(rows: ArrayLike<number>, out: Words, at: number): void {
    const { words, width } = this;
    for (let i = 0; i < rows.length; i++) {
      const [from, to] = [(rows[i] ?? 0) * width, at + i * width];
      // Copying a short row by a loop is faster than by a view of it.
      if (width > 32) out.set(words.subarray(from, from + width), to);
      else for (let k = 0; k < width; k++) out[to + k] = words[from + k] ?? 0;
    }
  }
}

/** What was given for a tensor, as rows; an error unless it has so many. A tensor that is not used has none. */
export function sourceOf(given: Rows | undefined, t: PlanTensor, rows: number, shown: string): RowSource | undefined {
  if (t.arena === '') return undefined;
  const [length, expected] = [given?.length ?? 0, rows * widthOf(t)];
  if (given === undefined || length !== expected)
    return fail('NN304', `'${shown}' has ${length} numbers, and the model was compiled for ${rows} examples, which is ${expected}`);
  return isSource(given) ? given : new ArrayRows(rowsOf(t, given, shown), widthOf(t));
}

/** Some rows of a tensor as an array. What a source of the caller's own gives was not looked at before. */
export function readRows(source: RowSource, rows: ArrayLike<number>, t: PlanTensor, shown: string): Words {
  const out = blank(rows.length * widthOf(t), t);
  source.read(rows, out, 0);
  if (!(source instanceof ArrayRows)) checkNumbers(shown, out, t.dtype, widthOf(t), rows);
  return out;
}

/** All rows of a source as an array. */
export function allRows(source: RowSource, t: PlanTensor, shown: string): Words {
  const rows = source.length / Math.max(1, widthOf(t));
  return readRows(
    source,
    Uint32Array.from({ length: rows }, (_, i) => i),
    t,
    shown,
  );
}

/** What was given, as one array. */
export const arrayOf = (given: Rows, t: PlanTensor, shown: string): ArrayLike<number> =>
  isSource(given) ? allRows(given, t, shown) : given;

/** Zeros of a tensor's type. */
export const blank = (length: number, t: PlanTensor): Words => (t.dtype === 'i32' ? new Int32Array(length) : new Float32Array(length));
