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
    build: (cx, _args, x) =>
      cx.b.type(x).dtype === 'f32' ? build(cx.b, x) : problem('NN204', `${cx.text} takes numbers, and labels flow in`),
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
  build({ b, text }, { approximate }, x) {
    if (b.type(x).dtype !== 'f32') return problem('NN204', `${text} takes numbers, and labels flow in`);
    return approximate === 'tanh' ? f.geluTanh(b, x) : f.gelu(b, x);
  },
});

export const softmax = layer({
  doc: 'exp(x) / sum(exp(x)) along an axis',
  torch: 'torch.softmax',
  parameters: { dim: { type: 'int', default: -1, doc: 'the axis; the batch is axis 0' } },
  keepsShape: true,
  build(cx, { dim }, x) {
    if (cx.b.type(x).dtype !== 'f32') return problem('NN204', `${cx.text} takes numbers, and labels flow in`);
    const shape = cx.b.shape(x);
    const axis = f.axisOf(dim, shape.length);
    if (axis === undefined) return problem('NN206', `${showShape(shape)} has no axis ${dim}`);
    if (axis === 0)
      return problem('NN206', 'examples are independent: softmax cannot run along the batch axis', 'take another axis: softmax(dim=-1)');
    return f.softmax(cx.b, x, axis);
  },
});
