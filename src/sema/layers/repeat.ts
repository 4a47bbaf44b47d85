import { at } from '../../base/errors.ts';
import { product, showShape, type Dim } from '../../base/types.ts';
import { axisOf } from '../functions.ts';
import { layer, problem } from './layer.ts';

/** Repetition, and views through a sliding window. */

export const repeat_interleave = layer({
  anyType: true,
  doc: 'every element of an axis several times, one after the other',
  torch: 'torch.repeat_interleave',
  shape: '[..., n, ...] -> [..., n*repeats, ...]',
  parameters: {
    repeats: { type: 'int', min: 1, doc: 'how often' },
    dim: { type: 'int', default: -1, doc: 'the axis; PyTorch makes one of all of them where it is not said' },
  },
  build({ b }, { repeats, dim }, x) {
    const shape = b.shape(x);
    const axis = axisOf(dim, shape.length);
    const n = axis === undefined ? undefined : shape[axis];
    if (axis === undefined || typeof n !== 'number') return problem('NN206', `${showShape(shape)} has no axis ${dim} of known size`);
    const wide: Dim[] = [...shape.slice(0, axis + 1), repeats, ...shape.slice(axis + 1)];
    return b.reshape(b.unreduce(x, wide, [axis + 1]), [...shape.slice(0, axis), n * repeats, ...shape.slice(axis + 1)]);
  },
});

export const tile = layer({
  anyType: true,
  doc: 'the whole several times along its last axes; the batch stays as it is',
  torch: 'torch.tile',
  shape: '[..., n] -> [..., n*dims]',
  parameters: { dims: { type: 'sizes', min: 1, doc: 'how often along each of the last axes' } },
  build({ b }, args, x) {
    const dims = [args.dims].flat();
    const batched = typeof b.shape(x)[0] === 'object';
    if (batched && dims.length >= b.shape(x).length && !(dims.length === b.shape(x).length && dims[0] === 1))
      return problem('NN206', `[${dims.join(', ')}] repeats the batch of ${showShape(b.shape(x))}`, 'give counts for the other axes alone');
    const missing = Math.max(0, dims.length - b.shape(x).length);
    const shape: Dim[] = [...Array.from({ length: missing }, () => 1), ...b.shape(x)];
    const counts = [...Array.from({ length: shape.length - dims.length }, () => 1), ...dims];
    // Each axis becomes two: the repeat count and the axis itself.
    const wide = shape.flatMap((d, i) => [at(counts, i), d]).slice(batched ? 1 : 0);
    const kept = shape.map((_, i) => 2 * i + (batched ? 0 : 1));
    const spread = b.broadcast(b.reshape(x, shape), wide, kept);
    return b.reshape(
      spread,
      shape.map((d, i) => product([at(counts, i), d])),
    );
  },
});

export const unfold = layer({
  anyType: true,
  doc: 'windows along an axis: the axis becomes their places, a new last axis runs through each',
  torch: 'torch.Tensor.unfold',
  shape: '[..., n, ...] -> [..., places, ..., size]',
  parameters: {
    dimension: { type: 'int', doc: 'the axis' },
    size: { type: 'int', min: 1, doc: 'how long a window is' },
    step: { type: 'int', min: 1, doc: 'from one window to the next' },
  },
  build({ b }, { dimension, size, step }, x) {
    const shape = b.shape(x);
    const axis = axisOf(dimension, shape.length);
    const n = axis === undefined ? undefined : shape[axis];
    if (axis === undefined || typeof n !== 'number') return problem('NN206', `${showShape(shape)} has no axis ${dimension} of known size`);
    if (size > n) return problem('NN203', `a window of ${size} does not fit into axis ${dimension} of ${showShape(shape)}`);
    return b.add('window', [x], { axis, size, stride: step, dilation: 1 });
  },
});
