import { at } from '../../base/errors.ts';
import { showShape } from '../../base/types.ts';
import * as f from '../functions.ts';
import { take } from './layout.ts';
import { along } from './along.ts';
import { layer, problem } from './layer.ts';

/** Indices that are data: one-hot rows of labels, and gathering. */

export const one_hot = layer({
  anyType: true,
  doc: 'one-hot encoding: 1 at the index of the label, else 0',
  torch: 'torch.nn.functional.one_hot',
  shape: 'int [...] -> [..., num_classes]',
  parameters: { num_classes: { type: 'int', min: 1, doc: 'number of classes' } },
  build({ b, text }, args, x) {
    if (b.type(x).dtype !== 'i32')
      return problem('NN204', `${text} takes labels, and numbers flow in`, 'declare them as int: input t: int[]');
    return b.cast(f.oneHot(b, x, args.num_classes), 'f32');
  },
});

const dim = { type: 'int', doc: 'the axis' } as const;

export const gather = layer({
  anyType: true,
  doc: 'out[i][j] = x[index[i][j]][j] for dim=0, and likewise for other axes; the work grows with the size of the axis',
  torch: 'torch.gather',
  shape: '[..., n, ...], int [..., k, ...] -> [..., k, ...]',
  inputs: ['x', 'index'],
  parameters: { dim },
  build({ b }, args, x, index = x) {
    const found = along(b, x, index, args.dim);
    if ('code' in found) return found;
    const { axis, n } = found;
    // hit: [index..., n]; x with the axis last, repeated along the index's axis.
    const hit = f.oneHot(b, index, n);
    const shape = b.shape(hit);
    const rest = b
      .shape(x)
      .map((_, i) => i)
      .filter((i) => i !== axis);
    const moved = b.permute(x, [...rest, axis]);
    const spread = b.broadcast(moved, shape, [...rest, shape.length - 1]);
    return b.sum(b.op('select', hit, spread, b.like(0, spread)), [shape.length - 1]);
  },
});

export const index_select = layer({
  anyType: true,
  doc: 'the elements of x at the given indices of an axis',
  torch: 'torch.index_select',
  shape: '[..., n, ...], int [k] -> [..., k, ...]',
  inputs: ['x', 'index'],
  parameters: { dim },
  build({ b }, args, x, index = x) {
    const shape = b.shape(x);
    const axis = f.axisOf(args.dim, shape.length);
    if (axis === undefined || typeof shape[axis] !== 'number')
      return problem('NN206', `${showShape(shape)} has no axis ${args.dim} of known size`);
    const whole = b.type(index).dtype === 'i32' ? index : b.cast(index, 'i32');
    return b.shape(whole).length === 1
      ? take(b, x, axis, whole)
      : problem('NN203', `an index has one axis, and this is ${showShape(b.shape(whole))}`);
  },
});

export const arange = layer({
  anyType: true,
  doc: 'the indices 0, 1, 2, ... along an axis, in the shape of x',
  torch: 'torch.arange',
  shape: '[..., n, ...] -> int [..., n, ...]',
  parameters: { dim: { ...dim, default: -1 } },
  build({ b }, args, x) {
    const shape = b.shape(x);
    const axis = f.axisOf(args.dim, shape.length);
    if (axis === undefined) return problem('NN206', `${showShape(shape)} has no axis ${args.dim}`);
    return b.add('iota', [], { axis }, { dtype: 'i32', shape });
  },
});

const filled = (name: string, value: number) =>
  layer({
    anyType: true,
    doc: `a tensor of the shape of x, filled with ${value}`,
    torch: `torch.${name}`,
    parameters: {},
    build: ({ b }, _args, x) => b.full(value, { dtype: 'f32', shape: b.shape(at([x], 0)) }),
  });
export const zeros_like = filled('zeros_like', 0);
export const ones_like = filled('ones_like', 1);
