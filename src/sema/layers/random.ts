import { showShape, type Shape } from '../../base/types.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import * as f from '../functions.ts';
import { layer, problem, type LayerContext } from './layer.ts';

/**
 * Random numbers in the model: a function of (seed, step, element), new at every step and recomputed where needed. Predictions use the mean
 * of the distribution instead, unless the program asks for draws.
 */
const always = { type: 'bool', default: false, doc: 'draws random numbers in predictions too; else they use the mean' } as const;

const drawn = (cx: LayerContext, always: boolean): boolean => cx.draws || always;

/** Box and Muller, 1958: from two uniform numbers, the first of which is never 0. */
export function standardNormal(cx: Pick<LayerContext, 'b' | 'random'>, shape: Shape): NodeId {
  const { b } = cx;
  const [u, v] = [cx.random(shape), cx.random(shape)];
  const radius = b.op('sqrt', b.op('mul', b.op('log', b.op('sub', b.like(1, u), u)), b.like(-2, u)));
  return b.op('mul', radius, b.op('cos', b.op('mul', v, b.like(2 * Math.PI, v))));
}

/** -log(-log(u)) with u in (0, 1): the standard Gumbel distribution. */
function standardGumbel(cx: LayerContext, shape: Shape): NodeId {
  const { b } = cx;
  const u = cx.random(shape);
  // Shifted by 2^-25, so that u is neither 0 nor 1.
  const inside = b.op('add', b.op('mul', u, b.like(1 - 2 ** -24, u)), b.like(2 ** -25, u));
  return b.op('neg', b.op('log', b.op('neg', b.op('log', inside))));
}

export const rand_like = layer({
  anyType: true,
  doc: 'uniform random numbers in [0, 1), in the shape of x',
  torch: 'torch.rand_like',
  parameters: { always },
  keepsShape: true,
  build: (cx, args, x) => (drawn(cx, args.always) ? cx.random(cx.b.shape(x)) : cx.b.full(0.5, { dtype: 'f32', shape: cx.b.shape(x) })),
});

export const randn_like = layer({
  anyType: true,
  doc: 'standard normal random numbers, in the shape of x',
  torch: 'torch.randn_like',
  parameters: { always },
  keepsShape: true,
  build: (cx, args, x) =>
    drawn(cx, args.always) ? standardNormal(cx, cx.b.shape(x)) : cx.b.full(0, { dtype: 'f32', shape: cx.b.shape(x) }),
});

export const bernoulli = layer({
  doc: '1 with probability x, else 0; no gradient flows back',
  torch: 'torch.bernoulli',
  parameters: { always },
  keepsShape: true,
  build(cx, args, x) {
    const { b } = cx;
    if (!drawn(cx, args.always)) return b.op('detach', x);
    return b.cast(b.op('lt', cx.random(b.shape(x)), x), 'f32');
  },
});

/** Jang, Gu and Poole, 2017; Maddison, Mnih and Teh, 2017. */
export const gumbel_softmax = layer({
  doc: 'a differentiable sample: softmax((x + Gumbel noise) / tau); one-hot with hard=true, with the gradient of the softmax',
  torch: 'torch.nn.functional.gumbel_softmax',
  parameters: {
    tau: { type: 'number', default: 1, min: 1e-6, doc: 'temperature: smaller values are closer to one-hot' },
    hard: { type: 'bool', default: false, doc: 'returns one-hot vectors' },
    dim: { type: 'int', default: -1, doc: 'axis of the categories' },
    always,
  },
  keepsShape: true,
  build(cx, { tau, hard, dim, always }, x) {
    const { b } = cx;
    const shape = b.shape(x);
    const axis = f.axisOf(dim, shape.length);
    const n = axis === undefined ? undefined : shape[axis];
    if (axis === undefined || typeof n !== 'number') return problem('NN206', `${showShape(shape)} has no axis ${dim} of known size`);
    const noisy = drawn(cx, always) ? b.op('add', x, standardGumbel(cx, shape)) : x;
    const soft = f.softmax(b, b.op('div', noisy, b.like(tau, x)), axis);
    if (!hard) return soft;
    const place = b.add('iota', [], { axis }, { dtype: 'i32', shape });
    const chosen = b.cast(b.op('eq', place, b.unreduce(f.argmax(b, soft, axis), shape, [axis])), 'f32');
    // Straight-through estimator: the value is the hard choice, the gradient is the softmax's.
    return b.op('add', b.op('detach', b.op('sub', chosen, soft)), soft);
  },
});
