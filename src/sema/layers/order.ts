import { at } from '../../base/errors.ts';
import { product, type Dim } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import * as f from '../functions.ts';
import { asOnes, axis as dim, keepdim, knownAxis } from './axes.ts';
import { layer, problem, type Problem } from './layer.ts';

/** Sorting and selection by rank. */

/**
 * Sorted values and their indices. The rank of a value is the number of values before it, so work grows with the square of the axis.
 * Stable. NaN is the greatest, as in PyTorch: the ranks are those of a total order, so that every rank is there once.
 */
function ordered(b: GraphBuilder, x: NodeId, dimension: number, descending: boolean, k?: number): readonly NodeId[] | Problem {
  const found = knownAxis(b, x, dimension);
  if ('code' in found) return found;
  const { axis, n } = found;
  const kept = k ?? n;
  if (kept > n) return problem('NN206', `there are only ${n} values on axis ${dimension}, and ${kept} are asked for`);
  const shape = b.shape(x);
  // mine: [..., n, ..., 1...], other: a new last axis that runs over the same elements.
  const pairs: Dim[] = [...shape, n];
  const last = shape.length;
  const kept0 = shape.map((_, i) => i);
  const mine = b.broadcast(x, pairs, kept0);
  const moved = b.permute(x, [...kept0.filter((i) => i !== axis), axis]);
  const other = b.broadcast(moved, pairs, [...kept0.filter((i) => i !== axis), last]);
  const int = { dtype: 'i32', shape: pairs } as const;
  const [i, j] = [b.add('iota', [], { axis }, int), b.add('iota', [], { axis: last }, int)];
  const [first, second] = descending ? [mine, other] : [other, mine];
  // Of equal values the first one is before: nothing is to be strictly after it then.
  const before = b.op('or', b.op('before', first, second), b.op('and', b.op('lt', j, i), b.op('not', b.op('before', second, first))));
  const rank = b.sum(b.cast(before, 'i32'), [last]);
  // result[r] = the value whose rank is r.
  const slots: Dim[] = [...shape, kept];
  const slot = b.add('iota', [], { axis: last }, { dtype: 'i32', shape: slots });
  const chosen = b.op('eq', b.broadcast(rank, slots, kept0), slot);
  const back = (y: NodeId): NodeId => {
    // The slots are the last axis now; move them to where the axis was.
    const rest = shape.length - 1;
    return b.permute(y, [...Array.from({ length: axis }, (_, q) => q), rest, ...Array.from({ length: rest - axis }, (_, q) => axis + q)]);
  };
  const values = b.sum(b.op('select', chosen, b.broadcast(x, slots, kept0), b.full(0, { dtype: 'f32', shape: slots })), [axis]);
  const place = b.add('iota', [], { axis }, { dtype: 'i32', shape: slots });
  const places = b.sum(b.op('select', chosen, place, b.full(0, { dtype: 'i32', shape: slots })), [axis]);
  return [back(values), back(places)];
}

/** Flattens a tensor, for when no axis is named. */
function flattened(b: GraphBuilder, x: NodeId): NodeId | Problem {
  const n = product(b.shape(x));
  return typeof n === 'number'
    ? b.reshape(x, [n])
    : problem('NN206', 'the examples are not put in order with one another', 'name an axis: dim=-1');
}

const descending = { type: 'bool', default: false, doc: 'sorts from largest to smallest' } as const;
export const sort = layer({
  doc: 'the sorted values and their indices; NaN is the largest',
  torch: 'torch.sort',
  shape: '[..., n, ...] -> [..., n, ...] and int [..., n, ...]',
  parameters: { dim, descending },
  build: ({ b }, args, x) => ordered(b, x, args.dim, args.descending),
});
export const argsort = layer({
  doc: 'the indices that sort the values; NaN is the largest',
  torch: 'torch.argsort',
  shape: '[..., n, ...] -> int [..., n, ...]',
  parameters: { dim, descending },
  build({ b }, args, x) {
    const result = ordered(b, x, args.dim, args.descending);
    return 'code' in result ? result : at(result, 1);
  },
});
export const topk = layer({
  doc: 'the k largest or smallest values and their indices, the first of ties; NaN is the largest',
  torch: 'torch.topk',
  shape: '[..., n, ...] -> [..., k, ...] and int [..., k, ...]',
  parameters: {
    k: { type: 'int', min: 1, doc: 'number of values' },
    dim,
    largest: { type: 'bool', default: true, doc: 'the largest values; else the smallest' },
  },
  build: ({ b }, args, x) => ordered(b, x, args.dim, args.largest, args.k),
});

interface Whole {
  readonly x: NodeId;
  readonly dim: number;
}

/** The tensor and axis to work on; without an axis, all elements flattened. */
function meant(b: GraphBuilder, x: NodeId, given: number | undefined): Whole | Problem {
  if (given !== undefined) return { x, dim: given };
  const flat = flattened(b, x);
  return typeof flat === 'number' ? { x: flat, dim: 0 } : flat;
}

/** What is computed from sorted elements, or NaN where one of them is: then the last of them is NaN. */
function unlessNan(b: GraphBuilder, sorted: NodeId, axis: number, n: number, y: NodeId): NodeId {
  const last = b.op('detach', f.part(b, sorted, axis, n - 1, 1));
  return b.op('select', f.isNan(b, last), last, y);
}

/** The elements in ascending order, with their indices. */
function rising(b: GraphBuilder, x: NodeId, given: number | undefined) {
  const whole = meant(b, x, given);
  if ('code' in whole) return whole;
  const found = knownAxis(b, whole.x, whole.dim);
  if ('code' in found) return found;
  const sorted = ordered(b, whole.x, found.axis, false);
  return 'code' in sorted ? sorted : { ...found, whole, sorted };
}

/** Removes the axis, or keeps it with extent 1. */
const done = (b: GraphBuilder, y: NodeId, { x }: Whole, axis: number, keep: boolean): NodeId =>
  keep
    ? asOnes(b, y, b.shape(x), [axis])
    : b.reshape(
        y,
        b.shape(x).filter((_, i) => i !== axis),
      );

const which = { type: 'int', doc: 'the axis; default: all elements' } as const;

export const median = layer({
  doc: 'the median, the lower of two middle values; along an axis also its index; NaN if one of the values is',
  torch: 'torch.median',
  shape: '[..., n, ...] -> [..., ...] and int [..., ...]',
  parameters: { dim: which, keepdim },
  optional: ['dim'],
  build({ b }, args, x) {
    const given = (args as { readonly dim?: number }).dim;
    const found = rising(b, x, given);
    if ('code' in found) return found;
    if (given === undefined && args.keepdim)
      return problem('NN202', 'without an axis the median is one number, and no axis can be kept', 'name the axis: dim=-1');
    const { whole, axis, n, sorted } = found;
    const [value = x, place = x] = sorted.map((y) => f.part(b, y, axis, Math.floor((n - 1) / 2), 1));
    const middle = unlessNan(b, at(sorted, 0), axis, n, value);
    const shown = (y: NodeId): NodeId => done(b, y, whole, axis, args.keepdim);
    if (given === undefined) return shown(middle);
    // The index of NaN is that of the first one, which is the largest.
    const first = asOnes(b, f.argmax(b, whole.x, axis), b.shape(whole.x), [axis]);
    return [shown(middle), shown(b.op('select', f.isNan(b, middle), first, place))];
  },
});

/** The weight of the upper of two neighbours, by the fractional position between them. */
const INTERPOLATION: Readonly<Record<string, (place: number) => number>> = {
  linear: (place) => place - Math.floor(place),
  lower: () => 0,
  higher: (place) => (Number.isInteger(place) ? 0 : 1),
  midpoint: (place) => (Number.isInteger(place) ? 0 : 0.5),
  // Halves go to the even index.
  nearest(place) {
    const [low, rest] = [Math.floor(place), place - Math.floor(place)];
    return rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? 1 : 0;
  },
};

export const quantile = layer({
  doc: 'the q-quantile of the values; NaN if one of them is',
  torch: 'torch.quantile',
  shape: '[..., n, ...] -> [..., ...]',
  parameters: {
    q: { type: 'factors', min: 0, max: 1, doc: 'quantile from 0 to 1, or a list of them, which adds a first axis to the result' },
    dim: which,
    keepdim,
    interpolation: { type: 'string', default: 'linear', choices: Object.keys(INTERPOLATION), doc: 'how to interpolate between two values' },
  },
  optional: ['dim'],
  build({ b }, args, x) {
    const given = (args as { readonly dim?: number }).dim;
    const found = rising(b, x, given);
    if ('code' in found) return found;
    const { whole, axis, n, sorted } = found;
    const value = (i: number): NodeId => f.part(b, at(sorted, 0), axis, i, 1);
    const one = (q: number): NodeId => {
      // PyTorch computes the position in the type of the values: 0.29 of 100 is 29 there, and 28.999999999999996 in float64. Linear
      // interpolation does not notice.
      const place = args.interpolation === 'linear' ? q * (n - 1) : Math.fround(Math.fround(q) * (n - 1));
      const share = INTERPOLATION[args.interpolation]?.(place) ?? 0;
      const low = value(Math.floor(place));
      const step = share === 0 ? undefined : b.op('sub', value(Math.floor(place) + 1), low);
      const between = step === undefined ? low : b.op('add', low, b.op('mul', step, b.like(share, step)));
      const y = unlessNan(b, at(sorted, 0), axis, n, between);
      if (given === undefined && args.keepdim)
        return b.reshape(
          y,
          b.shape(x).map(() => 1),
        );
      return done(b, y, whole, axis, args.keepdim);
    };
    if (typeof args.q === 'number') return one(args.q);
    const thick = args.q.map(one).map((y) => b.reshape(y, [1, ...b.shape(y)]));
    if (thick.length === 0) return problem('NN206', 'a list of shares is empty');
    return thick.length === 1 ? at(thick, 0) : b.add('concat', thick, { axis: 0 });
  },
});
