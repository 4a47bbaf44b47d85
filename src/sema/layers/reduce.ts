import { showShape } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import type { ArgsOf, Parameters } from '../arguments.ts';
import { vectorNorm } from '../distances.ts';
import * as f from '../functions.ts';
import { asOnes, axesOf, axis, dim, keepdim, knownAxis } from './axes.ts';
import { layer, problem, type Layer, type Problem } from './layer.ts';

/** Reductions. */

type Given = { readonly dim?: number | readonly number[] };

/** A reduction over all axes, or over those that are named. */
const reduction = (doc: string, torch: string, reduce: (b: GraphBuilder, x: NodeId, axes: readonly number[]) => NodeId | Problem): Layer =>
  reductionWith({}, doc, torch, reduce);

/** A reduction with further arguments. */
const reductionWith = <P extends Parameters>(
  more: P,
  doc: string,
  torch: string,
  reduce: (b: GraphBuilder, x: NodeId, axes: readonly number[], args: ArgsOf<P>) => NodeId | Problem,
): Layer =>
  layer({
    doc,
    torch,
    shape: '[..., n, ...] -> [..., ...]',
    parameters: { dim, keepdim, ...more },
    optional: ['dim'],
    build({ b }, args, x) {
      const shape = b.shape(x);
      const axes = axesOf(b, x, (args as Given).dim);
      if (!Array.isArray(axes)) return axes;
      const y = reduce(b, x, axes, args as ArgsOf<P>);
      return typeof y === 'number' && args.keepdim ? asOnes(b, y, shape, axes) : y;
    },
  });

const meanOver = (b: GraphBuilder, x: NodeId, axes: readonly number[]): NodeId => {
  const total = b.sum(x, axes);
  return b.op('div', total, b.splat(f.elements(b, x, axes), b.shape(total)));
};
/** The sum of squared deviations from the mean, divided by n - correction. */
const varOver = (b: GraphBuilder, x: NodeId, axes: readonly number[], correction: number): NodeId => {
  const d = b.op('sub', x, b.unreduce(meanOver(b, x, axes), b.shape(x), axes));
  const total = b.sum(b.op('mul', d, d), axes);
  const n = f.elements(b, x, axes);
  const divisor = correction === 0 ? n : b.op('sub', n, b.like(correction, n));
  return b.op('div', total, b.splat(divisor, b.shape(total)));
};

export const sum = reduction('the sum', 'torch.sum', (b, x, axes) => b.sum(x, axes));
export const mean = reduction('the mean', 'torch.mean', meanOver);
export const amax = reduction('the largest value; ties share the gradient', 'torch.amax', (b, x, axes) =>
  b.add('reduce_max', [x], { axes }),
);
export const amin = reduction('the smallest value; ties share the gradient', 'torch.amin', (b, x, axes) =>
  b.op('neg', b.add('reduce_max', [b.op('neg', x)], { axes })),
);
export const norm = reductionWith(
  {
    p: {
      type: 'order',
      default: 2,
      min: 0,
      doc: 'order of the norm: 1 sums absolute values, inf takes the largest one, 0 counts nonzero elements',
    },
  },
  'the p-norm (sum |x|^p)^(1/p)',
  'torch.linalg.vector_norm',
  (b, x, axes, { p }) => vectorNorm(b, x, axes, p),
);

const correction = { type: 'number', default: 0, min: 0, doc: 'subtracted from n in the divisor: 1 for the unbiased estimate' } as const;
export const variance = reductionWith({ correction }, 'the variance', 'torch.var(correction=0)', (b, x, axes, args) =>
  varOver(b, x, axes, args.correction),
);
export const std = reductionWith({ correction }, 'the standard deviation', 'torch.std(correction=0)', (b, x, axes, args) =>
  f.rootOfSum(b, varOver(b, x, axes, args.correction)),
);

export const logsumexp = layer({
  doc: 'log(sum(exp(x))) over axes, numerically stable',
  torch: 'torch.logsumexp',
  shape: '[..., n, ...] -> [..., ...]',
  parameters: { dim: { ...dim, default: -1, doc: 'axis or list of axes' }, keepdim },
  build({ b }, args, x) {
    const shape = b.shape(x);
    const axes = axesOf(b, x, args.dim);
    if (!Array.isArray(axes)) return axes;
    // An infinite maximum is not subtracted, since inf - inf is NaN.
    const peak = b.op('detach', b.add('reduce_max', [x], { axes }));
    const m = b.op('select', b.op('finite', peak), peak, b.like(0, peak));
    const total = b.sum(b.op('exp', b.op('sub', x, b.unreduce(m, shape, axes))), axes);
    const y = b.op('add', b.op('log', total), m);
    return args.keepdim ? asOnes(b, y, shape, axes) : y;
  },
});

export const prod = layer({
  doc: 'the product along an axis',
  torch: 'torch.prod',
  shape: '[..., n, ...] -> [..., ...]',
  parameters: { dim: axis, keepdim },
  build({ b }, args, x) {
    const found = knownAxis(b, x, args.dim);
    if ('code' in found) return found;
    const y = f.productOver(b, x, found.axis);
    return args.keepdim ? asOnes(b, y, b.shape(x), [found.axis]) : y;
  },
});

const extreme = (doc: string, torch: string, largest: boolean): Layer =>
  layer({
    doc,
    torch,
    shape: '[..., n, ...] -> int [..., ...]',
    parameters: { dim: axis, keepdim },
    build({ b }, args, x) {
      const shape = b.shape(x);
      const axis = f.axisOf(args.dim, shape.length);
      if (axis === undefined) return problem('NN206', `${showShape(shape)} has no axis ${args.dim}`);
      const y = f.argmax(b, largest ? x : b.op('neg', x), axis);
      return args.keepdim ? asOnes(b, y, shape, [axis]) : y;
    },
  });
export const argmax = extreme(
  'the index of the largest value, the first one of ties; that of the first NaN if there is one',
  'torch.argmax',
  true,
);
export const argmin = extreme(
  'the index of the smallest value, the first one of ties; that of the first NaN if there is one',
  'torch.argmin',
  false,
);

const logical = (doc: string, torch: string, every: boolean): Layer =>
  layer({
    anyType: true,
    doc,
    torch,
    shape: 'bool [..., n, ...] -> bool [..., ...]',
    parameters: { dim, keepdim },
    optional: ['dim'],
    build({ b }, args, x) {
      if (b.type(x).dtype !== 'bool') return problem('NN204', 'a comparison is needed, such as x > 0');
      const axes = axesOf(b, x, (args as Given).dim);
      if (!Array.isArray(axes)) return axes;
      const count = b.add('reduce_max', [b.cast(every ? b.op('not', x) : x, 'i32')], { axes });
      const y = b.op('eq', count, b.like(every ? 0 : 1, count));
      return args.keepdim ? asOnes(b, y, b.shape(x), axes) : y;
    },
  });
export const all = logical('true if all elements are true', 'torch.all', true);
export const any = logical('true if any element is true', 'torch.any', false);
