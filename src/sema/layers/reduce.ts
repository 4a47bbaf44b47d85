import { at } from '../../base/errors.ts';
import { showShape, type Dim, type Shape } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import * as f from '../functions.ts';
import { layer, problem, type BuiltValue, type Layer, type Problem } from './layer.ts';

/** Functions that join the elements of axes, or run along one. */

/** All axes, one, or several. */
const dim = { type: 'sizes', doc: 'the axis or a list of axes; all where it is not said' } as const;
const keepdim = { type: 'bool', default: false, doc: 'keeps the axis with extent 1' } as const;

/** The axes that `dim` names. */
function axesOf(b: GraphBuilder, x: NodeId, given: number | readonly number[] | undefined): number[] | Problem {
  const shape = b.shape(x);
  if (given === undefined) return shape.map((_, i) => i);
  const axes = [given].flat().map((d) => f.axisOf(d, shape.length));
  const bad = [given].flat().find((_, i) => axes[i] === undefined);
  if (bad !== undefined) return problem('NN206', `${showShape(shape)} has no axis ${bad}`);
  if (new Set(axes).size !== axes.length) return problem('NN206', 'an axis is named twice');
  return axes as number[];
}

/** Puts reduced axes back with extent 1. */
const asOnes = (b: GraphBuilder, y: NodeId, shape: Shape, axes: readonly number[]): NodeId =>
  b.reshape(
    y,
    shape.map((d, i) => (axes.includes(i) ? 1 : d)),
  );

const reduction = (doc: string, torch: string, reduce: (b: GraphBuilder, x: NodeId, axes: readonly number[]) => NodeId): Layer =>
  layer({
    doc,
    torch,
    shape: '[..., n, ...] -> [..., ...]',
    parameters: { dim, keepdim },
    optional: ['dim'],
    build({ b }, args, x) {
      const shape = b.shape(x);
      const axes = axesOf(b, x, (args as { readonly dim?: number | readonly number[] }).dim);
      if (!Array.isArray(axes)) return axes;
      const y = reduce(b, x, axes);
      return args.keepdim ? asOnes(b, y, shape, axes) : y;
    },
  });

const meanOver = (b: GraphBuilder, x: NodeId, axes: readonly number[]): NodeId => {
  const total = b.sum(x, axes);
  return b.op('div', total, b.splat(f.elements(b, x, axes), b.shape(total)));
};
/** Sums of squares around the mean, over n - correction. */
const varOver = (b: GraphBuilder, x: NodeId, axes: readonly number[], correction: number): NodeId => {
  const d = b.op('sub', x, b.unreduce(meanOver(b, x, axes), b.shape(x), axes));
  const total = b.sum(b.op('mul', d, d), axes);
  const n = f.elements(b, x, axes);
  const divisor = correction === 0 ? n : b.op('sub', n, b.like(correction, n));
  return b.op('div', total, b.splat(divisor, b.shape(total)));
};

export const sum = reduction('the sum', 'torch.sum', (b, x, axes) => b.sum(x, axes));
export const mean = reduction('the mean', 'torch.mean', meanOver);
export const amax = reduction('the largest value; ties share the gradient', 'torch.amax', (b, x, axes) =>
  b.add('reduce_max', [x], { axes }),
);
export const amin = reduction('the smallest value; ties share the gradient', 'torch.amin', (b, x, axes) =>
  b.op('neg', b.add('reduce_max', [b.op('neg', x)], { axes })),
);
export const norm = reduction('the Euclidean norm', 'torch.linalg.vector_norm', (b, x, axes) =>
  b.op('sqrt', b.sum(b.op('mul', x, x), axes)),
);

const spread = (doc: string, torch: string, root: boolean): Layer =>
  layer({
    doc,
    torch,
    shape: '[..., n, ...] -> [..., ...]',
    parameters: { dim, keepdim, correction: { type: 'number', default: 0, min: 0, doc: 'subtracted from n: 1 for the unbiased estimate' } },
    optional: ['dim'],
    build({ b }, args, x) {
      const shape = b.shape(x);
      const axes = axesOf(b, x, (args as { readonly dim?: number | readonly number[] }).dim);
      if (!Array.isArray(axes)) return axes;
      const v = varOver(b, x, axes, args.correction);
      const y = root ? b.op('sqrt', v) : v;
      return args.keepdim ? asOnes(b, y, shape, axes) : y;
    },
  });
export const variance = spread('the variance', 'torch.var(correction=0)', false);
export const std = spread('the standard deviation', 'torch.std(correction=0)', true);

export const logsumexp = layer({
  doc: 'log sum exp along an axis, without overflow',
  torch: 'torch.logsumexp',
  shape: '[..., n, ...] -> [..., ...]',
  parameters: { dim: { type: 'int', default: -1, doc: 'the axis' } },
  build({ b }, args, x) {
    const axis = f.axisOf(args.dim, b.shape(x).length);
    return axis === undefined ? problem('NN206', `${showShape(b.shape(x))} has no axis ${args.dim}`) : f.logsumexp(b, x, axis);
  },
});

const scanned = (doc: string, torch: string, op: 'add' | 'mul' | 'max', neutral: number): Layer =>
  layer({
    doc,
    torch,
    parameters: { dim: { type: 'int', default: -1, doc: 'the axis' } },
    keepsShape: true,
    build: ({ b }, args, x) => scan(b, x, args.dim, op, neutral),
  });
export const cumsum = scanned('sums of everything up to each place', 'torch.cumsum', 'add', 0);
export const cumprod = scanned('products of everything up to each place', 'torch.cumprod', 'mul', 1);
export const cummax = scanned('the largest value up to each place', 'torch.cummax', 'max', f.LOWEST);

/** Doubling scan: after k rounds each place holds the last 2^k values before it. */
function scan(b: GraphBuilder, x: NodeId, dimension: number, op: 'add' | 'mul' | 'max', neutral: number): BuiltValue {
  const found = knownAxis(b, x, dimension);
  if ('code' in found) return found;
  const { axis, n } = found;
  const shape = b.shape(x);
  let y = x;
  for (let shift = 1; shift < n; shift *= 2) {
    const low = shape.map((_, i) => (i === axis ? shift : 0));
    const kept = f.part(b, y, axis, 0, n - shift);
    y = b.op(op, y, b.add('pad', [kept], { low, high: shape.map(() => 0), value: neutral }));
  }
  return y;
}

/** An axis whose extent is a number. */
function knownAxis(b: GraphBuilder, x: NodeId, dimension: number): { readonly axis: number; readonly n: number } | Problem {
  const shape = b.shape(x);
  const axis = f.axisOf(dimension, shape.length);
  const n = axis === undefined ? undefined : shape[axis];
  if (axis === undefined || typeof n !== 'number') return problem('NN206', `${showShape(shape)} has no axis ${dimension} of known size`);
  return { axis, n };
}

export const prod = layer({
  doc: 'the product along an axis',
  torch: 'torch.prod',
  shape: '[..., n, ...] -> [..., ...]',
  parameters: { dim: { type: 'int', default: -1, doc: 'the axis' } },
  build({ b }, args, x) {
    const found = knownAxis(b, x, args.dim);
    if ('code' in found) return found;
    // Halves are multiplied until one is left: gradients are right even where a factor is 0.
    const { axis } = found;
    let y = x;
    for (;;) {
      const shape = b.shape(y);
      const n = shape[axis] as number;
      if (n === 1)
        return b.reshape(
          y,
          shape.filter((_, i) => i !== axis),
        );
      const half = Math.floor(n / 2);
      const product = b.op('mul', f.part(b, y, axis, 0, half), f.part(b, y, axis, half, half));
      y = n % 2 === 0 ? product : b.add('concat', [product, f.part(b, y, axis, 2 * half, 1)], { axis });
    }
  },
});

const extreme = (doc: string, torch: string, largest: boolean): Layer =>
  layer({
    doc,
    torch,
    shape: '[..., n, ...] -> int [..., ...]',
    parameters: { dim: { type: 'int', default: -1, doc: 'the axis' }, keepdim },
    build({ b }, args, x) {
      const shape = b.shape(x);
      const axis = f.axisOf(args.dim, shape.length);
      if (axis === undefined) return problem('NN206', `${showShape(shape)} has no axis ${args.dim}`);
      const y = f.argmax(b, largest ? x : b.op('neg', x), axis);
      return args.keepdim ? asOnes(b, y, shape, [axis]) : y;
    },
  });
export const argmax = extreme('the place of the largest value, the first of several', 'torch.argmax', true);
export const argmin = extreme('the place of the smallest value, the first of several', 'torch.argmin', false);

/**
 * Values in order and their places: each value is sent to the place that the count of those before it gives. Work grows with
 * the square of the axis; ties keep their order.
 */
function ordered(b: GraphBuilder, x: NodeId, dimension: number, descending: boolean, k?: number): readonly NodeId[] | Problem {
  const found = knownAxis(b, x, dimension);
  if ('code' in found) return found;
  const { axis, n } = found;
  const kept = k ?? n;
  if (kept > n) return problem('NN206', `there are only ${n} values on axis ${dimension}, and ${kept} are asked for`);
  const shape = b.shape(x);
  // mine: [..., n, ..., 1...], other: a new last axis that runs through the axis.
  const pairs: Dim[] = [...shape, n];
  const last = shape.length;
  const kept0 = shape.map((_, i) => i);
  const mine = b.broadcast(x, pairs, kept0);
  const moved = b.permute(x, [...kept0.filter((i) => i !== axis), axis]);
  const other = b.broadcast(moved, pairs, [...kept0.filter((i) => i !== axis), last]);
  const int = { dtype: 'i32', shape: pairs } as const;
  const [i, j] = [b.add('iota', [], { axis }, int), b.add('iota', [], { axis: last }, int)];
  const better = descending ? b.op('lt', mine, other) : b.op('lt', other, mine);
  const before = b.op('or', better, b.op('and', b.op('eq', mine, other), b.op('lt', j, i)));
  const rank = b.sum(b.cast(before, 'i32'), [last]);
  // result[r] = the value whose rank is r.
  const slots: Dim[] = [...shape, kept];
  const slot = b.add('iota', [], { axis: last }, { dtype: 'i32', shape: slots });
  const chosen = b.op('eq', b.broadcast(rank, slots, kept0), slot);
  const back = (y: NodeId): NodeId => {
    // The slots are the last axis of what is left: put them where the axis was.
    const rest = shape.length - 1;
    return b.permute(y, [...Array.from({ length: axis }, (_, q) => q), rest, ...Array.from({ length: rest - axis }, (_, q) => axis + q)]);
  };
  const values = b.sum(b.op('select', chosen, b.broadcast(x, slots, kept0), b.full(0, { dtype: 'f32', shape: slots })), [axis]);
  const place = b.add('iota', [], { axis }, { dtype: 'i32', shape: slots });
  const places = b.sum(b.op('select', chosen, place, b.full(0, { dtype: 'i32', shape: slots })), [axis]);
  return [back(values), back(places)];
}

const descending = { type: 'bool', default: false, doc: 'the largest first' } as const;
export const sort = layer({
  doc: 'values in order and the places where they stood',
  torch: 'torch.sort',
  shape: '[..., n, ...] -> [..., n, ...] and int [..., n, ...]',
  parameters: { dim: { type: 'int', default: -1, doc: 'the axis' }, descending },
  build: ({ b }, args, x) => ordered(b, x, args.dim, args.descending),
});
export const argsort = layer({
  doc: 'the places of values in order',
  torch: 'torch.argsort',
  shape: '[..., n, ...] -> int [..., n, ...]',
  parameters: { dim: { type: 'int', default: -1, doc: 'the axis' }, descending },
  build({ b }, args, x) {
    const result = ordered(b, x, args.dim, args.descending);
    return 'code' in result ? result : at(result, 1);
  },
});
export const topk = layer({
  doc: 'the k largest values and their places',
  torch: 'torch.topk',
  shape: '[..., n, ...] -> [..., k, ...] and int [..., k, ...]',
  parameters: { k: { type: 'int', min: 1, doc: 'how many' }, dim: { type: 'int', default: -1, doc: 'the axis' } },
  build: ({ b }, args, x) => ordered(b, x, args.dim, true, args.k),
});

const logical = (doc: string, torch: string, every: boolean): Layer =>
  layer({
    anyType: true,
    doc,
    torch,
    shape: 'bool [..., n, ...] -> bool [..., ...]',
    parameters: { dim, keepdim },
    optional: ['dim'],
    build({ b }, args, x) {
      if (b.type(x).dtype !== 'bool') return problem('NN204', 'a comparison is needed, such as x > 0');
      const axes = axesOf(b, x, (args as { readonly dim?: number | readonly number[] }).dim);
      if (!Array.isArray(axes)) return axes;
      const count = b.add('reduce_max', [b.cast(every ? b.op('not', x) : x, 'i32')], { axes });
      const y = b.op('eq', count, b.like(every ? 0 : 1, count));
      return args.keepdim ? asOnes(b, y, b.shape(x), axes) : y;
    },
  });
export const all = logical('all hold', 'torch.all', true);
export const any = logical('one of them holds', 'torch.any', false);
