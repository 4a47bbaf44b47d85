import { at } from '../../base/errors.ts';
import { product, sameDim, showShape, type Dim, type Shape } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { broadcastShapes, broadcastTo } from '../arithmetic.ts';
import * as f from '../functions.ts';
import { layer, problem, type Layer, type Problem } from './layer.ts';

/** Functions that rearrange elements: reshape, permute, slice, join. The batch stays axis 0. */

const dim = (value?: number) => ({ type: 'int', ...(value === undefined ? {} : { default: value }), doc: 'the axis' }) as const;

/** An axis by PyTorch's number, or why there is none. */
function axisIn(shape: Shape, given: number): number | Problem {
  return f.axisOf(given, shape.length) ?? problem('NN206', `${showShape(shape)} has no axis ${given}`);
}

/** An axis of known size, and the size. */
function knownAxis(shape: Shape, given: number): readonly [number, number] | Problem {
  const axis = axisIn(shape, given);
  if (typeof axis !== 'number') return axis;
  const n = shape[axis];
  return typeof n === 'number' ? [axis, n] : problem('NN206', 'the batch axis is taken whole', 'take another axis');
}

export const flatten = layer({
  anyType: true,
  doc: 'flattens a range of axes into one',
  torch: 'torch.nn.Flatten',
  shape: '[B, a, b, ...] -> [B, a*b*...]',
  parameters: {
    start_dim: { type: 'int', default: 1, doc: 'first axis to flatten; the batch is axis 0' },
    end_dim: { type: 'int', default: -1, doc: 'last axis to flatten' },
  },
  build(cx, { start_dim, end_dim }, x) {
    const shape = cx.b.shape(x);
    const [from, to] = [f.axisOf(start_dim, shape.length), f.axisOf(end_dim, shape.length)];
    if (from === undefined || to === undefined || from > to)
      return problem('NN206', `${showShape(shape)} has no axes ${start_dim} to ${end_dim}`);
    if (from === 0 && to > 0 && typeof shape[0] !== 'number')
      return problem('NN206', 'the batch axis cannot be joined with others', 'start at axis 1');
    return cx.b.reshape(x, [...shape.slice(0, from), product(shape.slice(from, to + 1)), ...shape.slice(to + 1)]);
  },
});

export const unflatten = layer({
  anyType: true,
  doc: 'splits an axis into several',
  torch: 'torch.nn.Unflatten',
  shape: '[..., a*b, ...] -> [..., a, b, ...]',
  parameters: { dim: dim(), sizes: { type: 'sizes', min: -1, doc: 'sizes of the new axes; one may be -1 (inferred)' } },
  build({ b }, args, x) {
    const shape = b.shape(x);
    const found = knownAxis(shape, args.dim);
    if ('code' in found) return found;
    const [axis, n] = found;
    const given = [args.sizes].flat();
    const known = given.filter((d) => d !== -1).reduce((p, d) => p * d, 1);
    const sizes = given.map((d) => (d === -1 ? n / known : d));
    const wrong = given.filter((d) => d === -1).length > 1 || sizes.some((d) => !(Number.isInteger(d) && d > 0));
    if (wrong || sizes.reduce((p, d) => p * d, 1) !== n) return problem('NN203', `an axis of ${n} does not become [${given.join(', ')}]`);
    return b.reshape(x, [...shape.slice(0, axis), ...sizes, ...shape.slice(axis + 1)]);
  },
});

export const reshape = layer({
  anyType: true,
  doc: 'the same elements in another shape; the batch axis stays',
  torch: 'torch.reshape',
  shape: '[B, ...] -> [B, shape...]',
  parameters: { shape: { type: 'sizes', min: -1, doc: 'shape of one example, without the batch; one size may be -1 (inferred)' } },
  build({ b }, args, x) {
    const whole = b.shape(x);
    // Without a batch, `shape` covers the whole tensor.
    const batched = typeof whole[0] === 'object';
    const rest = batched ? whole.slice(1) : whole;
    const given = [args.shape].flat();
    const have = product(rest) as number;
    const known = given.reduce((p, d) => (d === -1 ? p : p * d), 1);
    const shape = given.map((d) => (d === -1 ? have / known : d));
    const fits = shape.every((d) => Number.isInteger(d) && d > 0);
    const open = given.filter((d) => d === -1).length;
    if (open > 1) return problem('NN203', `[${given.join(', ')}] has ${open} sizes of -1, and one may be inferred`);
    if (open === 1 && known > 0 && have % known !== 0)
      return problem('NN203', `${showShape(rest)} has ${have} numbers, and ${known} does not divide ${have}`);
    return fits && shape.reduce((p, d) => p * d, 1) === have
      ? b.reshape(x, batched ? [at(whole, 0), ...shape] : shape)
      : problem('NN203', `${showShape(rest)} has ${have} numbers, and [${given.join(', ')}] takes ${known}`);
  },
});

export const transpose = layer({
  anyType: true,
  doc: 'swaps two axes',
  torch: 'torch.transpose',
  shape: '[..., a, b] -> [..., b, a]',
  parameters: { dim0: { type: 'int', default: -2, doc: 'first axis' }, dim1: { type: 'int', default: -1, doc: 'second axis' } },
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

export const permute = layer({
  anyType: true,
  doc: 'reorders the axes',
  torch: 'torch.permute',
  shape: '[a, b, c] -> [c, a, b], and so on',
  parameters: { dims: { type: 'sizes', doc: 'for each axis of the result, the axis of x that it comes from' } },
  build({ b }, args, x) {
    const rank = b.shape(x).length;
    const perm = [args.dims].flat().map((d) => f.axisOf(d, rank));
    if (perm.length !== rank || perm.some((d) => d === undefined) || new Set(perm).size !== rank)
      return problem('NN206', `[${[args.dims].flat().join(', ')}] is no order of the ${rank} axes of ${showShape(b.shape(x))}`);
    return b.permute(x, perm as number[]);
  },
});

export const squeeze = layer({
  anyType: true,
  doc: 'removes an axis of size 1',
  torch: 'torch.squeeze',
  shape: '[..., 1, ...] -> [..., ...]',
  parameters: { dim: dim(-1) },
  build({ b }, args, x) {
    const shape = b.shape(x);
    const axis = axisIn(shape, args.dim);
    if (typeof axis !== 'number') return axis;
    if (shape[axis] !== 1) return problem('NN203', `axis ${args.dim} of ${showShape(shape)} has not the extent 1`);
    return b.reshape(
      x,
      shape.filter((_, i) => i !== axis),
    );
  },
});

export const unsqueeze = layer({
  anyType: true,
  doc: 'inserts an axis of size 1',
  torch: 'torch.unsqueeze',
  shape: '[..., ...] -> [..., 1, ...]',
  parameters: { dim: dim(-1) },
  build({ b }, args, x) {
    const shape = b.shape(x);
    const axis = f.axisOf(args.dim, shape.length + 1);
    if (axis === undefined) return problem('NN206', `there is no place ${args.dim} for an axis in ${showShape(shape)}`);
    return b.reshape(x, [...shape.slice(0, axis), 1, ...shape.slice(axis)]);
  },
});

/** Broadcasts a tensor to a shape, or says why it cannot. */
function expanded(b: GraphBuilder, x: NodeId, wanted: Shape): NodeId | Problem {
  const whole = b.shape(x);
  const joined = broadcastShapes(whole, wanted);
  if (joined?.length !== wanted.length || !joined.every((d, i) => sameDim(d, at(wanted, i))))
    return problem('NN203', `${showShape(whole)} does not expand to ${showShape(wanted)}`);
  return broadcastTo(b, x, wanted);
}

export const expand = layer({
  anyType: true,
  doc: 'broadcasts axes of size 1; the batch axis stays, or is that of x with like=x',
  torch: 'torch.Tensor.expand',
  shape: '[B, 1, b] -> [B, a, b], and so on',
  named: ['like'],
  parameters: { shape: { type: 'sizes', min: 1, doc: 'shape of one example, without the batch' } },
  build({ b, named }, args, x) {
    const { like } = named;
    const [batch] = b.shape(like ?? x);
    const leads = typeof batch === 'object' || like !== undefined;
    return expanded(b, x, [...(leads && batch !== undefined ? [batch] : []), ...[args.shape].flat()]);
  },
});

export const expand_as = layer({
  anyType: true,
  doc: 'broadcasts a to the shape of b, including the batch',
  torch: 'torch.Tensor.expand_as',
  shape: '[..., 1, ...], [..., n, ...] -> [..., n, ...]',
  inputs: ['a', 'b'],
  parameters: {},
  build: ({ b }, _args, x, y = x) => expanded(b, x, b.shape(y)),
});

export const split = layer({
  anyType: true,
  doc: 'splits an axis into equal parts, as several values',
  torch: 'torch.chunk',
  shape: '[..., n, ...] -> parts times [..., n/parts, ...]',
  parameters: { parts: { type: 'int', min: 1, doc: 'number of parts' }, dim: dim(-1) },
  build({ b, text }, args, x) {
    const shape = b.shape(x);
    const axis = f.axisOf(args.dim, shape.length);
    const n = axis === undefined ? undefined : shape[axis];
    if (axis === undefined || typeof n !== 'number' || n % args.parts !== 0)
      return problem('NN203', `${text} cannot take ${showShape(shape)} into ${args.parts} equal parts`);
    const size = n / args.parts;
    return Array.from({ length: args.parts }, (_, k) => f.part(b, x, axis, k * size, size));
  },
});

export const concat = layer({
  anyType: true,
  doc: 'concatenates tensors along an axis',
  torch: 'torch.cat',
  shape: '[..., a, ...], [..., b, ...] -> [..., a+b, ...]',
  inputs: 'many',
  parameters: { dim: dim(-1) },
  build({ b }, args, ...xs) {
    const shape = b.shape(at(xs, 0));
    const axis = f.axisOf(args.dim, shape.length);
    const fits = (s: readonly Dim[]): boolean =>
      s.length === shape.length && s.every((d, i) => (i === axis ? typeof d === 'number' : sameDim(d, shape[i] as Dim)));
    if (axis === undefined || !xs.every((x) => fits(b.shape(x))))
      return problem('NN203', `${xs.map((x) => showShape(b.shape(x))).join(' and ')} cannot be joined on axis ${args.dim}`);
    if (xs.some((x) => b.type(x).dtype !== b.type(at(xs, 0)).dtype)) return problem('NN204', 'labels and numbers cannot be joined');
    return xs.length === 1 ? at(xs, 0) : b.add('concat', xs, { axis });
  },
});

export const stack = layer({
  anyType: true,
  doc: 'stacks tensors of the same shape along a new axis',
  torch: 'torch.stack',
  shape: 'n times [..., ...] -> [..., n, ...]',
  inputs: 'many',
  parameters: { dim: dim(1) },
  build({ b }, args, ...xs) {
    const shape = b.shape(at(xs, 0));
    const axis = f.axisOf(args.dim, shape.length + 1);
    const same = xs.every((x) => b.type(x).dtype === b.type(at(xs, 0)).dtype && showShape(b.shape(x)) === showShape(shape));
    if (axis === undefined || !same)
      return problem('NN203', `${xs.map((x) => showShape(b.shape(x))).join(' and ')} cannot be stacked on axis ${args.dim}`);
    const thick = xs.map((x) => b.reshape(x, [...shape.slice(0, axis), 1, ...shape.slice(axis)]));
    return thick.length === 1 ? at(thick, 0) : b.add('concat', thick, { axis });
  },
});

export const roll = layer({
  anyType: true,
  doc: 'shifts elements along an axis; those shifted past the end reappear at the start',
  torch: 'torch.roll',
  parameters: { shifts: { type: 'int', doc: 'number of positions to shift by' }, dim: dim(-1) },
  keepsShape: true,
  build({ b }, args, x) {
    const found = knownAxis(b.shape(x), args.dim);
    if ('code' in found) return found;
    const [axis, n] = found;
    const shift = ((args.shifts % n) + n) % n;
    if (shift === 0) return x;
    return b.add('concat', [f.part(b, x, axis, n - shift, shift), f.part(b, x, axis, 0, n - shift)], { axis });
  },
});

/** Takes the indices `index` of an axis: the axis moves to the front, rows are gathered, and it moves back. */
export function take(b: GraphBuilder, x: NodeId, axis: number, index: NodeId): NodeId {
  const axes = b.shape(x).map((_, i) => i);
  const forth = [axis, ...axes.filter((i) => i !== axis)];
  const rows = b.op('gather', b.permute(x, forth), index);
  return b.permute(
    rows,
    axes.map((i) => forth.indexOf(i)),
  );
}

export const flip = layer({
  anyType: true,
  doc: 'reverses the order of elements along an axis',
  torch: 'torch.flip',
  parameters: { dim: dim(-1) },
  keepsShape: true,
  build({ b }, args, x) {
    const found = knownAxis(b.shape(x), args.dim);
    if ('code' in found) return found;
    const [axis, n] = found;
    const place = b.add('iota', [], { axis: 0 }, { dtype: 'i32', shape: [n] });
    return take(b, x, axis, b.op('sub', b.like(n - 1, place), place));
  },
});

const triangle = (doc: string, torch: string, lower: boolean): Layer =>
  layer({
    doc,
    torch,
    parameters: {
      diagonal: { type: 'int', default: 0, doc: 'diagonal that bounds the triangle: 0 is the main one, positive ones lie above it' },
    },
    keepsShape: true,
    build({ b }, args, x) {
      const shape = b.shape(x);
      if (shape.length < 2) return problem('NN203', `the last two axes are a matrix, and ${showShape(shape)} flows in`);
      const place = (axis: number): NodeId => b.add('iota', [], { axis }, { dtype: 'i32', shape });
      const [row, column] = [place(shape.length - 2), place(shape.length - 1)];
      const limit = b.op('add', row, b.like(args.diagonal, row));
      return b.op('select', lower ? b.op('le', column, limit) : b.op('le', limit, column), x, b.like(0, x));
    },
  });
export const tril = triangle('the lower triangle of each matrix; 0 elsewhere', 'torch.tril', true);
export const triu = triangle('the upper triangle of each matrix; 0 elsewhere', 'torch.triu', false);
