import * as f from '../functions.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { layer, type Layer } from './layer.ts';
import { means, placesOfMax, pooled } from './pooling.ts';
import { sizes, type Axes } from './windows.ts';

/** Pooling layers. */

const kernel_size = sizes('size of the window');
const stride = sizes('stride of the window; default: kernel_size');
const ceil_mode = {
  type: 'bool',
  default: false,
  doc: 'rounds the output size up, so that the last window may reach past the end',
} as const;

const maximal = (axes: Axes): Layer =>
  layer({
    doc: 'max pooling: the largest value of each window; ties share the gradient',
    torch: `torch.nn.MaxPool${axes}d`,
    shape: '[B, channels, places...] -> [B, channels, fewer...]',
    parameters: {
      kernel_size,
      stride,
      padding: sizes('padding at both ends, which is never the maximum; at most half of kernel_size', 0),
      dilation: sizes('spacing between the elements of the window', 1),
      return_indices: {
        type: 'bool',
        default: false,
        doc: 'also returns the index of each maximum in its flattened channel, as MaxUnpool takes it',
      },
      ceil_mode,
    },
    optional: ['stride'],
    build(cx, args, x) {
      const p = pooled(cx, args, x, axes, f.LOWEST);
      if ('code' in p) return p;
      const y = cx.b.add('reduce_max', [p.view], { axes: p.inside });
      return args.return_indices ? [y, placesOfMax(cx.b, p, y)] : y;
    },
  });

export const MaxPool1d = maximal(1);
export const MaxPool2d = maximal(2);
export const MaxPool3d = maximal(3);

const divisor_override = { type: 'int', min: 1, doc: 'divides sums by this number instead of the size of the window' } as const;

const average = (axes: Axes): Layer =>
  layer({
    doc: 'average pooling: the mean of each window',
    torch: `torch.nn.AvgPool${axes}d`,
    shape: '[B, channels, places...] -> [B, channels, fewer...]',
    parameters: {
      kernel_size,
      stride,
      padding: sizes('zero padding at both ends; at most half of kernel_size', 0),
      ceil_mode,
      count_include_pad: { type: 'bool', default: true, doc: 'includes the zero padding in the mean' },
      ...(axes > 1 ? { divisor_override } : {}),
    },
    optional: ['stride', 'divisor_override'],
    build(cx, args, x) {
      const p = pooled(cx, args, x, axes, 0);
      if ('code' in p) return p;
      const { divisor_override: divisor } = args as { readonly divisor_override?: number };
      if (divisor === undefined) return means(cx.b, p, args.count_include_pad);
      const total = cx.b.sum(p.view, p.inside);
      return cx.b.op('div', total, cx.b.like(divisor, total));
    },
  });

export const AvgPool1d = average(1);
export const AvgPool2d = average(2);
export const AvgPool3d = average(3);

function power(b: GraphBuilder, x: NodeId, p: number): NodeId {
  return p === 1 ? x : p === 2 ? b.op('mul', x, x) : b.op('pow', x, b.like(p, x));
}

/** The pth root. For a window of zeros PyTorch's gradient is NaN; here it is 0. */
function root(b: GraphBuilder, x: NodeId, p: number): NodeId {
  if (p === 1) return x;
  const zero = b.like(0, x);
  const none = b.op('eq', x, zero);
  const safe = b.op('select', none, b.like(1, x), x);
  return b.op('select', none, zero, p === 2 ? b.op('sqrt', safe) : b.op('pow', safe, b.like(1 / p, x)));
}

/** (sum of x^p)^(1/p). With ceil_mode PyTorch takes the mean of the elements present times the window's size, and so does this. */
const powers = (axes: 1 | 2): Layer =>
  layer({
    doc: 'power-average pooling: (sum of x^p)^(1/p) of each window',
    torch: `torch.nn.LPPool${axes}d`,
    shape: '[B, channels, places...] -> [B, channels, fewer...]',
    parameters: {
      norm_type: { type: 'number', min: 1e-6, doc: 'exponent p: 1 is sum pooling, larger values approach max pooling' },
      kernel_size,
      stride,
      ceil_mode,
    },
    optional: ['stride'],
    build(cx, args, x) {
      const { b } = cx;
      const p = pooled(cx, args, power(b, x, args.norm_type), axes, 0);
      if ('code' in p) return p;
      const mean = means(b, p, true);
      const n = p.size.reduce((q, k) => q * k, 1);
      return root(b, b.op('mul', mean, b.like(n, mean)), args.norm_type);
    },
  });

export const LPPool1d = powers(1);
export const LPPool2d = powers(2);
