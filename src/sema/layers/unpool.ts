import { at } from '../../base/errors.ts';
import { product, sameShape, showShape, type Dim } from '../../base/types.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { layer, problem, type Layer } from './layer.ts';
import { each, eachOf, listLength, PLACES, sizes, type Axes } from './windows.ts';

/** The inverse of max pooling, by the indices of the largest values. */

/** If several windows chose the same element, it gets the mean of their values, which is the value itself if it comes from MaxPool. */
const unpooling = (axes: Exclude<Axes, 3>): Layer =>
  layer({
    anyType: true,
    doc: 'inverse of MaxPool: puts values at their indices, with zeros elsewhere; the work grows with input size * output size',
    torch: `torch.nn.MaxUnpool${axes}d`,
    shape: '[B, channels, places...], int [B, channels, places...] -> [B, channels, more...]',
    inputs: ['x', 'indices'],
    parameters: {
      kernel_size: sizes('size of the window'),
      stride: sizes('stride of the window; default: kernel_size'),
      padding: sizes('padding of the pooling', 0),
      output_size: sizes('output size; default: (n - 1) * stride - 2 * padding + kernel_size'),
    },
    optional: ['stride', 'output_size'],
    build({ b, text }, args, x, indices = x) {
      const shape = b.shape(x);
      const given = args as typeof args & {
        readonly stride?: number | readonly number[];
        readonly output_size?: number | readonly number[];
      };
      const [size, stride, padding] = eachOf([args.kernel_size, given.stride ?? args.kernel_size, args.padding], axes) ?? [];
      if (!size || !stride || !padding) return problem('NN202', listLength(text, axes));
      if (b.type(x).dtype !== 'f32') return problem('NN204', `${text} takes numbers and their places, in this order`);
      if (b.type(indices).dtype !== 'i32')
        return problem('NN204', 'places are whole numbers, and these are not', `take them from MaxPool${axes}d(..., return_indices=true)`);
      if (shape.length !== axes + 2 || !sameShape(shape, b.shape(indices)))
        return problem(
          'NN203',
          `${text} takes two of [B, channels, ${PLACES[axes]}], and these are ${showShape(shape)} and ${showShape(b.shape(indices))}`,
        );
      const places = shape.slice(2) as number[];
      const least = places.map((n, i) => (n - 1) * at(stride, i) - 2 * at(padding, i) + at(size, i));
      const out = given.output_size === undefined ? least : each(given.output_size, axes);
      if (!out) return problem('NN202', listLength(text, axes));
      if (!out.every((n, i) => Math.abs(n - at(least, i)) < at(stride, i) && n > 0))
        return problem(
          'NN206',
          `an output of [${out.join(', ')}] does not pool to ${showShape(shape)}`,
          `it can be [${least.join(', ')}], and less than a stride more or less`,
        );
      const front = shape.slice(0, 2);
      const [from, to] = [product(places) as number, product(out) as number];
      const pairs: Dim[] = [...front, to, from];
      const spread = (y: NodeId): NodeId => b.broadcast(b.reshape(y, [...front, from]), pairs, [0, 1, 3]);
      const hit = b.op('eq', spread(indices), b.add('iota', [], { axis: 2 }, { dtype: 'i32', shape: pairs }));
      const values = spread(x);
      const total = b.sum(b.op('select', hit, values, b.like(0, values)), [3]);
      // Overlapping windows may have chosen the same element.
      if (stride.every((s, i) => s >= at(size, i))) return b.reshape(total, [...front, ...out]);
      const count = b.sum(b.cast(hit, 'f32'), [3]);
      return b.reshape(b.op('div', total, b.op('max', count, b.like(1, count))), [...front, ...out]);
    },
  });

export const MaxUnpool1d = unpooling(1);
export const MaxUnpool2d = unpooling(2);
