import { at } from '../../base/errors.ts';
import { product, showShape, type Dim } from '../../base/types.ts';
import { axisOf } from '../functions.ts';
import { layer, problem } from './layer.ts';

/** Repetition, and views through a sliding window. */

export const repeat_interleave = layer({
  anyType: true,
  doc: 'repeats each element of an axis',
  torch: 'torch.repeat_interleave',
  shape: '[..., n, ...] -> [..., n*repeats, ...]',
  parameters: {
    repeats: { type: 'int', min: 1, doc: 'number of repetitions' },
    dim: { type: 'int', default: -1, doc: 'the axis; in PyTorch the default is to flatten all axes' },
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
  doc: 'repeats the tensor along its last axes, but never along the batch',
  torch: 'torch.tile',
  shape: '[..., n] -> [..., n*dims]',
  parameters: { dims: { type: 'sizes', min: 1, doc: 'number of repetitions along each of the last axes' } },
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
  doc: 'sliding windows along an axis: the axis counts the windows, a new last axis holds their elements',
  torch: 'torch.Tensor.unfold',
  shape: '[..., n, ...] -> [..., places, ..., size]',
  parameters: {
    dimension: { type: 'int', doc: 'the axis' },
    size: { type: 'int', min: 1, doc: 'size of a window' },
    step: { type: 'int', min: 1, doc: 'step between windows' },
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
