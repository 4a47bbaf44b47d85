import { crc32 } from '../base/crc32.ts';
import type { Numbers } from './needs.ts';

/** Rows of numbers that lie outside of memory, and are read when they are needed. */
export interface StoredRows {
  readonly dtype: 'f32' | 'i32';
  /** All numbers, and those of one row. */
  readonly length: number;
  readonly width: number;
  /** Copies rows to `out`, one behind the other, from place `at` on. */
  read(rows: ArrayLike<number>, out: Numbers, at: number): void;
  /** The same rows in the order in which they are read fastest. */
  fastest?(): StoredRows;
}

/** The numbers of an input or a target, row by row. */
export type Values = Numbers | StoredRows;

/** A tensor of a file; unsigned bytes stay what they are. */
export interface DataTensor {
  readonly shape: readonly number[];
  readonly data: Numbers | Uint8Array;
  /** The file held unsigned bytes, as images do; as an input, 255 becomes 1. */
  readonly bytes?: boolean;
}

export const isStored = (values: Values): values is StoredRows => 'read' in values;

/** Rows that are looked at together. */
const BLOCK = 1 << 14;

/** All numbers in order, in arrays of whole rows: in one, if they are in memory. */
export function* blocksOf(values: Values): Iterable<Numbers> {
  if (!isStored(values)) return yield values;
  const rows = values.length / values.width;
  for (let from = 0; from < rows; from += BLOCK) {
    const n = Math.min(BLOCK, rows - from);
    yield readRows(
      values,
      Uint32Array.from({ length: n }, (_, i) => from + i),
    );
  }
}

/** All numbers, whole rows together, in whatever order is fast. */
export const blocksInAnyOrder = (values: Values): Iterable<Numbers> => blocksOf(isStored(values) ? (values.fastest?.() ?? values) : values);

/** The checksum of all numbers, to know whether examples are the same as before. */
export function checksumOf(all: readonly Values[]): number {
  let sum = 0;
  for (const values of all)
    for (const block of blocksOf(values)) sum = crc32(new Uint8Array(block.buffer, block.byteOffset, block.byteLength), sum);
  return sum;
}

/** The place of the first number that fulfils a condition, and the number; undefined if there is none. */
export function findIn(values: Values, is: (v: number) => boolean): { readonly at: number; readonly value: number } | undefined {
  let before = 0;
  for (const block of blocksOf(values)) {
    const i = block.findIndex(is);
    if (i >= 0) return { at: before + i, value: block[i] ?? NaN };
    before += block.length;
  }
  return undefined;
}

export const blank = (dtype: 'f32' | 'i32', length: number): Numbers =>
  dtype === 'i32' ? new Int32Array(length) : new Float32Array(length);

/** Some rows as an array. */
export function readRows(values: StoredRows, rows: ArrayLike<number>): Numbers {
  const out = blank(values.dtype, rows.length * values.width);
  values.read(rows, out, 0);
  return out;
}

/** Some of the `total` rows, in the given order; rows that are stored stay where they are. */
export function pickRows(values: Values, total: number, rows: Uint32Array): Values {
  if (isStored(values)) return new Picked(values, rows);
  const width = values.length / total;
  const out = values instanceof Float32Array ? new Float32Array(rows.length * width) : new Int32Array(rows.length * width);
  rows.forEach((row, i) => out.set(values.subarray(row * width, (row + 1) * width), i * width));
  return out;
}

/** The first rows as an array. */
export function firstRows(values: Values, total: number, rows: number): Numbers {
  if (!isStored(values)) return values.subarray(0, (values.length / total) * rows);
  return readRows(
    values,
    Uint32Array.from({ length: rows }, (_, i) => i),
  );
}

/**
 * Brightnesses: bytes, or pairs of bytes, that are divided by the brightest when they are read, since they take a quarter or half of the room
 * of numbers.
 */
export class ByteRows implements StoredRows {
  readonly dtype = 'f32';
  readonly width: number;
  private readonly bytes: Uint8Array | Uint16Array;

  constructor(bytes: Uint8Array | Uint16Array, width: number) {
    this.bytes = bytes;
    this.width = width;
  }

  get length(): number {
    return this.bytes.length;
  }

  read(rows: ArrayLike<number>, out: Numbers, at: number): void {
    const { bytes, width } = this;
    const most = bytes instanceof Uint8Array ? 255 : 65_535;
    for (let i = 0; i < rows.length; i++) {
      const [from, to] = [(rows[i] ?? 0) * width, at + i * width];
      for (let k = 0; k < width; k++) out[to + k] = (bytes[from + k] ?? 0) / most;
    }
  }
}

/** Some rows of stored ones. */
class Picked implements StoredRows {
  private readonly from: StoredRows;
  private readonly rows: Uint32Array;

  constructor(from: StoredRows, rows: Uint32Array) {
    this.from = from;
    this.rows = rows;
  }

  get dtype(): 'f32' | 'i32' {
    return this.from.dtype;
  }

  get width(): number {
    return this.from.width;
  }

  get length(): number {
    return this.rows.length * this.width;
  }

  fastest(): StoredRows {
    return new Picked(this.from, this.rows.slice().sort());
  }

  read(rows: ArrayLike<number>, out: Numbers, at: number): void {
    this.from.read(
      Uint32Array.from(rows, (i) => this.rows[i] ?? 0),
      out,
      at,
    );
  }
}

/** All numbers as one array. */
export const inMemory = (values: Values): Numbers =>
  isStored(values) ? firstRows(values, values.length / values.width, values.length / values.width) : values;
