import { invariant } from './errors.ts';

/** Element types of tensors. `i32` holds labels and indices; `bool` results of comparisons. */
export type DType = 'f32' | 'i32' | 'bool';

/** Element types in memory: bool is stored as i32, and values that binary16 represents exactly may be stored as f16. */
export type StorageType = 'f32' | 'i32' | 'f16';

/** The precision of products: f32, or f16 factors with f32 sums. */
export type Precision = 'f32' | 'f16';

/** Elements per 32-bit word. */
export const PER_WORD: Readonly<Record<StorageType, number>> = { f32: 1, i32: 1, f16: 2 };

/** A multiple of the batch size, which is known only when the program meets its data. */
export interface BatchDim {
  readonly batch: number;
}
export type Dim = number | BatchDim;
export type Shape = readonly Dim[];

export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** The batch dimension itself. */
export const BATCH: BatchDim = { batch: 1 };

export function sameDim(a: Dim, b: Dim): boolean {
  return typeof a === 'number' || typeof b === 'number' ? a === b : a.batch === b.batch;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((d, i) => sameDim(d, b[i] as Dim));
}

export function sameType(a: TensorType, b: TensorType): boolean {
  return a.dtype === b.dtype && sameShape(a.shape, b.shape);
}

/** Product of dims; at most one factor of the batch. */
export function product(shape: Shape): Dim {
  let n = 1;
  let batched = false;
  for (const d of shape) {
    if (typeof d === 'number') n *= d;
    else {
      invariant(!batched, 'a shape holds the batch dimension twice');
      batched = true;
      n *= d.batch;
    }
  }
  return batched ? { batch: n } : n;
}

export function showDim(d: Dim): string {
  if (typeof d === 'number') return String(d);
  return d.batch === 1 ? 'B' : `${d.batch}*B`;
}

export function showShape(shape: Shape): string {
  return `[${shape.map(showDim).join(', ')}]`;
}

/** Text such as `f32[B, 16]`. */
export function showType(t: TensorType): string {
  return `${t.dtype}${showShape(t.shape)}`;
}

/** Reads what {@link showDim} wrote. */
export function parseDim(text: string): Dim {
  const match = /^(?:(\d+)\*)?B$/.exec(text);
  if (match) return { batch: Number(match[1] ?? 1) };
  invariant(/^\d+$/.test(text), `'${text}' is not a dimension`);
  return Number(text);
}

/** The extent of a dimension that must be known by now. */
export function fixedDim(d: Dim): number {
  invariant(typeof d === 'number', 'the batch size is not bound yet');
  return d;
}

export function fixedShape(shape: Shape): number[] {
  return shape.map(fixedDim);
}

/** Number of elements of a bound shape. */
export function count(shape: Shape): number {
  return fixedDim(product(shape));
}

/** The extent of a dimension for a batch size. */
export function bindDim(d: Dim, batch: number): number {
  return typeof d === 'number' ? d : d.batch * batch;
}

/** Elements of one example of a batch. */
export const widthOfType = (type: TensorType): number =>
  type.shape.slice(1).reduce<number>((n, d) => n * (typeof d === 'number' ? d : 1), 1);
