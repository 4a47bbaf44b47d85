import { at } from '../../base/errors.ts';
import { showShape, type Dim } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import * as f from '../functions.ts';
import { layer, problem, type Layer } from './layer.ts';
import { each, sizes, windows, type Axes } from './windows.ts';

/** Pooling, and its opposite: fewer places, or more. */

const pooling = (axes: Axes, kind: 'Max' | 'Avg'): Layer =>
  layer({
    doc: kind === 'Max' ? 'the largest value of each window; ties share the gradient' : 'the mean of each window, zeros around included',
    torch: `torch.nn.${kind}Pool${axes}d`,
    shape: '[B, channels, places...] -> [B, channels, fewer...]',
    parameters: {
      kernel_size: sizes('the window'),
      stride: sizes('steps between windows; the window itself where it is not said'),
      padding: sizes('places around', 0),
    },
    optional: ['stride'],
    build(cx, args, x) {
      const { b } = cx;
      const shape = b.shape(x);
      const [size, stride, padding] = [args.kernel_size, (args.stride as number | undefined) ?? args.kernel_size, args.padding].map((v) =>
        each(v, axes),
      );
      if (!size || !stride || !padding) return problem('NN202', `${cx.text} takes one number, or ${axes} in a list`);
      const view =
        shape.length === axes + 2
          ? windows(b, x, axes, { size, stride, padding, dilation: size.map(() => 1) }, kind === 'Max' ? f.LOWEST : 0)
          : undefined;
      if (view === undefined) return problem('NN203', `a window of [${size.join(', ')}] does not fit into ${showShape(shape)}`);
      const inside = size.map((_, i) => 2 + axes + i);
      if (kind === 'Max') return b.add('reduce_max', [view], { axes: inside });
      const total = b.sum(view, inside);
      const n = size.reduce((p, q) => p * q, 1);
      return b.op('div', total, b.like(n, total));
    },
  });

export const MaxPool1d = pooling(1, 'Max');
export const MaxPool2d = pooling(2, 'Max');
export const MaxPool3d = pooling(3, 'Max');
export const AvgPool1d = pooling(1, 'Avg');
export const AvgPool2d = pooling(2, 'Avg');
export const AvgPool3d = pooling(3, 'Avg');

/** f32 [rows, columns] as a function of both places, both f32: constants that the kernels compute where they need them. */
function matrix(b: GraphBuilder, rows: number, columns: number, entry: (i: NodeId, j: NodeId) => NodeId): NodeId {
  const type = { dtype: 'f32', shape: [rows, columns] } as const;
  return entry(b.add('iota', [], { axis: 0 }, type), b.add('iota', [], { axis: 1 }, type));
}

/** x with one axis multiplied by a matrix [out, in]. */
function alongAxis(b: GraphBuilder, x: NodeId, axis: number, weights: NodeId): NodeId {
  const labels = [...'abcdef'.slice(0, b.shape(x).length)];
  const out = labels.map((c, i) => (i === axis ? 'y' : c)).join('');
  const mine = labels.map((c, i) => (i === axis ? 'z' : c)).join('');
  return b.contract(`${mine},yz->${out}`, x, weights);
}

/** Means of the bins floor(i n / m) to ceil((i + 1) n / m), as PyTorch cuts them. */
function binMeans(b: GraphBuilder, n: number, m: number): NodeId {
  return matrix(b, m, n, (i, j) => {
    const num = (v: number): NodeId => b.like(v, i);
    // A hair more or less keeps quotients that are whole numbers whole.
    const start = b.op('floor', b.op('add', b.op('mul', i, num(n / m)), num(1e-4)));
    const past = b.op('add', b.op('mul', i, num(n / m)), num(n / m - 1e-4));
    const end = b.op('add', b.op('floor', past), num(1));
    const inside = b.op('and', b.op('le', start, j), b.op('lt', j, end));
    return b.op('select', inside, b.op('div', num(1), b.op('sub', end, start)), num(0));
  });
}

const adaptive = (axes: Axes): Layer =>
  layer({
    doc: 'means of as many bins as the result has places',
    torch: `torch.nn.AdaptiveAvgPool${axes}d`,
    shape: '[B, channels, places...] -> [B, channels, output_size...]',
    parameters: { output_size: sizes('places that flow out') },
    build(cx, args, x) {
      const { b } = cx;
      const shape = b.shape(x);
      const out = each(args.output_size, axes);
      if (!out) return problem('NN202', `${cx.text} takes one number, or ${axes} in a list`);
      if (shape.length !== axes + 2)
        return problem('NN203', `${cx.text} takes ${axes} axes behind the channels, and ${showShape(shape)} flows in`);
      let y = x;
      out.forEach((m, k) => {
        const axis = 2 + k;
        const n = at(shape, axis) as number;
        if (n === m) return;
        const before = b.shape(y);
        if (n % m !== 0) y = alongAxis(b, y, axis, binMeans(b, n, m));
        else {
          const total = b.sum(b.reshape(y, [...before.slice(0, axis), m, n / m, ...before.slice(axis + 1)]), [axis + 1]);
          y = b.op('div', total, b.like(n / m, total));
        }
      });
      return y;
    },
  });

export const AdaptiveAvgPool1d = adaptive(1);
export const AdaptiveAvgPool2d = adaptive(2);
export const AdaptiveAvgPool3d = adaptive(3);

/** Weights of linear interpolation from n places to m, with PyTorch's two ways to lay the ends. */
function hat(b: GraphBuilder, n: number, m: number, corners: boolean): NodeId {
  return matrix(b, m, n, (i, j) => {
    const num = (v: number): NodeId => b.like(v, i);
    const at = corners
      ? b.op('mul', i, num(m > 1 ? (n - 1) / (m - 1) : 0))
      : b.op('sub', b.op('mul', b.op('add', i, num(0.5)), num(n / m)), num(0.5));
    const inside = b.op('min', b.op('max', at, num(0)), num(n - 1));
    return b.op('max', num(0), b.op('sub', num(1), b.op('abs', b.op('sub', inside, j))));
  });
}

export const Upsample = layer({
  doc: 'more places by repetition or by interpolation',
  torch: 'torch.nn.Upsample',
  shape: '[B, channels, places...] -> [B, channels, scale_factor * places...]',
  parameters: {
    scale_factor: { type: 'sizes', min: 1, doc: 'how many times as many places' },
    mode: { type: 'string', default: 'nearest', choices: ['nearest', 'linear', 'bilinear'], doc: 'repeats, or interpolates' },
    align_corners: { type: 'bool', default: false, doc: 'the outermost places stay where they are' },
  },
  build(cx, args, x) {
    const { b } = cx;
    const shape = b.shape(x);
    const axes = shape.length - 2;
    const factor = each(args.scale_factor, axes);
    if (axes < 1 || !factor) return problem('NN203', `${cx.text} takes [B, channels, places...], and ${showShape(shape)} flows in`);
    if ((args.mode === 'bilinear' && axes !== 2) || (args.mode === 'linear' && axes !== 1))
      return problem('NN206', `${args.mode} does not fit ${showShape(shape)}`, 'linear takes one axis of places, bilinear two');
    let y = x;
    factor.forEach((s, k) => {
      if (s === 1) return;
      const axis = 2 + k;
      const before = b.shape(y);
      const n = before[axis] as number;
      if (args.mode !== 'nearest') y = alongAxis(b, y, axis, hat(b, n, n * s, args.align_corners));
      else {
        const apart: Dim[] = [...before.slice(0, axis + 1), s, ...before.slice(axis + 1)];
        const repeated = b.unreduce(y, apart, [axis + 1]);
        y = b.reshape(repeated, [...before.slice(0, axis), n * s, ...before.slice(axis + 1)]);
      }
    });
    return y;
  },
});
