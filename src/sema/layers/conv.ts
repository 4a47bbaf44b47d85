import { at } from '../../base/errors.ts';
import { BATCH, showShape, type Dim } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import { windowPlaces } from '../../ir/graph/ops.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { layer, problem, type Layer } from './layer.ts';

/** One number for all axes, or one for each. */
function each(v: number | readonly number[], axes: number): number[] | undefined {
  const list = typeof v === 'number' ? Array.from({ length: axes }, () => v) : [...v];
  return list.length === axes ? list : undefined;
}

interface Sliding {
  readonly size: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
}

/** Views of the last axes through a sliding window: [..., places..., window...]. Undefined where it does not fit. */
function windows(b: GraphBuilder, x: NodeId, axes: number, s: Sliding, outside: number): NodeId | undefined {
  const rank = b.shape(x).length;
  const first = rank - axes;
  const pads = b.shape(x).map((_, i) => (i < first ? 0 : at(s.padding, i - first)));
  let y = pads.some((p) => p > 0) ? b.add('pad', [x], { low: pads, high: pads, value: outside }) : x;
  for (let k = 0; k < axes; k++) {
    const axis = first + k;
    const length = b.shape(y)[axis];
    const [size, stride, dilation] = [at(s.size, k), at(s.stride, k), at(s.dilation, k)];
    if (typeof length !== 'number' || windowPlaces(length, size, stride, dilation) < 1) return undefined;
    y = b.add('window', [y], { axis, size, stride, dilation });
  }
  return y;
}

const sizes = (doc: string, value?: number) =>
  ({ type: 'sizes', min: value === 0 ? 0 : 1, ...(value === undefined ? {} : { default: value }), doc }) as const;

/** Convolution as a contract of sliding windows with the kernel; weights start as torch.nn.ConvNd's do. */
const convolution = (axes: 1 | 2): Layer =>
  layer({
    doc: `slides ${axes === 1 ? 'a' : 'an image of'} trained window over the last ${axes === 1 ? 'axis' : 'two axes'}`,
    torch: `torch.nn.Conv${axes}d`,
    parameters: {
      in_channels: { type: 'int', min: 1, doc: 'channels that flow in (axis 1)' },
      out_channels: { type: 'int', min: 1, doc: 'channels that flow out' },
      kernel_size: sizes('the window'),
      stride: sizes('steps between windows', 1),
      padding: sizes('zeros around', 0),
      dilation: sizes('steps inside of the window', 1),
      groups: { type: 'int', default: 1, min: 1, doc: 'groups of channels that do not see one another' },
      bias: { type: 'bool', default: true, doc: 'adds a trainable number to each channel' },
    },
    build(cx, args, x) {
      const { b } = cx;
      const shape = b.shape(x);
      const { in_channels: cin, out_channels: cout, groups } = args;
      const [size, stride, padding, dilation] = [args.kernel_size, args.stride, args.padding, args.dilation].map((v) => each(v, axes));
      if (!size || !stride || !padding || !dilation) return problem('NN202', `${cx.text} takes one number, or ${axes} in a list`);
      if (shape.length !== axes + 2 || shape[1] !== cin)
        return problem(
          'NN203',
          `${cx.text} takes [B, ${cin}, ${axes === 1 ? 'length' : 'height, width'}], and ${showShape(shape)} flows in`,
        );
      if (cin % groups !== 0 || cout % groups !== 0) return problem('NN206', `${groups} groups do not divide ${cin} and ${cout} channels`);
      const view = windows(b, x, axes, { size, stride, padding, dilation }, 0);
      if (view === undefined) return problem('NN203', `a window of [${size.join(', ')}] does not fit into ${showShape(shape)}`);
      const bound = 1 / Math.sqrt((cin / groups) * size.reduce((p, q) => p * q, 1));
      const init = { kind: 'uniform', low: -bound, high: bound } as const;
      const w = cx.param('weight', [cout, cin / groups, ...size], init);
      const places = b.shape(view).slice(2, 2 + axes);
      // Labels: n batch, g group, c channel, o output channel; h w places, y x inside of the window.
      const [p, k] = axes === 1 ? ['h', 'y'] : ['hw', 'yx'];
      const grouped = b.reshape(view, [at(shape, 0), groups, cin / groups, ...places, ...size]);
      const kernel = b.reshape(w, [groups, cout / groups, cin / groups, ...size]);
      const y = b.reshape(b.contract(`ngc${p}${k},goc${k}->ngo${p}`, grouped, kernel), [at(shape, 0), cout, ...places]);
      return args.bias ? b.op('add', y, b.broadcast(cx.param('bias', [cout], init), b.shape(y), [1])) : y;
    },
    assume: ({ out_channels }, shape) => [shape[0] ?? BATCH, out_channels, ...shape.slice(2)] as Dim[],
  });

export const Conv1d = convolution(1);
export const Conv2d = convolution(2);

const LOWEST = -3.4028234663852886e38;

const pooling = (axes: 1 | 2, kind: 'Max' | 'Avg'): Layer =>
  layer({
    doc: `the ${kind === 'Max' ? 'largest' : 'mean'} of each window`,
    torch: `torch.nn.${kind}Pool${axes}d`,
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
          ? windows(b, x, axes, { size, stride, padding, dilation: size.map(() => 1) }, kind === 'Max' ? LOWEST : 0)
          : undefined;
      if (view === undefined) return problem('NN203', `a window of [${size.join(', ')}] does not fit into ${showShape(shape)}`);
      const inside = size.map((_, i) => 2 + axes + i);
      if (kind === 'Max') return b.add('reduce_max', [view], { axes: inside });
      const total = b.sum(view, inside);
      return b.op(
        'div',
        total,
        b.like(
          size.reduce((p, q) => p * q, 1),
          total,
        ),
      );
    },
  });

export const MaxPool1d = pooling(1, 'Max');
export const MaxPool2d = pooling(2, 'Max');
export const AvgPool1d = pooling(1, 'Avg');
export const AvgPool2d = pooling(2, 'Avg');
