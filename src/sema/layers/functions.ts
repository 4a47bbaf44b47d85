import { at } from '../../base/errors.ts';
import { sameDim, showShape, type Dim } from '../../base/types.ts';
import type { GraphBuilder, PlainOp } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { align, broadcastShapes, pointwise } from '../arithmetic.ts';
import * as f from '../functions.ts';
import { layer, problem, type BuiltValue, type Layer } from './layer.ts';

/** Functions of expressions: `exp(x)`, `max(a, b)`, `mean(x)`. The ones of a single tensor are stages as well. */

const unary = (op: PlainOp, doc: string, torch: string): Layer =>
  layer({ doc, torch, parameters: {}, keepsShape: true, build: ({ b }, _a, x) => b.op(op, x) });

const composed = (doc: string, torch: string, build: (b: GraphBuilder, x: NodeId) => NodeId): Layer =>
  layer({ doc, torch, parameters: {}, keepsShape: true, build: ({ b }, _a, x) => build(b, x) });

const binary = (op: PlainOp, doc: string, torch: string): Layer =>
  layer({ doc, torch, inputs: ['a', 'b'], parameters: {}, build: ({ b }, _a, x, y = x) => pointwise(b, op, x, y) });

export const exp = unary('exp', 'e^x', 'torch.exp');
export const log = unary('log', 'the natural logarithm', 'torch.log');
export const log1p = unary('log1p', 'log(1 + x), exact near 0', 'torch.log1p');
export const expm1 = unary('expm1', 'e^x - 1, exact near 0', 'torch.expm1');
export const sqrt = unary('sqrt', 'the square root', 'torch.sqrt');
export const abs = unary('abs', 'the absolute value', 'torch.abs');
export const sign = unary('sign', '-1, 0 or 1', 'torch.sign');
export const sin = unary('sin', 'the sine', 'torch.sin');
export const cos = unary('cos', 'the cosine', 'torch.cos');
export const erf = unary('erf', 'the error function', 'torch.erf');
export const floor = unary('floor', 'the largest whole number below', 'torch.floor');
export const square = composed('x * x', 'torch.square', (b, x) => b.op('mul', x, x));
export const rsqrt = composed('1 / sqrt(x)', 'torch.rsqrt', (b, x) => b.op('div', b.like(1, x), b.op('sqrt', x)));
export const reciprocal = composed('1 / x', 'torch.reciprocal', (b, x) => b.op('div', b.like(1, x), x));
export const detach = composed('x, with no gradient', 'torch.Tensor.detach', (b, x) => b.op('detach', x));

export const maximum = binary('max', 'the larger of two', 'torch.maximum');
export const minimum = binary('min', 'the smaller of two', 'torch.minimum');
export const pow = binary('pow', 'a^b', 'torch.pow');

export const where = layer({
  anyType: true,
  doc: 'a where the condition holds, else b',
  torch: 'torch.where',
  inputs: ['condition', 'a', 'b'],
  parameters: {},
  build({ b }, _args, c, x = c, y = c) {
    if (b.type(x).dtype === 'bool' || b.type(y).dtype === 'bool') return problem('NN204', 'where chooses between numbers');
    if (b.type(c).dtype !== 'bool') return problem('NN204', 'the condition of where is a comparison, such as x > 0');
    const shape = broadcastShapes(b.shape(c), broadcastShapes(b.shape(x), b.shape(y)) ?? []);
    if (!shape) return problem('NN203', `${[c, x, y].map((v) => showShape(b.shape(v))).join(', ')} do not broadcast`);
    const condition = b.op(
      'select',
      c,
      b.like(1, b.full(1, { dtype: 'f32', shape: b.shape(c) })),
      b.full(0, { dtype: 'f32', shape: b.shape(c) }),
    );
    const aligned = align(b, [condition, x, y]);
    if (!Array.isArray(aligned)) return aligned;
    const [k = c, p = x, q = y] = aligned;
    return b.op('select', b.op('lt', b.like(0.5, k), k), p, q);
  },
});

/** All axes, or one. */
const dim = { type: 'int', doc: 'the axis; all where it is not said' } as const;

const reduction = (doc: string, torch: string, reduce: (b: GraphBuilder, x: NodeId, axes: readonly number[]) => NodeId): Layer =>
  layer({
    doc,
    torch,
    parameters: { dim, keepdim: { type: 'bool', default: false, doc: 'keeps the axis with extent 1' } },
    optional: ['dim'],
    build({ b }, args, x) {
      const shape = b.shape(x);
      const given = (args as { readonly dim?: number }).dim;
      const axis = given === undefined ? undefined : f.axisOf(given, shape.length);
      if (given !== undefined && axis === undefined) return problem('NN206', `${showShape(shape)} has no axis ${given}`);
      const axes = axis === undefined ? shape.map((_, i) => i) : [axis];
      const y = reduce(b, x, axes);
      return args.keepdim
        ? b.reshape(
            y,
            shape.map((d, i) => (axes.includes(i) ? 1 : d)),
          )
        : y;
    },
  });

const meanOver = (b: GraphBuilder, x: NodeId, axes: readonly number[]): NodeId => {
  const total = b.sum(x, axes);
  const n = axes.reduce<NodeId>((acc, a) => b.op('mul', acc, b.dimsize(f.extent(b, x, a))), b.full(1, { dtype: 'f32', shape: [] }));
  return b.op('div', total, b.splat(n, b.shape(total)));
};
const varOver = (b: GraphBuilder, x: NodeId, axes: readonly number[]): NodeId => {
  const d = b.op('sub', x, b.unreduce(meanOver(b, x, axes), b.shape(x), axes));
  return meanOver(b, b.op('mul', d, d), axes);
};

export const sum = reduction('the sum', 'torch.sum', (b, x, axes) => b.sum(x, axes));
export const mean = reduction('the mean', 'torch.mean', meanOver);
export const variance = reduction('the biased variance', 'torch.var(unbiased=False)', varOver);
export const amax = reduction('the largest value', 'torch.amax', (b, x, axes) => b.add('reduce_max', [x], { axes }));
export const amin = reduction('the smallest value', 'torch.amin', (b, x, axes) =>
  b.op('neg', b.add('reduce_max', [b.op('neg', x)], { axes })),
);
export const norm = reduction('the Euclidean norm', 'torch.linalg.vector_norm', (b, x, axes) =>
  b.op('sqrt', b.sum(b.op('mul', x, x), axes)),
);

export const logsumexp = layer({
  doc: 'log sum exp along an axis',
  torch: 'torch.logsumexp',
  parameters: { dim: { type: 'int', default: -1, doc: 'the axis' } },
  build({ b }, args, x) {
    const axis = f.axisOf(args.dim, b.shape(x).length);
    return axis === undefined ? problem('NN206', `${showShape(b.shape(x))} has no axis ${args.dim}`) : f.logsumexp(b, x, axis);
  },
});

export const cumsum = layer({
  doc: 'sums of everything up to each place',
  torch: 'torch.cumsum',
  parameters: { dim: { type: 'int', default: -1, doc: 'the axis' } },
  keepsShape: true,
  build: ({ b }, args, x) => scan(b, x, args.dim, 'add', 0),
});

/** Doubling scan: after k rounds each place holds the last 2^k values before it. */
function scan(b: GraphBuilder, x: NodeId, dimension: number, op: 'add' | 'mul', neutral: number): BuiltValue {
  const shape = b.shape(x);
  const axis = f.axisOf(dimension, shape.length);
  const n = axis === undefined ? undefined : shape[axis];
  if (axis === undefined || typeof n !== 'number') return problem('NN206', `${showShape(shape)} has no axis ${dimension} of known size`);
  let y = x;
  for (let shift = 1; shift < n; shift *= 2) {
    const low = shape.map((_, i) => (i === axis ? shift : 0));
    const kept = b.add('slice', [y], { start: shape.map(() => 0), size: shape.map((d, i) => (i === axis ? n - shift : d)) });
    y = b.op(op, y, b.add('pad', [kept], { low, high: shape.map(() => 0), value: neutral }));
  }
  return y;
}

export const prod = layer({
  doc: 'the product along an axis',
  torch: 'torch.prod',
  parameters: { dim: { type: 'int', default: -1, doc: 'the axis' } },
  build({ b }, args, x) {
    // Halves are multiplied until one is left: gradients are right even where a factor is 0.
    const rank = b.shape(x).length;
    const axis = f.axisOf(args.dim, rank);
    if (axis === undefined || typeof b.shape(x)[axis] !== 'number')
      return problem('NN206', `${showShape(b.shape(x))} has no axis ${args.dim} of known size`);
    let y = x;
    for (;;) {
      const shape = b.shape(y);
      const n = shape[axis] as number;
      if (n === 1)
        return b.reshape(
          y,
          shape.filter((_, i) => i !== axis),
        );
      const part = (from: number, size: number): NodeId =>
        b.add('slice', [y], { start: shape.map((_, i) => (i === axis ? from : 0)), size: shape.map((d, i) => (i === axis ? size : d)) });
      const half = Math.floor(n / 2);
      const product = b.op('mul', part(0, half), part(half, half));
      y = n % 2 === 0 ? product : b.add('concat', [product, part(2 * half, 1)], { axis });
    }
  },
});

export const reshape = layer({
  anyType: true,
  doc: 'the same numbers in another shape; the batch stays in front',
  torch: 'torch.reshape',
  parameters: { shape: { type: 'sizes', doc: 'the shape of one example' } },
  build({ b }, args, x) {
    const [batch = 1, ...rest] = b.shape(x);
    const shape = [args.shape].flat();
    const have = rest.reduce<number>((p, d) => p * (typeof d === 'number' ? d : 1), 1);
    const want = shape.reduce((p, d) => p * d, 1);
    return have === want
      ? b.reshape(x, [batch, ...shape])
      : problem('NN203', `${showShape(rest)} has ${have} numbers, and [${shape.join(', ')}] takes ${want}`);
  },
});

export const transpose = layer({
  anyType: true,
  doc: 'exchanges two axes',
  torch: 'torch.transpose',
  parameters: { dim0: { type: 'int', default: -2, doc: 'one axis' }, dim1: { type: 'int', default: -1, doc: 'the other' } },
  build({ b }, args, x) {
    const rank = b.shape(x).length;
    const [p, q] = [f.axisOf(args.dim0, rank), f.axisOf(args.dim1, rank)];
    if (p === undefined || q === undefined) return problem('NN206', `${showShape(b.shape(x))} has no axes ${args.dim0} and ${args.dim1}`);
    return b.permute(
      x,
      b.shape(x).map((_, i) => (i === p ? q : i === q ? p : i)),
    );
  },
});

export const split = layer({
  anyType: true,
  doc: 'equal parts along an axis, as several values',
  torch: 'torch.chunk',
  parameters: { parts: { type: 'int', min: 1, doc: 'how many' }, dim: { type: 'int', default: -1, doc: 'the axis' } },
  build({ b, text }, args, x) {
    const shape = b.shape(x);
    const axis = f.axisOf(args.dim, shape.length);
    const n = axis === undefined ? undefined : shape[axis];
    if (axis === undefined || typeof n !== 'number' || n % args.parts !== 0)
      return problem('NN203', `${text} cannot take ${showShape(shape)} into ${args.parts} equal parts`);
    const size = n / args.parts;
    return Array.from({ length: args.parts }, (_, k) =>
      b.add('slice', [x], { start: shape.map((_d, i) => (i === axis ? k * size : 0)), size: shape.map((d, i) => (i === axis ? size : d)) }),
    );
  },
});

const joined = (n: number): Layer =>
  layer({
    anyType: true,
    doc: 'joins two values along an axis',
    torch: 'torch.cat',
    inputs: Array.from({ length: n }, (_, i) => 'ab'[i] ?? 'x'),
    parameters: { dim: { type: 'int', default: -1, doc: 'the axis' } },
    build({ b }, args, ...xs) {
      const shape = b.shape(at(xs, 0));
      const axis = f.axisOf(args.dim, shape.length);
      const fits = (s: readonly Dim[]): boolean =>
        s.length === shape.length && s.every((d, i) => i === axis || sameDim(d, shape[i] as Dim));
      if (axis === undefined || axis === 0 || !xs.every((x) => fits(b.shape(x))))
        return problem('NN203', `${xs.map((x) => showShape(b.shape(x))).join(' and ')} cannot be joined on axis ${args.dim}`);
      if (xs.some((x) => b.type(x).dtype !== b.type(at(xs, 0)).dtype)) return problem('NN204', 'labels and numbers cannot be joined');
      return b.add('concat', xs, { axis });
    },
  });
export const concat = joined(2);
