import { showShape } from '../../base/types.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import * as f from '../functions.ts';
import { layer, problem } from './layer.ts';

/** Activations with a threshold, and softmin. */

export const threshold = layer({
  doc: 'x where x > threshold, else value',
  torch: 'torch.nn.Threshold',
  parameters: {
    threshold: { type: 'number', doc: 'the threshold' },
    value: { type: 'number', doc: 'the result where x <= threshold' },
  },
  keepsShape: true,
  // Written as x <= threshold, so that NaN stays NaN.
  build: ({ b }, args, x) => b.op('select', b.op('le', x, b.like(args.threshold, x)), b.like(args.value, x), x),
});

/** Xu et al., 2015. */
export const rrelu = layer({
  doc: 'x where x > 0, else slope * x: random in [lower, upper) while training, else (lower + upper) / 2',
  torch: 'torch.nn.RReLU',
  parameters: {
    lower: { type: 'number', default: 1 / 8, doc: 'the smallest slope' },
    upper: { type: 'number', default: 1 / 3, doc: 'the largest slope' },
  },
  keepsShape: true,
  build(cx, { lower, upper }, x) {
    const { b } = cx;
    if (lower > upper) return problem('NN206', `'upper' must be at least 'lower', and ${upper} is less than ${lower}`);
    const random = (u: NodeId): NodeId => b.op('add', b.op('mul', u, b.like(upper - lower, u)), b.like(lower, u));
    const slope = cx.training && lower < upper ? random(cx.random(b.shape(x))) : b.like((lower + upper) / 2, x);
    return b.op('select', b.op('lt', b.like(0, x), x), x, b.op('mul', x, slope));
  },
});

export const softmin = layer({
  doc: 'exp(-x) / sum(exp(-x)) along an axis',
  torch: 'torch.nn.functional.softmin',
  parameters: { dim: { type: 'int', default: -1, doc: 'axis along which to normalise; axis 0 is the batch' } },
  keepsShape: true,
  build({ b }, { dim }, x) {
    const shape = b.shape(x);
    const axis = f.axisOf(dim, shape.length);
    if (axis === undefined) return problem('NN206', `${showShape(shape)} has no axis ${dim}`);
    if (axis === 0 && typeof shape[0] !== 'number')
      return problem('NN206', 'examples are independent: softmin cannot run along the batch axis', 'take another axis: softmin(dim=-1)');
    return f.softmax(b, b.op('neg', x), axis);
  },
});
