import { CompilerBug, at } from '../base/errors.ts';

/** A dense value; bool is 0 or 1. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export function at64(data: ArrayLike<number>, i: number): number {
  const v = data[i];
  if (v === undefined) throw new CompilerBug(`the reference reads element ${i} of ${data.length}`);
  return v;
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Row-major strides. */
export function strides(shape: readonly number[]): number[] {
  const out = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) out[i] = at(out, i + 1) * at(shape, i + 1);
  return out;
}

/** The offset of every index of a shape, in row-major order, if a step along axis i is `stride[i]` elements. */
export function offsets(shape: readonly number[], stride: readonly number[], start = 0): Int32Array {
  const out = new Int32Array(sizeOf(shape)).fill(start, 0, 1);
  let size = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const [extent, step] = [at(shape, axis), at(stride, axis)];
    // What the inner axes have, once more for every further index of this one.
    for (let i = size; i < extent * size; i++) out[i] = (out[i - size] as number) + step;
    size *= extent;
  }
  return out;
}

/** The elements of an array at these offsets. */
export function take(data: Float64Array, places: Int32Array): Float64Array {
  const out = new Float64Array(places.length);
  for (let i = 0; i < out.length; i++) out[i] = at64(data, at64(places, i));
  return out;
}

/** Fills an array by calling `f` for every index in row-major order. */
export function tabulate(shape: readonly number[], f: (index: readonly number[]) => number): Float64Array {
  const out = new Float64Array(sizeOf(shape));
  const index = new Array<number>(shape.length).fill(0);
  for (let i = 0; i < out.length; i++) {
    out[i] = f(index);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = at(index, axis) + 1;
      if (at(index, axis) < at(shape, axis)) break;
      index[axis] = 0;
    }
  }
  return out;
}
