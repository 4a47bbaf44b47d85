import { at } from '../../base/errors.ts';
import { product, sameDim, showShape, showType, type Dim } from '../../base/types.ts';
import type { OpSpec } from './op-spec.ts';

type View = 'broadcast' | 'reshape' | 'permute' | 'pad' | 'slice' | 'concat' | 'flip' | 'window';

/** Shape rules of operations that only say where elements are found. */
export const VIEWS: { readonly [K in View]: OpSpec<K> } = {
  broadcast: {
    arity: 1,
    family: 'view',
    infer: ([x], { shape, axes }) => {
      if (!x || axes.length !== x.shape.length) return 'every input axis needs its output axis';
      if (axes.some((a, i) => i > 0 && a <= (axes[i - 1] ?? 0))) return 'axes must rise';
      if (axes.some((a, i) => shape[a] === undefined || !sameDim(shape[a], x.shape[i] as Dim)))
        return `${showType(x)} does not broadcast to ${showShape(shape)} at ${axes.join(', ')}`;
      return { dtype: x.dtype, shape };
    },
  },
  reshape: {
    arity: 1,
    family: 'view',
    infer: ([x], { shape }) =>
      x && sameDim(product(x.shape), product(shape))
        ? { dtype: x.dtype, shape }
        : `${x ? showType(x) : 'nothing'} has not as many elements as ${showShape(shape)}`,
  },
  permute: {
    arity: 1,
    family: 'view',
    infer: ([x], { perm }) => {
      if (!x || perm.length !== x.shape.length || new Set(perm).size !== perm.length || perm.some((p) => !(p in x.shape)))
        return `${perm.join(', ')} does not permute the axes`;
      return { dtype: x.dtype, shape: perm.map((p) => x.shape[p] as Dim) };
    },
  },
  pad: {
    arity: 1,
    family: 'view',
    infer: ([x], { low, high }) => {
      if (!x || low.length !== x.shape.length || high.length !== x.shape.length) return 'pad needs a low and a high for each axis';
      const shape: Dim[] = [];
      for (const [i, d] of x.shape.entries()) {
        const extra = at(low, i) + at(high, i);
        if (at(low, i) < 0 || at(high, i) < 0) return 'pad cannot be negative';
        if (extra > 0 && typeof d !== 'number') return 'the batch cannot be padded';
        shape.push(typeof d === 'number' ? d + extra : d);
      }
      return { dtype: x.dtype, shape };
    },
  },
  slice: {
    arity: 1,
    family: 'view',
    infer: ([x], { start, size }) => {
      if (!x || start.length !== x.shape.length || size.length !== x.shape.length) return 'slice needs a start and a size for each axis';
      for (const [i, d] of x.shape.entries()) {
        const s = size[i] as Dim;
        const inside =
          typeof d === 'number' && typeof s === 'number' ? at(start, i) >= 0 && at(start, i) + s <= d : at(start, i) === 0 && sameDim(s, d);
        if (!inside) return `the slice leaves ${showType(x)} on axis ${i}`;
      }
      return { dtype: x.dtype, shape: size };
    },
  },
  concat: {
    arity: undefined,
    family: 'view',
    infer: (inputs, { axis }) => {
      const [first] = inputs;
      if (!first || !(axis in first.shape)) return 'nothing to concatenate on that axis';
      let total = 0;
      for (const t of inputs) {
        const d = t.shape[axis];
        if (t.dtype !== first.dtype || t.shape.length !== first.shape.length) return 'operands differ';
        if (t.shape.some((x, i) => i !== axis && !sameDim(x, first.shape[i] as Dim)))
          return `operands differ: ${inputs.map(showType).join(', ')}`;
        if (typeof d !== 'number') return 'the batch cannot be concatenated';
        total += d;
      }
      return { dtype: first.dtype, shape: first.shape.map((d, i) => (i === axis ? total : d)) };
    },
  },

  flip: {
    arity: 1,
    family: 'view',
    infer: ([x], { axes }) => {
      if (!x || axes.some((a) => typeof x.shape[a] !== 'number') || new Set(axes).size !== axes.length)
        return `axes ${axes.join(', ')} cannot be turned around`;
      return x;
    },
  },

  window: {
    arity: 1,
    family: 'view',
    infer: ([x], { axis, size, stride, dilation }) => {
      const length = x?.shape[axis];
      if (!x || typeof length !== 'number') return 'a window slides along an axis of known size';
      const places = windowPlaces(length, size, stride, dilation);
      if (size < 1 || stride < 1 || dilation < 1 || places < 1)
        return `a window of ${size} does not fit into ${showType(x)} on axis ${axis}`;
      return { dtype: x.dtype, shape: [...x.shape.map((d, i) => (i === axis ? places : d)), size] };
    },
  },
};

/** How many places a window has on an axis. */
export function windowPlaces(length: number, size: number, stride: number, dilation: number): number {
  return Math.floor((length - dilation * (size - 1) - 1) / stride) + 1;
}
