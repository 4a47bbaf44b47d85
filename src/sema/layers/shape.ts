import { product, showShape } from '../../base/types.ts';
import { axisOf } from '../functions.ts';
import { layer, problem } from './layer.ts';

/** Joins axes start_dim to end_dim to one, as torch.flatten with nn.Flatten's defaults. */
export const flatten = layer({
  anyType: true,
  doc: 'joins axes to one',
  torch: 'torch.nn.Flatten',
  parameters: {
    start_dim: { type: 'int', default: 1, doc: 'the first axis to join; the batch is axis 0' },
    end_dim: { type: 'int', default: -1, doc: 'the last axis to join' },
  },
  build(cx, { start_dim, end_dim }, x) {
    const shape = cx.b.shape(x);
    const [from, to] = [axisOf(start_dim, shape.length), axisOf(end_dim, shape.length)];
    if (from === undefined || to === undefined || from > to)
      return problem('NN206', `${showShape(shape)} has no axes ${start_dim} to ${end_dim}`);
    if (from === 0 && to > 0) return problem('NN206', 'the batch axis cannot be joined with others', 'start at axis 1');
    return cx.b.reshape(x, [...shape.slice(0, from), product(shape.slice(from, to + 1)), ...shape.slice(to + 1)]);
  },
});
