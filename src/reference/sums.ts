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

/** For each element of the result the sum over all values of the labels that it lacks, the last of them innermost. */
export function contract(node: NodeOf<'contract'>, [a, b]: readonly Tensor[], shape: readonly number[]): Float64Array {
  const labels = contractLabels(node.attrs.spec);
  const [x, y] = [a as Tensor, b as Tensor];
  const extent = new Map<string, number>();
  [...labels.a].forEach((l, i) => extent.set(l, at(x.shape, i)));
  [...labels.b].forEach((l, i) => extent.set(l, at(y.shape, i)));
  const summed = [...extent.keys()].filter((l) => !labels.out.includes(l));
  const last = summed.pop();
  const sizes = summed.map((l) => extent.get(l) ?? 1);
  const strideOf = (text: string, shape: readonly number[]) => {
    const s = strides(shape);
    return (l: string): number => (text.includes(l) ? at(s, text.indexOf(l)) : 0);
  };
  const sa = strideOf(labels.a, x.shape);
  const sb = strideOf(labels.b, y.shape);
  const [outA, outB] = [offsets(shape, [...labels.out].map(sa)), offsets(shape, [...labels.out].map(sb))];
  const [sumA, sumB] = [offsets(sizes, summed.map(sa)), offsets(sizes, summed.map(sb))];
  const [n, stepA, stepB] = last === undefined ? [1, 0, 0] : [extent.get(last) ?? 1, sa(last), sb(last)];
  const out = new Float64Array(outA.length);
  for (let i = 0; i < out.length; i++) {
    let total = 0;
    for (let s = 0; s < sumA.length; s++) {
      let ia = at64(outA, i) + at64(sumA, s);
      let ib = at64(outB, i) + at64(sumB, s);
      for (let k = 0; k < n; k++) {
        total += at64(x.data, ia) * at64(y.data, ib);
        ia += stepA;
        ib += stepB;
      }
    }
    out[i] = total;
  }
  return out;
}
