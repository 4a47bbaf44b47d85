import { sameShape, showShape } from '../../base/types.ts';
import { broadcastShapes, broadcastTo } from '../arithmetic.ts';
import { layer, problem } from './layer.ts';

/** Filling and choosing by a mask. */

export const masked_fill = layer({
  anyType: true,
  doc: 'value where the mask is true, else x',
  torch: 'torch.Tensor.masked_fill',
  shape: '[...], bool [...] -> [...]',
  inputs: ['x', 'mask'],
  parameters: { value: { type: 'number', doc: 'the fill value' } },
  build({ b }, { value }, x, mask = x) {
    const { dtype, shape } = b.type(x);
    if (dtype === 'bool' || b.type(mask).dtype !== 'bool')
      return problem('NN204', 'masked_fill takes numbers and a comparison', 'such as masked_fill(x, x > 0, value=0)');
    if (dtype === 'i32' && !Number.isInteger(value)) return problem('NN204', `labels cannot be ${value}`, 'float(x) makes numbers of them');
    const joined = broadcastShapes(b.shape(mask), shape);
    if (!joined || !sameShape(joined, shape))
      return problem('NN203', `the mask ${showShape(b.shape(mask))} does not broadcast to ${showShape(shape)}`);
    // Only numbers can be broadcast, so the mask is cast.
    const wide = b.cast(broadcastTo(b, b.cast(mask, 'i32'), shape), 'bool');
    return b.op('select', wide, b.like(value, x), x);
  },
});
