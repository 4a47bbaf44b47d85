import type { Numbers } from './needs.ts';
import { blank, type StoredRows } from './values.ts';

/** A place for bytes outside of memory, such as a temporary file. */
export interface Shelf {
  /** Sets room aside, and gives its place. */
  reserve(bytes: number): number;
  write(place: number, bytes: Uint8Array): void;
  read(place: number, into: Uint8Array): void;
}

export const bytesOf = (values: Numbers | Float64Array): Uint8Array => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

const BYTES = 4;
/** If less than one of so many rows is wanted, rows are read one by one. */
const SPARSE = 16;

function isRising(rows: ArrayLike<number>): boolean {
  for (let i = 1; i < rows.length; i++) if ((rows[i] ?? 0) <= (rows[i - 1] ?? 0)) return false;
  return true;
}

/** Rows of numbers on a shelf. */
export class ShelvedRows implements StoredRows {
  readonly dtype: 'f32' | 'i32';
  readonly width: number;
  readonly length: number;
  private readonly shelf: Shelf;
  private readonly place: number;

  constructor(shelf: Shelf, dtype: 'f32' | 'i32', rows: number, width: number) {
    this.shelf = shelf;
    this.dtype = dtype;
    this.width = width;
    this.length = rows * width;
    this.place = shelf.reserve(this.length * BYTES);
  }

  /** Puts rows on the shelf, from a row on. */
  put(row: number, values: Numbers): void {
    this.shelf.write(this.place + row * this.width * BYTES, bytesOf(values));
  }

  read(rows: ArrayLike<number>, out: Numbers, at: number): void {
    const { width } = this;
    const [first = 0, last = 0] = [rows[0], rows[rows.length - 1]];
    if (last - first < SPARSE * rows.length && isRising(rows)) {
      const span = blank(this.dtype, (last - first + 1) * width);
      this.shelf.read(this.place + first * width * BYTES, bytesOf(span));
      for (let i = 0; i < rows.length; i++) {
        const from = ((rows[i] ?? 0) - first) * width;
        for (let k = 0; k < width; k++) out[at + i * width + k] = span[from + k] ?? 0;
      }
      return;
    }
    for (let i = 0; i < rows.length;) {
      const row = rows[i] ?? 0;
      // Rows that lie one behind the other are read at once.
      let n = 1;
      while (i + n < rows.length && rows[i + n] === row + n) n++;
      this.shelf.read(this.place + row * width * BYTES, bytesOf(out.subarray(at + i * width, at + (i + n) * width)));
      i += n;
    }
  }
}
