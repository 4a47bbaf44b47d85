import { product, showShape, type Dim } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { extent } from '../functions.ts';
import type { Init } from '../../base/init.ts';
import { layer, problem, type LayerContext } from './layer.ts';

const ONES: Init = { kind: 'constant', value: 1 };
const ZEROS: Init = { kind: 'constant', value: 0 };

/** Mean over axes, which go away. The batch is never among them. */
function mean(b: GraphBuilder, x: NodeId, axes: readonly number[]): NodeId {
  const s = b.sum(x, axes);
  const n = axes.reduce((p, a) => p * (extent(b, x, a) as number), 1);
  return b.op('div', s, b.like(n, s));
}

/** (x - mean) / sqrt(var + eps) over axes: two passes, so that large means do no harm. */
function normalize(b: GraphBuilder, x: NodeId, axes: readonly number[], eps: number): NodeId {
  const shape = b.shape(x);
  const centred = b.op('sub', x, b.unreduce(mean(b, x, axes), shape, axes));
  const variance = mean(b, b.op('mul', centred, centred), axes);
  const deviation = b.op('sqrt', b.op('add', variance, b.like(eps, variance)));
  return b.op('div', centred, b.unreduce(deviation, shape, axes));
}

/** y * weight + bias, both along one axis. */
function affine(cx: LayerContext, y: NodeId, size: number, axis: number): NodeId {
  const { b } = cx;
  const shape = b.shape(y);
  const scaled = b.op('mul', y, b.broadcast(cx.param('weight', [size], ONES), shape, [axis]));
  return b.op('add', scaled, b.broadcast(cx.param('bias', [size], ZEROS), shape, [axis]));
}

const eps = (value: number) => ({ type: 'number', default: value, min: 0, doc: 'added to the variance' }) as const;

export const LayerNorm = layer({
  doc: 'normalises the last axis, then scales and shifts it',
  torch: 'torch.nn.LayerNorm',
  parameters: { normalized_shape: { type: 'int', min: 1, doc: 'size of the last axis' }, eps: eps(1e-5) },
  keepsShape: true,
  build(cx, args, x) {
    const shape = cx.b.shape(x);
    const last = shape.length - 1;
    if (shape.length < 2 || shape[last] !== args.normalized_shape)
      return problem('NN203', `${cx.text} takes [*, ${args.normalized_shape}], and ${showShape(shape)} flows in`);
    return affine(cx, normalize(cx.b, x, [last], args.eps), args.normalized_shape, last);
  },
});

export const RMSNorm = layer({
  doc: 'x / sqrt(mean(x^2) + eps) * weight over the last axis',
  torch: 'torch.nn.RMSNorm',
  parameters: { normalized_shape: { type: 'int', min: 1, doc: 'size of the last axis' }, eps: eps(1e-6) },
  keepsShape: true,
  build(cx, args, x) {
    const { b } = cx;
    const shape = b.shape(x);
    const last = shape.length - 1;
    if (shape.length < 2 || shape[last] !== args.normalized_shape)
      return problem('NN203', `${cx.text} takes [*, ${args.normalized_shape}], and ${showShape(shape)} flows in`);
    const square = mean(b, b.op('mul', x, x), [last]);
    const rms = b.op('sqrt', b.op('add', square, b.like(args.eps, square)));
    return b.op(
      'mul',
      b.op('div', x, b.unreduce(rms, shape, [last])),
      b.broadcast(cx.param('weight', [args.normalized_shape], ONES), shape, [last]),
    );
  },
});

export const GroupNorm = layer({
  doc: 'normalises groups of channels (axis 1) of each example',
  torch: 'torch.nn.GroupNorm',
  parameters: {
    num_groups: { type: 'int', min: 1, doc: 'groups' },
    num_channels: { type: 'int', min: 1, doc: 'channels' },
    eps: eps(1e-5),
  },
  keepsShape: true,
  build(cx, args, x) {
    const { b } = cx;
    const shape = b.shape(x);
    if (shape[1] !== args.num_channels || args.num_channels % args.num_groups !== 0)
      return problem('NN203', `${cx.text} takes [B, ${args.num_channels}, ...] in equal groups, and ${showShape(shape)} flows in`);
    const inner = product(shape.slice(1)) as number;
    const grouped = b.reshape(x, [shape[0] as Dim, args.num_groups, inner / args.num_groups]);
    return affine(cx, b.reshape(normalize(b, grouped, [2], args.eps), shape), args.num_channels, 1);
  },
});
