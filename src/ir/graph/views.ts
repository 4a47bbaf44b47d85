import { at } from '../../base/errors.ts';
import { roundF16 } from '../../base/math.ts';
import { count, fixedShape, product, sameDim, showShape, showType, type Dim, type TensorType } from '../../base/types.ts';
import * as ix from '../kernel/index-math.ts';
import type { OpRecord } from './op-record.ts';
import { ALL, asItIs } from './op-parts.ts';
import type { NodeOf, Op } from './types.ts';

export type ViewOp = 'broadcast' | 'reshape' | 'permute' | 'pad' | 'slice' | 'flip' | 'window' | 'pick';

/** What views and concatenations share. They cost nothing: their maps become indices of loads. */
const MOVES = {
  family: 'view',
  memory: 'none',
  guards: false,
  reuse: (node: NodeOf<Op>, operand: number, inputs: readonly TensorType[]): number =>
    count(node.type.shape) / count(at(inputs, operand).shape),
  bijective: false,
  sum: null,
  cost: 0,
  flops: () => 0,
  exact: 'always',
  ...ALL,
} as const;

/** A read of the only operand. */
const from = (point: ix.Point): readonly [{ readonly operand: 0; readonly point: ix.Point }] => [{ operand: 0, point }];

export const VIEWS: { readonly [K in ViewOp]: OpRecord<K> } = {
  broadcast: {
    ...MOVES,
    arity: 1,
    infer: ([x], { shape, axes }) => {
      if (!x || axes.length !== x.shape.length) return 'every input axis needs its output axis';
      if (axes.some((a, i) => i > 0 && a <= (axes[i - 1] ?? 0))) return 'axes must rise';
      if (axes.some((a, i) => shape[a] === undefined || !sameDim(shape[a], x.shape[i] as Dim)))
        return `${showType(x)} does not broadcast to ${showShape(shape)} at ${axes.join(', ')}`;
      return { dtype: x.dtype, shape };
    },
    bind: ({ shape, axes }, dim) => ({ shape: shape.map(dim), axes }),
    reads: ({ attrs }, point) => from(attrs.axes.map((a) => at(point, a))),
  },
  reshape: {
    ...MOVES,
    arity: 1,
    infer: ([x], { shape }) =>
      x && sameDim(product(x.shape), product(shape))
        ? { dtype: x.dtype, shape }
        : `${x ? showType(x) : 'nothing'} has not as many elements as ${showShape(shape)}`,
    bind: ({ shape }, dim) => ({ shape: shape.map(dim) }),
    reads: ({ type }, point, inputs) => from(ix.delinear(ix.linear(point, fixedShape(type.shape)), fixedShape(at(inputs, 0).shape))),
    bijective: true,
  },
  permute: {
    ...MOVES,
    arity: 1,
    infer: ([x], { perm }) => {
      if (!x || perm.length !== x.shape.length || new Set(perm).size !== perm.length || perm.some((p) => !(p in x.shape)))
        return `${perm.join(', ')} does not permute the axes`;
      return { dtype: x.dtype, shape: perm.map((p) => x.shape[p] as Dim) };
    },
    bind: asItIs,
    reads: ({ attrs: { perm } }, point) => from(perm.map((_, i) => at(point, perm.indexOf(i)))),
    bijective: true,
  },
  pad: {
    ...MOVES,
    arity: 1,
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
    bind: asItIs,
    // In the padding, the point is outside the operand.
    reads: ({ attrs: { low } }, point) => from(point.map((v, i) => ix.add(v, ix.constant(-at(low, i))))),
    guards: true,
    halves: ({ attrs: { value } }, operand) => roundF16(value) === value && operand(0),
  },
  slice: {
    ...MOVES,
    arity: 1,
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
    bind: ({ start, size }, dim) => ({ start, size: size.map(dim) }),
    reads: ({ attrs: { start } }, point) => from(point.map((v, i) => ix.add(v, ix.constant(at(start, i))))),
  },
  flip: {
    ...MOVES,
    arity: 1,
    infer: ([x], { axes }) => {
      if (!x || axes.some((a) => typeof x.shape[a] !== 'number') || new Set(axes).size !== axes.length)
        return `axes ${axes.join(', ')} cannot be turned around`;
      return x;
    },
    bind: asItIs,
    reads: ({ attrs: { axes } }, point, inputs) => {
      const shape = fixedShape(at(inputs, 0).shape);
      return from(point.map((v, i) => (axes.includes(i) ? ix.add(ix.constant(at(shape, i) - 1), ix.scale(v, -1)) : v)));
    },
    // Every element is read once, but a sum computed backwards could not be vectorised along its result.
    bijective: false,
  },

  window: {
    ...MOVES,
    arity: 1,
    infer: ([x], { axis, size, stride, dilation }) => {
      const length = x?.shape[axis];
      if (!x || typeof length !== 'number') return 'a window slides along an axis of known size';
      const places = windowPlaces(length, size, stride, dilation);
      if (size < 1 || stride < 1 || dilation < 1 || places < 1)
        return `a window of ${size} does not fit into ${showType(x)} on axis ${axis}`;
      return { dtype: x.dtype, shape: [...x.shape.map((d, i) => (i === axis ? places : d)), size] };
    },
    bind: asItIs,
    reads: ({ attrs: { axis, stride, dilation } }, point) => {
      const place = ix.add(ix.scale(at(point, axis), stride), ix.scale(at(point, point.length - 1), dilation));
      return from(point.slice(0, -1).map((v, i) => (i === axis ? place : v)));
    },
  },

  pick: {
    ...MOVES,
    arity: 1,
    infer: ([x]) => (x && typeof x.shape[0] === 'number' ? { dtype: x.dtype, shape: x.shape.slice(1) } : 'there is no axis of places'),
    bind: asItIs,
    reads: ({ attrs: { reverse } }, point, inputs) => {
      const length = at(fixedShape(at(inputs, 0).shape), 0);
      const place = ix.place(length);
      return from([reverse ? ix.add(ix.constant(length - 1), ix.scale(place, -1)) : place, ...point]);
    },
  },
};

export function isViewOp(op: Op): op is ViewOp {
  return op in VIEWS;
}

/** Concatenation: which operand an element comes from depends on its point. */
export const CONCAT: OpRecord<'concat'> = {
  ...MOVES,
  arity: undefined,
  family: 'concat',
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
  bind: asItIs,
  reads: ({ attrs: { axis } }, point, inputs) => {
    let start = 0;
    return inputs.map(({ shape }, operand) => {
      const before = start;
      start += at(fixedShape(shape), axis);
      return { operand, point: point.map((v, i) => (i === axis ? ix.add(v, ix.constant(-before)) : v)) };
    });
  },
  guards: true,
  reuse: () => 1,
  cost: 1,
};

/** How many positions a window has on an axis. */
export function windowPlaces(length: number, size: number, stride: number, dilation: number): number {
  return Math.floor((length - dilation * (size - 1) - 1) / stride) + 1;
}
