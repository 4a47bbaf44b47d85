import { product, showShape, type Dim } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { elements, extent } from '../functions.ts';
import type { Init } from '../../base/init.ts';
import { layer, problem, type Counter, type Layer, type LayerContext, type Problem } from './layer.ts';

const ONES: Init = { kind: 'constant', value: 1 };
const ZEROS: Init = { kind: 'constant', value: 0 };

/** The mean over axes, which are removed. The batch is never among them. */
function mean(b: GraphBuilder, x: NodeId, axes: readonly number[]): NodeId {
  const s = b.sum(x, axes);
  const n = axes.reduce((p, a) => p * (extent(b, x, a) as number), 1);
  return b.op('div', s, b.like(n, s));
}

/** (x - mean) / sqrt(var + eps) over axes, in two passes so that large means do not cancel. */
function normalize(b: GraphBuilder, x: NodeId, axes: readonly number[], eps: number): NodeId {
  const shape = b.shape(x);
  const centred = b.op('sub', x, b.unreduce(mean(b, x, axes), shape, axes));
  const variance = mean(b, b.op('mul', centred, centred), axes);
  const deviation = b.op('sqrt', b.op('add', variance, b.like(eps, variance)));
  return b.op('div', centred, b.unreduce(deviation, shape, axes));
}

/** (x - mean) / sqrt(var + eps) with a mean and a variance for each channel. */
function standardize(b: GraphBuilder, x: NodeId, average: NodeId, variance: NodeId, eps: number): NodeId {
  const spread = (v: NodeId): NodeId => b.broadcast(v, b.shape(x), [1]);
  const deviation = b.op('sqrt', b.op('add', variance, b.like(eps, variance)));
  return b.op('div', b.op('sub', x, spread(average)), spread(deviation));
}

/** y * weight + bias, both along one axis. */
function affine(cx: LayerContext, y: NodeId, size: number, axis: number): NodeId {
  const { b } = cx;
  const shape = b.shape(y);
  const scaled = b.op('mul', y, b.broadcast(cx.param('weight', [size], ONES), shape, [axis]));
  return b.op('add', scaled, b.broadcast(cx.param('bias', [size], ZEROS), shape, [axis]));
}

const eps = (value: number) =>
  ({ type: 'number', default: value, min: 0, doc: 'added before the square root, for numerical stability' }) as const;

/** Checks that the last axes are the normalised shape. */
function lastAxes(
  cx: LayerContext,
  x: NodeId,
  given: number | readonly number[],
): { readonly sizes: number[]; readonly axes: number[] } | Problem {
  const shape = cx.b.shape(x);
  const sizes = [given].flat();
  const first = shape.length - sizes.length;
  const fits = first >= 1 && sizes.every((s, i) => shape[first + i] === s);
  if (!fits) return problem('NN203', `${cx.text} takes [*, ${sizes.join(', ')}], and ${showShape(shape)} flows in`);
  return { sizes, axes: sizes.map((_, i) => first + i) };
}

const normalized_shape = { type: 'sizes', min: 1, doc: 'size of the last axis, or a list of sizes of the last axes' } as const;
const elementwise_affine = { type: 'bool', default: true, doc: 'trains a scale for each element' } as const;

export const LayerNorm = layer({
  doc: 'normalises over the last axis or axes, then applies a trainable scale and shift',
  torch: 'torch.nn.LayerNorm',
  parameters: {
    normalized_shape,
    eps: eps(1e-5),
    elementwise_affine,
    bias: { type: 'bool', default: true, doc: 'trains a shift for each element, with elementwise_affine' },
  },
  keepsShape: true,
  build(cx, args, x) {
    const { b } = cx;
    const found = lastAxes(cx, x, args.normalized_shape);
    if ('code' in found) return found;
    const { sizes, axes } = found;
    const shape = b.shape(x);
    const y = normalize(b, x, axes, args.eps);
    if (!args.elementwise_affine) return y;
    const scaled = b.op('mul', y, b.broadcast(cx.param('weight', sizes, ONES), shape, axes));
    return args.bias ? b.op('add', scaled, b.broadcast(cx.param('bias', sizes, ZEROS), shape, axes)) : scaled;
  },
});

export const RMSNorm = layer({
  doc: 'x / sqrt(mean(x^2) + eps) * weight over the last axis or axes',
  torch: 'torch.nn.RMSNorm',
  parameters: { normalized_shape, eps: eps(2 ** -23), elementwise_affine },
  keepsShape: true,
  build(cx, args, x) {
    const { b } = cx;
    const found = lastAxes(cx, x, args.normalized_shape);
    if ('code' in found) return found;
    const { sizes, axes } = found;
    const shape = b.shape(x);
    const square = mean(b, b.op('mul', x, x), axes);
    const rms = b.op('sqrt', b.op('add', square, b.like(args.eps, square)));
    const y = b.op('div', x, b.unreduce(rms, shape, axes));
    return args.elementwise_affine ? b.op('mul', y, b.broadcast(cx.param('weight', sizes, ONES), shape, axes)) : y;
  },
});

export const GroupNorm = layer({
  doc: 'normalises each example over groups of channels (axis 1)',
  torch: 'torch.nn.GroupNorm',
  parameters: {
    num_groups: { type: 'int', min: 1, doc: 'number of groups' },
    num_channels: { type: 'int', min: 1, doc: 'number of channels' },
    eps: eps(1e-5),
    affine: { type: 'bool', default: true, doc: 'trains a scale and a shift for each channel' },
  },
  keepsShape: true,
  build(cx, args, x) {
    const { b } = cx;
    const shape = b.shape(x);
    if (shape[1] === args.num_channels && args.num_channels % args.num_groups !== 0)
      return problem('NN203', `${cx.text} makes equal groups, and ${args.num_groups} does not divide ${args.num_channels}`);
    if (shape[1] !== args.num_channels)
      return problem('NN203', `${cx.text} takes [B, ${args.num_channels}, ...] in equal groups, and ${showShape(shape)} flows in`);
    const inner = product(shape.slice(1)) as number;
    const grouped = b.reshape(x, [shape[0] as Dim, args.num_groups, inner / args.num_groups]);
    const y = b.reshape(normalize(b, grouped, [2], args.eps), shape);
    return args.affine ? affine(cx, y, args.num_channels, 1) : y;
  },
});

/** PyTorch's batch counter beside the running statistics; InstanceNorm has it too, but leaves it at 0. */
const batches = (each: Counter['each']): Counter => ({ name: 'num_batches_tracked', each });

const affineArgument = { type: 'bool', default: true, doc: 'trains a scale and a shift for each channel' } as const;
const num_features = { type: 'int', min: 1, doc: 'number of channels (axis 1)' } as const;

/** [B, channels] or [B, channels, places...] with a given number of axes of places. */
function channelShape(cx: LayerContext, x: NodeId, channels: number, places: readonly number[]): Problem | undefined {
  const shape = cx.b.shape(x);
  const fits = shape[1] === channels && places.includes(shape.length - 2);
  return fits
    ? undefined
    : problem('NN203', `${cx.text} takes [B, ${channels}${', place'.repeat(Math.max(...places))}], and ${showShape(shape)} flows in`);
}

/**
 * Ioffe and Szegedy, 2015. Training uses the batch's mean and variance and updates the running statistics (with the unbiased variance, as
 * in PyTorch); predictions use the running statistics.
 */
const batchNorm = (places: readonly number[]): Layer =>
  layer({
    doc: 'normalises each channel over the batch and all positions; predictions use the running statistics',
    torch: `torch.nn.BatchNorm${Math.max(...places)}d`,
    parameters: {
      num_features,
      eps: eps(1e-5),
      momentum: { type: 'number', default: 0.1, min: 0, max: 1, doc: 'weight of the new batch in the running statistics' },
      affine: affineArgument,
      track_running_stats: {
        type: 'bool',
        default: true,
        doc: 'keeps running statistics for predictions; else they use the statistics of their own batch',
      },
    },
    keepsShape: true,
    build(cx, args, x) {
      const { b } = cx;
      const { num_features: n, momentum } = args;
      const wrong = channelShape(cx, x, n, places);
      if (wrong) return wrong;
      const shape = b.shape(x);
      const axes = shape.map((_, i) => i).filter((i) => i !== 1);
      const spread = (v: NodeId): NodeId => b.broadcast(v, shape, [1]);
      const running = args.track_running_stats
        ? [cx.state('running_mean', [n], ZEROS, batches(1)), cx.state('running_var', [n], ONES)]
        : [];
      const [runningMean, runningVar] = running;
      let [average, variance] = [runningMean?.value, runningVar?.value];
      if (cx.training || average === undefined || variance === undefined) {
        const size = elements(b, x, axes);
        const over = (y: NodeId): NodeId => {
          const total = b.sum(y, axes);
          return b.op('div', total, b.splat(size, b.shape(total)));
        };
        average = over(x);
        const centred = b.op('sub', x, spread(average));
        variance = over(b.op('mul', centred, centred));
        const moved = (from: NodeId, to: NodeId): NodeId =>
          b.op('add', b.op('mul', from, b.like(1 - momentum, from)), b.op('mul', b.op('detach', to), b.like(momentum, to)));
        if (cx.training) {
          cx.measures(product(axes.map((a) => shape[a] as Dim)));
          const unbiased = b.op('div', size, b.op('sub', size, b.like(1, size)));
          runningMean?.keep(moved(runningMean.value, average));
          runningVar?.keep(moved(runningVar.value, b.op('mul', variance, b.splat(unbiased, [n]))));
        }
      }
      const y = standardize(b, x, average, variance, args.eps);
      return args.affine ? affine(cx, y, n, 1) : y;
    },
  });

export const BatchNorm1d = batchNorm([0, 1]);
export const BatchNorm2d = batchNorm([2]);
export const BatchNorm3d = batchNorm([3]);

/** Ulyanov et al., 2016. The running statistics are means over the examples (with the unbiased variance, as in PyTorch). */
const instanceNorm = (places: number): Layer =>
  layer({
    doc: 'normalises each channel of each example over its positions; predictions use the running statistics if they are tracked',
    torch: `torch.nn.InstanceNorm${places}d`,
    parameters: {
      num_features,
      eps: eps(1e-5),
      momentum: { type: 'number', default: 0.1, min: 0, max: 1, doc: 'weight of the new batch in the running statistics' },
      affine: { ...affineArgument, default: false },
      track_running_stats: {
        type: 'bool',
        default: false,
        doc: 'keeps running statistics for predictions; else they use the statistics of each example',
      },
    },
    keepsShape: true,
    build(cx, args, x) {
      const { b } = cx;
      const { num_features: n, momentum } = args;
      const wrong = channelShape(cx, x, n, [places]);
      if (wrong) return wrong;
      const shape = b.shape(x);
      const axes = Array.from({ length: places }, (_, i) => 2 + i);
      const size = axes.reduce((p, a) => p * (extent(b, x, a) as number), 1);
      if (size < 2) return problem('NN203', `${cx.text} needs more than one place to measure, and ${showShape(shape)} flows in`);
      const states = args.track_running_stats ? [cx.state('running_mean', [n], ZEROS, batches(0)), cx.state('running_var', [n], ONES)] : [];
      const [runningMean, runningVar] = states;
      let y: NodeId;
      if (runningMean && runningVar && !cx.training) y = standardize(b, x, runningMean.value, runningVar.value, args.eps);
      else y = normalize(b, x, axes, args.eps);
      if (cx.training) {
        const average = mean(b, x, axes);
        const centred = b.op('sub', x, b.unreduce(average, shape, axes));
        const square = b.sum(b.op('mul', centred, centred), axes);
        const moved = (from: NodeId, to: NodeId): NodeId => {
          const total = b.sum(to, [0]);
          const over = b.op('detach', b.op('div', total, b.splat(elements(b, to, [0]), [n])));
          return b.op('add', b.op('mul', from, b.like(1 - momentum, from)), b.op('mul', over, b.like(momentum, over)));
        };
        runningMean?.keep(moved(runningMean.value, average));
        runningVar?.keep(moved(runningVar.value, b.op('div', square, b.like(size - 1, square))));
      }
      return args.affine ? affine(cx, y, n, 1) : y;
    },
  });

export const InstanceNorm1d = instanceNorm(1);
export const InstanceNorm2d = instanceNorm(2);
export const InstanceNorm3d = instanceNorm(3);
