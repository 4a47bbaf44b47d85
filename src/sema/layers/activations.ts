import { showShape } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import * as f from '../functions.ts';
import { layer, problem, type Layer } from './layer.ts';

/** An element-by-element layer without arguments. */
const elementwise = (doc: string, torch: string, build: (b: GraphBuilder, x: NodeId) => NodeId): Layer =>
  layer({
    doc,
    torch,
    parameters: {},
    keepsShape: true,
    build: (cx, _args, x) => build(cx.b, x),
  });

export const relu = elementwise('max(x, 0)', 'torch.relu', f.relu);
export const sigmoid = elementwise('1 / (1 + exp(-x))', 'torch.sigmoid', (b, x) => b.op('sigmoid', x));
export const tanh = elementwise('the hyperbolic tangent', 'torch.tanh', (b, x) => b.op('tanh', x));
export const silu = elementwise('x sigmoid(x)', 'torch.nn.functional.silu', f.silu);

export const gelu = layer({
  doc: 'x Phi(x), exact or by tanh',
  torch: 'torch.nn.functional.gelu',
  parameters: { approximate: { type: 'string', default: 'none', choices: ['none', 'tanh'], doc: 'tanh takes the usual approximation' } },
  keepsShape: true,
  build({ b }, { approximate }, x) {
    return approximate === 'tanh' ? f.geluTanh(b, x) : f.gelu(b, x);
  },
});

export const softmax = layer({
  doc: 'exp(x) / sum(exp(x)) along an axis',
  torch: 'torch.softmax',
  parameters: { dim: { type: 'int', default: -1, doc: 'the axis; the batch is axis 0' } },
  keepsShape: true,
  build(cx, { dim }, x) {
    const shape = cx.b.shape(x);
    const axis = f.axisOf(dim, shape.length);
    if (axis === undefined) return problem('NN206', `${showShape(shape)} has no axis ${dim}`);
    if (axis === 0)
      return problem('NN206', 'examples are independent: softmax cannot run along the batch axis', 'take another axis: softmax(dim=-1)');
    return f.softmax(cx.b, x, axis);
  },
});

export const log_softmax = layer({
  doc: 'log(softmax(x)) along an axis, without overflow',
  torch: 'torch.log_softmax',
  parameters: { dim: { type: 'int', default: -1, doc: 'the axis; the batch is axis 0' } },
  keepsShape: true,
  build(cx, { dim }, x) {
    const { b } = cx;
    const shape = b.shape(x);
    const axis = f.axisOf(dim, shape.length);
    if (axis === undefined) return problem('NN206', `${showShape(shape)} has no axis ${dim}`);
    return b.op('sub', x, b.unreduce(f.logsumexp(b, x, axis), shape, [axis]));
  },
});

export const softplus = elementwise('log(1 + e^x), without overflow', 'torch.nn.functional.softplus', f.softplus);
export const mish = elementwise('x tanh(softplus(x))', 'torch.nn.functional.mish', (b, x) =>
  b.op('mul', x, b.op('tanh', f.softplus(b, x))),
);
export const softsign = elementwise('x / (1 + |x|)', 'torch.nn.functional.softsign', (b, x) =>
  b.op('div', x, b.op('add', b.op('abs', x), b.like(1, x))),
);
export const selu = elementwise('the self-normalising unit of Klambauer et al., 2017', 'torch.selu', (b, x) => {
  const scale = 1.0507009873554805;
  return b.op('mul', f.elu(b, x, 1.6732632423543772), b.like(scale, x));
});

export const leaky_relu = layer({
  doc: 'x where x > 0, else negative_slope * x',
  torch: 'torch.nn.functional.leaky_relu',
  parameters: { negative_slope: { type: 'number', default: 0.01, doc: 'slope below 0' } },
  keepsShape: true,
  build: ({ b }, { negative_slope }, x) => b.op('select', b.op('lt', b.like(0, x), x), x, b.op('mul', x, b.like(negative_slope, x))),
});

export const elu = layer({
  doc: 'x where x > 0, else alpha * (e^x - 1)',
  torch: 'torch.nn.functional.elu',
  parameters: { alpha: { type: 'number', default: 1, doc: 'the value far below 0' } },
  keepsShape: true,
  build: ({ b }, { alpha }, x) => f.elu(b, x, alpha),
});

export const hardtanh = layer({
  doc: 'x within [min_val, max_val], else the nearer end',
  torch: 'torch.nn.functional.hardtanh',
  parameters: {
    min_val: { type: 'number', default: -1, doc: 'the lower end' },
    max_val: { type: 'number', default: 1, doc: 'the upper end' },
  },
  keepsShape: true,
  build({ b }, { min_val, max_val }, x) {
    const [low, high] = [b.like(min_val, x), b.like(max_val, x)];
    // By selection and not by min and max: at the ends nothing flows, as in PyTorch.
    return b.op('select', b.op('lt', low, x), b.op('select', b.op('lt', x, high), x, high), low);
  },
});
