import { at } from '../base/errors.ts';
import { contractLabels } from '../ir/graph/contract.ts';
import type { NodeOf } from '../ir/graph/types.ts';
import { at64, offsets, sizeOf, strides, type Tensor } from './walk.ts';

export function reduce(
  node: NodeOf<'reduce_sum' | 'reduce_max'>,
  [x]: readonly Tensor[],
  shape: readonly number[],
  start: number,
  f: (a: number, b: number) => number,
): Float64Array {
  const { data, shape: full } = x as Tensor;
  const out = new Float64Array(sizeOf(shape)).fill(start);
  const stride = strides(shape);
  let kept = 0;
  const to = offsets(
    full,
    full.map((_, i) => (node.attrs.axes.includes(i) ? 0 : at(stride, kept++))),
  );
  for (let i = 0; i < data.length; i++) {
    const o = at64(to, i);
    out[o] = f(at64(out, o), at64(data, i));
  }
  return out;
}

/** Linear combinations along each of some axes, one axis after the other. */
export function mix({ attrs: { axes, matrix } }: NodeOf<'mix'>, x: Tensor): Tensor {
  return axes.reduce<Tensor>((t, axis) => {
    const [shape, from] = [t.shape.map((d, i) => (i === axis ? matrix.length : d)), strides(t.shape)];
    const step = at(from, axis);
    const starts = offsets(
      shape,
      from.map((s, i) => (i === axis ? 0 : s)),
    );
    const inner = sizeOf(shape.slice(axis + 1));
    const data = new Float64Array(starts.length);
    for (let i = 0; i < data.length; i++) {
      const row = at(matrix, Math.floor(i / inner) % matrix.length);
      data[i] = row.reduce((sum, c, j) => (c === 0 ? sum : sum + c * at64(t.data, at64(starts, i) + j * step)), 0);
    }
    return { shape, data };
  }, x);
}

/** The same with the sizes of all factors, for bounds. */
export const sizesOfMix = (node: NodeOf<'mix'>): NodeOf<'mix'> => ({
  ...node,
  attrs: { ...node.attrs, matrix: node.attrs.matrix.map((row) => row.map(Math.abs)) },
});

/** For each element of the result, the sum over all values of the labels that it lacks, the last label innermost. */
export function contract(node: NodeOf<'contract'>, [a, b]: readonly Tensor[], shape: readonly number[]): Float64Array {
  const labels = contractLabels(node.attrs.spec);
  const extent = new Map<string, number>();
  [...labels.a].forEach((l, i) => extent.set(l, at((a as Tensor).shape, i)));
  [...labels.b].forEach((l, i) => extent.set(l, at((b as Tensor).shape, i)));
  const summed = [...extent.keys()].filter((l) => !labels.out.includes(l));
  const last = summed.pop();
  const factor = (text: string, t: Tensor): Factor => {
    const s = strides(t.shape);
    const stride = (l: string): number => (text.includes(l) ? at(s, text.indexOf(l)) : 0);
    return {
      data: t.data,
      out: offsets(shape, [...labels.out].map(stride)),
      sum: offsets(
        summed.map((l) => extent.get(l) ?? 1),
        summed.map(stride),
      ),
      step: last === undefined ? 0 : stride(last),
      next: labels.out === '' ? 0 : stride(labels.out.slice(-1)),
    };
  };
  const [x, y] = [factor(labels.a, a as Tensor), factor(labels.b, b as Tensor)];
  const terms = last === undefined ? 1 : (extent.get(last) ?? 1);
  const row = shape.at(-1) ?? 1;
  const out = new Float64Array(x.out.length);
  for (let i = 0; i < out.length;) {
    const four = (i % row) + 4 <= row;
    if (four && x.next === 0) sumFour(out, i, terms, x, y);
    else if (four && y.next === 0) sumFour(out, i, terms, y, x);
    else out[i] = sumOne(i, terms, x, y);
    i += four && (x.next === 0 || y.next === 0) ? 4 : 1;
  }
  return out;
}

/**
 * One operand of a product and the offsets of its elements: for each element of the result, for each outer sum, and along the innermost.
 */
interface Factor {
  readonly data: Float64Array;
  readonly out: Int32Array;
  readonly sum: Int32Array;
  readonly step: number;
  /** The distance to the factor of the next element of the result. */
  readonly next: number;
}

function sumOne(i: number, terms: number, x: Factor, y: Factor): number {
  let total = 0;
  for (let s = 0; s < x.sum.length; s++) {
    let ix = at64(x.out, i) + at64(x.sum, s);
    let iy = at64(y.out, i) + at64(y.sum, s);
    for (let k = 0; k < terms; k++) {
      total += at64(x.data, ix) * at64(y.data, iy);
      ix += x.step;
      iy += y.step;
    }
  }
  return total;
}

/** Four neighbouring elements of a row of the result, which share one of the factors. */
function sumFour(out: Float64Array, i: number, terms: number, common: Factor, own: Factor): void {
  const { data: x, step: stepX } = common;
  const { data: y, step: stepY, next } = own;
  let [t0, t1, t2, t3] = [0, 0, 0, 0];
  for (let s = 0; s < common.sum.length; s++) {
    let ix = at64(common.out, i) + at64(common.sum, s);
    let iy = at64(own.out, i) + at64(own.sum, s);
    for (let k = 0; k < terms; k++) {
      const v = at64(x, ix);
      t0 += v * at64(y, iy);
      t1 += v * at64(y, iy + next);
      t2 += v * at64(y, iy + 2 * next);
      t3 += v * at64(y, iy + 3 * next);
      ix += stepX;
      iy += stepY;
    }
  }
  out[i] = t0;
  out[i + 1] = t1;
  out[i + 2] = t2;
  out[i + 3] = t3;
}
