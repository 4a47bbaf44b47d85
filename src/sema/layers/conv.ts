import { at } from '../../base/errors.ts';
import { BATCH, showShape, type Dim, type Shape } from '../../base/types.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { border, type Mode } from './borders.ts';
import { aroundOf, correlate, LABELS, padding } from './correlate.ts';
import { layer, problem, type Layer, type LayerContext, type Problem } from './layer.ts';
import { eachOf, listLength, overlap, PLACES, sizes, type Axes } from './windows.ts';

/** Convolutions as contractions of sliding windows with a kernel; initial weights as in torch.nn.ConvNd. */

const COMMON = {
  in_channels: { type: 'int', min: 1, doc: 'number of input channels (axis 1)' },
  out_channels: { type: 'int', min: 1, doc: 'number of output channels' },
  kernel_size: sizes('size of the kernel'),
  stride: sizes('stride of the kernel', 1),
} as const;
const dilation = sizes('spacing between the elements of the kernel', 1);
const groups = { type: 'int', default: 1, min: 1, doc: 'number of groups of channels that are convolved separately' } as const;
const bias = { type: 'bool', default: true, doc: 'adds a trainable bias to each output channel' } as const;

interface Channels {
  readonly in_channels: number;
  readonly out_channels: number;
  readonly groups: number;
}

/** Channels that come last are moved; else the call is written with those that flow in, if that is easily done. */
function channelHelp(text: string, shape: Shape, { cin, groups }: { readonly cin: number; readonly groups: number }): string | undefined {
  const axes = shape.map((_, i) => i);
  if (shape.at(-1) === cin) return `channels come first: permute([0, ${axes.at(-1) ?? 1}, ${axes.slice(1, -1).join(', ')}]) -> ${text}`;
  const [, channels] = shape;
  if (typeof channels !== 'number' || channels % groups !== 0) return undefined;
  const written = text.replace(/\((in_channels\s*=\s*)?\d+(?=[,)])/, (_, key: string | undefined) => `(${key ?? ''}${channels}`);
  return written === text ? undefined : `write ${written}`;
}

/** What is wrong with the input's channels. */
function channelProblem(
  cx: LayerContext,
  x: NodeId,
  axes: Axes,
  { in_channels: cin, out_channels: cout, groups }: Channels,
): Problem | undefined {
  const shape = cx.b.shape(x);
  if (shape.length !== axes + 2 || shape[1] !== cin)
    return problem(
      'NN203',
      `${cx.text} takes [B, ${cin}, ${PLACES[axes]}], and ${showShape(shape)} flows in`,
      shape.length === axes + 2 ? channelHelp(cx.text, shape, { cin, groups }) : undefined,
    );
  if (cin % groups !== 0 || cout % groups !== 0) return problem('NN206', `${groups} groups do not divide ${cin} and ${cout} channels`);
  return undefined;
}

/** y plus a bias for each channel. */
function withBias(cx: LayerContext, y: NodeId, channels: number, bound: number): NodeId {
  const { b } = cx;
  return b.op('add', y, b.broadcast(cx.param('bias', [channels], { kind: 'uniform', low: -bound, high: bound }), b.shape(y), [1]));
}

const convolution = (axes: Axes): Layer =>
  layer({
    doc: `convolution with a trainable kernel over the last ${axes === 1 ? 'axis' : `${axes} axes`}`,
    torch: `torch.nn.Conv${axes}d`,
    shape: `[B, in, ${PLACES[axes]}] -> [B, out, ...]`,
    parameters: {
      ...COMMON,
      padding,
      dilation,
      groups,
      bias,
      padding_mode: {
        type: 'string',
        default: 'zeros',
        choices: ['zeros', 'reflect', 'replicate', 'circular'],
        doc: 'what the padding holds: zeros, the reflected input, repeated edge values, or the input wrapped around',
      },
    },
    build(cx, args, x) {
      const { b } = cx;
      const shape = b.shape(x);
      const { in_channels: cin, out_channels: cout, groups } = args;
      const [size, stride, dilation] = eachOf([args.kernel_size, args.stride, args.dilation], axes) ?? [];
      if (!size || !stride || !dilation) return problem('NN202', listLength(cx.text, axes));
      const around = aroundOf(cx.text, args.padding, { size, stride, dilation });
      if ('code' in around) return around;
      const wrong = channelProblem(cx, x, axes, args);
      if (wrong) return wrong;
      const bordered = border(b, x, around, args.padding_mode === 'zeros' ? 'constant' : (args.padding_mode as Mode));
      if (typeof bordered !== 'number') return bordered;
      const bound = 1 / Math.sqrt((cin / groups) * size.reduce((p, q) => p * q, 1));
      const weight = (): NodeId => cx.param('weight', [cout, cin / groups, ...size], { kind: 'uniform', low: -bound, high: bound });
      const y = correlate(b, bordered, weight, { size, stride, dilation }, groups);
      if (y === undefined) return problem('NN203', `a window of [${size.join(', ')}] does not fit into ${showShape(shape)}`);
      return args.bias ? withBias(cx, y, cout, bound) : y;
    },
    assume: ({ out_channels }, shape) => [shape[0] ?? BATCH, out_channels, ...shape.slice(2)] as Dim[],
  });

export const Conv1d = convolution(1);
export const Conv2d = convolution(2);
export const Conv3d = convolution(3);

const transposed = (axes: Axes): Layer =>
  layer({
    doc: 'transposed convolution: each input position adds its value times a trainable kernel to the output',
    torch: `torch.nn.ConvTranspose${axes}d`,
    shape: `[B, in, ${PLACES[axes]}] -> [B, out, ...]`,
    parameters: {
      ...COMMON,
      padding: sizes('positions cropped from both ends of the output', 0),
      output_padding: sizes('positions added at the end of the output', 0),
      groups,
      bias,
      dilation,
    },
    build(cx, args, x) {
      const { b } = cx;
      const shape = b.shape(x);
      const { in_channels: cin, out_channels: cout, groups } = args;
      const [size, stride, padding, extra, dilation] =
        eachOf([args.kernel_size, args.stride, args.padding, args.output_padding, args.dilation], axes) ?? [];
      if (!size || !stride || !padding || !extra || !dilation) return problem('NN202', listLength(cx.text, axes));
      const wrong = channelProblem(cx, x, axes, args);
      if (wrong) return wrong;
      const places = shape.slice(2);
      if (places.some((d) => typeof d !== 'number')) return problem('NN203', `${cx.text} needs to know the size of ${showShape(shape)}`);
      if (extra.some((e, i) => e >= Math.max(at(stride, i), at(dilation, i))))
        return problem('NN206', 'output_padding must be smaller than the stride or the dilation');
      const bound = 1 / Math.sqrt((cout / groups) * size.reduce((p, q) => p * q, 1));
      const w = cx.param('weight', [cin, cout / groups, ...size], { kind: 'uniform', low: -bound, high: bound });
      const [p, k] = at(LABELS, axes);
      const grouped = b.reshape(x, [at(shape, 0), groups, cin / groups, ...places]);
      const kernel = b.reshape(w, [groups, cin / groups, cout / groups, ...size]);
      const spread = b.contract(`ngc${p},gco${k}->ngo${p}${k}`, grouped, kernel);
      const flat = b.reshape(spread, [at(shape, 0), cout, ...places, ...size]);
      // The output as far as the windows reach; padding is cropped and output_padding added afterwards.
      const lengths = places.map((d, i) => ((d as number) - 1) * at(stride, i) + at(dilation, i) * (at(size, i) - 1) + 1);
      const whole = overlap(b, flat, { stride, dilation }, lengths);
      const longer = extra.some((e) => e > 0)
        ? b.add('pad', [whole], { low: [0, 0, ...extra.map(() => 0)], high: [0, 0, ...extra], value: 0 })
        : whole;
      const kept = lengths.map((l, i) => l + at(extra, i) - 2 * at(padding, i));
      if (kept.some((l) => l < 1)) return problem('NN203', `nothing is left of ${showShape(shape)} after the padding`);
      const y = b.add('slice', [longer], { start: [0, 0, ...padding], size: [at(shape, 0), cout, ...kept] });
      return args.bias ? withBias(cx, y, cout, bound) : y;
    },
    assume: ({ out_channels }, shape) => [shape[0] ?? BATCH, out_channels, ...shape.slice(2)] as Dim[],
  });

export const ConvTranspose1d = transposed(1);
export const ConvTranspose2d = transposed(2);
export const ConvTranspose3d = transposed(3);
