import { showShape } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import * as f from '../functions.ts';
import { layer, problem, type Layer } from './layer.ts';

/** Activations: stages that keep the shape. */

/** An elementwise layer without arguments. */
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
export const silu = elementwise('x * sigmoid(x)', 'torch.nn.functional.silu', f.silu);

export const gelu = layer({
  doc: 'x * Phi(x), with Phi the CDF of the standard normal distribution',
  torch: 'torch.nn.functional.gelu',
  parameters: {
    approximate: {
      type: 'string',
      default: 'none',
      choices: ['none', 'tanh'],
      doc: 'none for the exact formula, tanh for its approximation',
    },
  },
  keepsShape: true,
  build({ b }, { approximate }, x) {
    return approximate === 'tanh' ? f.geluTanh(b, x) : f.gelu(b, x);
  },
});

export const softmax = layer({
  doc: 'exp(x) / sum(exp(x)) along an axis',
  torch: 'torch.softmax',
  parameters: { dim: { type: 'int', default: -1, doc: 'axis along which to normalise; axis 0 is the batch' } },
  keepsShape: true,
  build(cx, { dim }, x) {
    const shape = cx.b.shape(x);
    const axis = f.axisOf(dim, shape.length);
    if (axis === undefined) return problem('NN206', `${showShape(shape)} has no axis ${dim}`);
    if (axis === 0 && typeof shape[0] !== 'number')
      return problem('NN206', 'examples are independent: softmax cannot run along the batch axis', 'take another axis: softmax(dim=-1)');
    return f.softmax(cx.b, x, axis);
  },
});

export const log_softmax = layer({
  doc: 'log(softmax(x)) along an axis, numerically stable',
  torch: 'torch.log_softmax',
  parameters: { dim: { type: 'int', default: -1, doc: 'axis along which to normalise; axis 0 is the batch' } },
  keepsShape: true,
  build(cx, { dim }, x) {
    const { b } = cx;
    const shape = b.shape(x);
    const axis = f.axisOf(dim, shape.length);
    if (axis === undefined) return problem('NN206', `${showShape(shape)} has no axis ${dim}`);
    return b.op('sub', x, b.unreduce(f.logsumexp(b, x, axis), shape, [axis]));
  },
});

export const softplus = layer({
  doc: 'log(1 + exp(beta * x)) / beta, numerically stable; x where beta * x > threshold',
  torch: 'torch.nn.functional.softplus',
  parameters: {
    beta: { type: 'number', default: 1, min: 1e-6, doc: 'sharpness: larger values are closer to relu' },
    threshold: { type: 'number', default: 20, doc: 'the result is x where beta * x is above it' },
  },
  keepsShape: true,
  build({ b }, { beta, threshold }, x) {
    const scaled = beta === 1 ? x : b.op('mul', x, b.like(beta, x));
    const high = f.softplus(b, scaled);
    const curve = beta === 1 ? high : b.op('div', high, b.like(beta, high));
    // From 20 on the curve and the line are equal in float32, and the line costs a comparison.
    return threshold >= 20 ? curve : b.op('select', b.op('lt', b.like(threshold, x), scaled), x, curve);
  },
});
export const mish = elementwise('x * tanh(softplus(x))', 'torch.nn.functional.mish', (b, x) =>
  b.op('mul', x, b.op('tanh', f.softplus(b, x))),
);
export const softsign = elementwise('x / (1 + |x|)', 'torch.nn.functional.softsign', (b, x) =>
  b.op('div', x, b.op('add', b.op('abs', x), b.like(1, x))),
);
export const selu = elementwise(
  'elu with a fixed scale and alpha (self-normalising networks, Klambauer et al., 2017)',
  'torch.selu',
  (b, x) => {
    const scale = 1.0507009873554805;
    return b.op('mul', f.elu(b, x, 1.6732632423543772), b.like(scale, x));
  },
);

export const leaky_relu = layer({
  doc: 'x where x > 0, else negative_slope * x',
  torch: 'torch.nn.functional.leaky_relu',
  parameters: { negative_slope: { type: 'number', default: 0.01, doc: 'slope for x < 0' } },
  keepsShape: true,
  build: ({ b }, { negative_slope }, x) => b.op('select', b.op('lt', b.like(0, x), x), x, b.op('mul', x, b.like(negative_slope, x))),
});

export const elu = layer({
  doc: 'x where x > 0, else alpha * (e^x - 1)',
  torch: 'torch.nn.functional.elu',
  parameters: { alpha: { type: 'number', default: 1, doc: 'the result approaches -alpha for very negative x' } },
  keepsShape: true,
  build: ({ b }, { alpha }, x) => f.elu(b, x, alpha),
});

export const hardtanh = layer({
  doc: 'x clamped to [min_val, max_val]',
  torch: 'torch.nn.functional.hardtanh',
  parameters: {
    min_val: { type: 'number', default: -1, doc: 'lower bound' },
    max_val: { type: 'number', default: 1, doc: 'upper bound' },
  },
  keepsShape: true,
  // By selects instead of min and max: at the bounds the gradient is 0, as in PyTorch.
  build: ({ b }, { min_val, max_val }, x) => within(b, x, min_val, max_val),
});

export const celu = layer({
  doc: 'max(x, 0) + min(0, alpha * (e^(x / alpha) - 1))',
  torch: 'torch.nn.functional.celu',
  parameters: { alpha: { type: 'number', default: 1, min: 1e-6, doc: 'the result approaches -alpha for very negative x' } },
  keepsShape: true,
  build({ b }, { alpha }, x) {
    const scaled = b.op('div', x, b.like(alpha, x));
    const below = b.op('mul', b.op('expm1', b.op('select', b.op('lt', b.like(0, x), x), b.like(0, x), scaled)), b.like(alpha, x));
    return b.op('select', b.op('lt', b.like(0, x), x), x, below);
  },
});

export const prelu = layer({
  doc: 'x where x > 0, else weight * x with a trainable weight',
  torch: 'torch.nn.PReLU',
  parameters: {
    num_parameters: { type: 'int', default: 1, min: 1, doc: 'number of weights: 1, or one for each channel (axis 1)' },
    init: { type: 'number', default: 0.25, doc: 'initial value of the weight' },
  },
  keepsShape: true,
  build(cx, { num_parameters: n, init }, x) {
    const { b } = cx;
    const shape = b.shape(x);
    if (n !== 1 && shape[1] !== n) return problem('NN203', `${cx.text} takes [B, ${n}, ...], and ${showShape(shape)} flows in`);
    const weight = cx.param('weight', [n], { kind: 'constant', value: init });
    const slope = n === 1 ? b.splat(b.reshape(weight, []), shape) : b.broadcast(weight, shape, [1]);
    return b.op('select', b.op('lt', b.like(0, x), x), x, b.op('mul', x, slope));
  },
});

export const relu6 = elementwise('min(max(x, 0), 6)', 'torch.nn.functional.relu6', (b, x) => within(b, x, 0, 6));
export const hardsigmoid = elementwise(
  '0 for x <= -3, 1 for x >= 3, x / 6 + 1 / 2 in between',
  'torch.nn.functional.hardsigmoid',
  (b, x) => {
    const line = b.op('add', b.op('mul', x, b.like(1 / 6, x)), b.like(0.5, x));
    return between(b, x, [-3, b.like(0, x)], [3, b.like(1, x)], line);
  },
);
export const hardswish = elementwise('x * hardsigmoid(x)', 'torch.nn.functional.hardswish', (b, x) => {
  // The gradients at -3 and 3 are those of the vectorised loops of PyTorch 1.13: at -3 that of the parabola, at 3 it is 1. (Their scalar
  // remainder loop gives 1.5 at 3, and later versions give 0 at -3.) Outside, the parabola gets 0 instead of x.
  const [below, above] = [b.op('lt', x, b.like(-3, x)), b.op('le', b.like(3, x), x)];
  const inside = b.op('select', b.op('or', below, above), b.like(0, x), x);
  const parabola = b.op('mul', inside, b.op('add', b.op('mul', inside, b.like(1 / 6, x)), b.like(0.5, x)));
  return b.op('select', below, b.like(0, x), b.op('select', above, x, parabola));
});
export const logsigmoid = elementwise('log(sigmoid(x)), numerically stable', 'torch.nn.functional.logsigmoid', (b, x) =>
  b.op('neg', f.softplus(b, b.op('neg', x))),
);
export const tanhshrink = elementwise('x - tanh(x)', 'torch.nn.functional.tanhshrink', (b, x) => b.op('sub', x, b.op('tanh', x)));

/** Clamps x to (low, high). */
function within(b: GraphBuilder, x: NodeId, low: number, high: number): NodeId {
  return between(b, x, [low, b.like(low, x)], [high, b.like(high, x)], x);
}

type End = readonly [place: number, value: NodeId];

/**
 * `middle` where x is within (low, high), else the value of that end. At the ends the gradient is 0, as in PyTorch, and NaN takes `middle`.
 */
function between(b: GraphBuilder, x: NodeId, low: End, high: End, middle: NodeId): NodeId {
  const upper = b.op('select', b.op('le', b.like(high[0], x), x), high[1], middle);
  return b.op('select', b.op('le', x, b.like(low[0], x)), low[1], upper);
}

const shrink = (doc: string, torch: string, soft: boolean): Layer =>
  layer({
    doc,
    torch,
    parameters: { lambd: { type: 'number', default: 0.5, min: 0, doc: 'threshold: values in [-lambd, lambd] become 0' } },
    keepsShape: true,
    build({ b }, { lambd }, x) {
      const inside = b.op('le', b.op('abs', x), b.like(lambd, x));
      const outside = soft ? b.op('sub', x, b.op('mul', b.op('sign', x), b.like(lambd, x))) : x;
      return b.op('select', inside, b.like(0, x), outside);
    },
  });
export const softshrink = shrink('x - lambd where x > lambd, x + lambd where x < -lambd, else 0', 'torch.nn.functional.softshrink', true);
export const hardshrink = shrink('x where |x| > lambd, else 0', 'torch.nn.functional.hardshrink', false);

const gated = (doc: string, torch: string, gate: (b: GraphBuilder, x: NodeId) => NodeId, second: boolean): Layer =>
  layer({
    doc,
    torch,
    shape: '[..., 2*n, ...] -> [..., n, ...]',
    parameters: { dim: { type: 'int', default: -1, doc: 'axis to split in half' } },
    build({ b, text }, { dim }, x) {
      const shape = b.shape(x);
      const axis = f.axisOf(dim, shape.length);
      const n = axis === undefined ? undefined : shape[axis];
      if (axis === undefined || typeof n !== 'number' || n % 2 !== 0)
        return problem('NN203', `${text} halves axis ${dim}, and ${showShape(shape)} flows in`);
      const [p, q] = [f.part(b, x, axis, 0, n / 2), f.part(b, x, axis, n / 2, n / 2)];
      return second ? b.op('mul', p, gate(b, q)) : b.op('mul', gate(b, p), q);
    },
  });
/** Dauphin et al., 2017. */
export const glu = gated(
  'a * sigmoid(b), where a and b are the two halves of x',
  'torch.nn.functional.glu',
  (b, x) => b.op('sigmoid', x),
  true,
);
/** Shazeer, 2020. */
export const swiglu = gated('silu(a) * b, where a and b are the two halves of x', 'silu(a) * b', f.silu, false);
export const geglu = gated('gelu(a) * b, where a and b are the two halves of x', 'gelu(a) * b', f.gelu, false);
