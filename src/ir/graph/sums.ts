import { at } from '../../base/errors.ts';
import { count, fixedShape, showType, type TensorType } from '../../base/types.ts';
import type { Point } from '../kernel/index-math.ts';
import { contractLabels, contractWork, inferContract, summedLabels } from './contract.ts';
import type { Inferred, OpRecord, Sum } from './op-record.ts';
import { ALL, NO_BITS, NUMERIC, asItIs } from './op-parts.ts';
import type { NodeId, Op } from './types.ts';
import { windowPlaces } from './views.ts';

type Summing = 'reduce_sum' | 'reduce_max' | 'contract' | 'mix' | 'unwindow';

const shapeOf = (inputs: readonly TensorType[], i: number): readonly number[] => fixedShape(at(inputs, i).shape);

/** What all sums share: they are computed once, and read from memory or by their only reader. */
export const SUMMED = {
  memory: 'none',
  guards: false,
  bijective: false,
  cost: 1,
  exact: 'once',
} as const;

/** Its loops depend on data or skip elements outside the windows, so lanes would have unequal work. */
export const UNEVEN: Sum<Op> = { loops: () => [], shared: false, tiled: true };

const reduce = {
  ...SUMMED,
  arity: 1,
  family: 'reduce',
  bind: asItIs,
  infer: ([x]: readonly TensorType[], { axes }: { readonly axes: readonly number[] }): Inferred => {
    if (!x || !NUMERIC.includes(x.dtype)) return 'only numbers can be reduced';
    if (axes.some((a) => !(a in x.shape)) || new Set(axes).size !== axes.length)
      return `axes ${axes.join(', ')} are not axes of ${showType(x)}`;
    return { dtype: x.dtype, shape: x.shape.filter((_, i) => !axes.includes(i)) };
  },
  reads: ({ attrs: { axes } }, point, inputs, unknown) => {
    let kept = 0;
    const full = shapeOf(inputs, 0).map((extent, i) => (axes.includes(i) ? unknown.loop(extent) : at(point, kept++)));
    return [{ operand: 0, point: full }];
  },
  reuse: () => 1,
  sum: { loops: ({ attrs }, inputs) => attrs.axes.map((a) => at(shapeOf(inputs, 0), a)), shared: true, tiled: false },
  flops: ({ type }, inputs) => (type.dtype === 'f32' ? count(shapeOf(inputs, 0)) : 0),
  ...NO_BITS,
} as const satisfies OpRecord<'reduce_sum' | 'reduce_max'>;

export const SUMS: { readonly [K in Summing]: OpRecord<K> } = {
  reduce_sum: {
    ...reduce,
    // A sum of a masked row may just pick one element.
    handsOn: ({ inputs: [x = -1] }, below): readonly NodeId[] => (below(x).op === 'select' ? [x] : []),
  },
  reduce_max: { ...reduce, ...ALL },
  contract: {
    ...SUMMED,
    ...NO_BITS,
    arity: 2,
    family: 'contract',
    infer: inferContract,
    bind: asItIs,
    reads: ({ attrs: { spec } }, point, inputs, unknown) => {
      const l = contractLabels(spec);
      const loops = summedLabels(spec).map((c) => [c, unknown.loop(extentOf(spec, c, inputs))] as const);
      const inner = new Map(loops);
      const pick = (labels: string): Point => [...labels].map((c) => inner.get(c) ?? at(point, l.out.indexOf(c)));
      return [
        { operand: 0, point: pick(l.a) },
        { operand: 1, point: pick(l.b) },
      ];
    },
    reuse: ({ attrs }, operand, inputs) =>
      contractWork(attrs.spec, shapeOf(inputs, 0), shapeOf(inputs, 1)) / count(at(inputs, operand).shape),
    sum: {
      loops: ({ attrs: { spec } }, inputs) => summedLabels(spec).map((c) => extentOf(spec, c, inputs)),
      shared: true,
      tiled: true,
    },
    flops: ({ attrs }, inputs) => 2 * contractWork(attrs.spec, shapeOf(inputs, 0), shapeOf(inputs, 1)),
  },
  mix: {
    ...SUMMED,
    ...NO_BITS,
    arity: 1,
    family: 'reduce',
    infer: ([x], { axes, matrix }) => {
      const columns = matrix[0]?.length ?? 0;
      if (x?.dtype !== 'f32') return 'only floats can be mixed';
      if (columns === 0 || matrix.some((row) => row.length !== columns)) return 'rows of a matrix have one length';
      if (new Set(axes).size !== axes.length || axes.some((a) => x.shape[a] !== columns))
        return `axes ${axes.join(', ')} are not axes of ${columns} elements in ${showType(x)}`;
      return { dtype: x.dtype, shape: x.shape.map((d, i) => (axes.includes(i) ? matrix.length : d)) };
    },
    bind: asItIs,
    reads: ({ attrs: { axes, matrix } }, point, _inputs, unknown) => [
      { operand: 0, point: point.map((v, i) => (axes.includes(i) ? unknown.data(at(matrix, 0).length) : v)) },
    ],
    reuse: () => 1,
    sum: UNEVEN,
    flops: ({ attrs: { axes, matrix } }, inputs) => {
      // One axis after the other.
      const shape = [...shapeOf(inputs, 0)];
      const terms = matrix.reduce((n, row) => n + row.filter((c) => c !== 0).length, 0);
      return axes.reduce((n, axis) => {
        const lines = count(shape) / at(shape, axis);
        shape[axis] = matrix.length;
        return n + lines * terms;
      }, 0);
    },
  },
  unwindow: {
    ...SUMMED,
    ...NO_BITS,
    arity: 1,
    family: 'reduce',
    infer: ([x], { axis, length, stride, dilation }) => {
      const size = x?.shape.at(-1);
      const places = x?.shape[axis];
      if (!x || x.dtype !== 'f32' || typeof size !== 'number' || axis >= x.shape.length - 1)
        return 'unwindow needs an axis of places and a last axis of the window';
      if (places !== windowPlaces(length, size, stride, dilation)) return `${showType(x)} does not hold the windows of ${length} places`;
      return { dtype: x.dtype, shape: x.shape.slice(0, -1).map((d, i) => (i === axis ? length : d)) };
    },
    bind: asItIs,
    reads: ({ attrs: { axis } }, point, inputs, unknown) => {
      const shape = shapeOf(inputs, 0);
      const place = unknown.data(at(shape, axis));
      return [{ operand: 0, point: [...point.map((v, i) => (i === axis ? place : v)), unknown.loop(at(shape, shape.length - 1))] }];
    },
    reuse: () => 1,
    sum: UNEVEN,
    flops: (_node, inputs) => count(shapeOf(inputs, 0)),
  },
};

function extentOf(spec: string, label: string, inputs: readonly TensorType[]): number {
  const l = contractLabels(spec);
  return l.a.includes(label) ? at(shapeOf(inputs, 0), l.a.indexOf(label)) : at(shapeOf(inputs, 1), l.b.indexOf(label));
}
