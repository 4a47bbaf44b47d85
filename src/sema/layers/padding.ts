import { showShape } from '../../base/types.ts';
import { border, MODES, type Mode } from './borders.ts';
import { layer, problem, type BuiltValue, type Layer, type LayerContext } from './layer.ts';
import { PLACES, type Around, type Axes } from './windows.ts';
import type { NodeId } from '../../ir/graph/types.ts';

/** Padding with constants, reflection, replication or wrap-around. */

/** PyTorch lists pairs of counts from the last axis on; this puts them in the order of the axes. */
function pairs(counts: readonly number[]): Around {
  const low = counts.filter((_, i) => i % 2 === 0).reverse();
  return { low, high: counts.filter((_, i) => i % 2 === 1).reverse() };
}

export const pad = layer({
  doc: 'pads the last axes; negative padding crops',
  torch: 'torch.nn.functional.pad',
  shape: '[..., n] -> [..., low+n+high]',
  parameters: {
    padding: { type: 'sizes', doc: 'pairs (before, after): for the last axis, then the one in front of it, and so on' },
    mode: {
      type: 'string',
      default: 'constant',
      choices: MODES,
      doc: 'what the padding holds: a constant, the reflected input, repeated edge values, or the input wrapped around',
    },
    value: { type: 'number', default: 0, doc: 'fill value for mode=constant' },
  },
  build({ b }, args, x) {
    const shape = b.shape(x);
    const counts = typeof args.padding === 'number' ? [args.padding, args.padding] : args.padding;
    if (counts.length % 2 !== 0 || counts.length / 2 > shape.length)
      return problem(
        'NN206',
        `[${counts.join(', ')}] is no padding of ${showShape(shape)}`,
        'give pairs, from the last axis on; never the batch',
      );
    return border(b, x, pairs(counts), args.mode as Mode, args.value);
  },
});

function padded(cx: LayerContext, x: NodeId, axes: Axes, padding: number | readonly number[], mode: Mode, value?: number): BuiltValue {
  const shape = cx.b.shape(x);
  const counts = typeof padding === 'number' ? Array.from({ length: 2 * axes }, () => padding) : padding;
  if (counts.length !== 2 * axes)
    return problem('NN202', `${cx.text} takes one number, or ${2 * axes} in a list: before and after each axis`);
  if (shape.length !== axes + 2)
    return problem('NN203', `${cx.text} takes [B, channels, ${PLACES[axes]}], and ${showShape(shape)} flows in`);
  return border(cx.b, x, pairs(counts), mode, value);
}

const shapeOf = (axes: Axes): string => `[B, channels, ${PLACES[axes]}] -> [B, channels, more...]`;
const counts = (axes: Axes, min?: number) =>
  ({
    type: 'sizes',
    ...(min === undefined ? {} : { min }),
    doc: `padding at every end, or ${axes === 1 ? 'a pair' : `${axes} pairs`} (before, after), from the last axis on`,
  }) as const;

const mirrored = (axes: Axes, name: string, mode: Mode, doc: string): Layer =>
  layer({
    doc,
    torch: `torch.nn.${name}Pad${axes}d`,
    shape: shapeOf(axes),
    parameters: { padding: counts(axes, 0) },
    build: (cx, { padding }, x) => padded(cx, x, axes, padding, mode),
  });
const reflection = (axes: Axes): Layer =>
  mirrored(axes, 'Reflection', 'reflect', 'pads with the reflected input, without repeating the edge');
const replication = (axes: Axes): Layer => mirrored(axes, 'Replication', 'replicate', 'pads by repeating the edge values');
const circular = (axes: Axes): Layer => mirrored(axes, 'Circular', 'circular', 'pads by wrapping around to the other end');
const zero = (axes: Axes): Layer =>
  layer({
    doc: 'pads with zeros; negative padding crops',
    torch: `torch.nn.ZeroPad${axes}d`,
    shape: shapeOf(axes),
    parameters: { padding: counts(axes) },
    build: (cx, { padding }, x) => padded(cx, x, axes, padding, 'constant'),
  });
const filled = (axes: Axes): Layer =>
  layer({
    doc: 'pads with a constant; negative padding crops',
    torch: `torch.nn.ConstantPad${axes}d`,
    shape: shapeOf(axes),
    parameters: { padding: counts(axes), value: { type: 'number', doc: 'the fill value' } },
    build: (cx, { padding, value }, x) => padded(cx, x, axes, padding, 'constant', value),
  });

export const ReflectionPad1d = reflection(1);
export const ReflectionPad2d = reflection(2);
export const ReflectionPad3d = reflection(3);
export const ReplicationPad1d = replication(1);
export const ReplicationPad2d = replication(2);
export const ReplicationPad3d = replication(3);
export const CircularPad1d = circular(1);
export const CircularPad2d = circular(2);
export const CircularPad3d = circular(3);
export const ZeroPad1d = zero(1);
export const ZeroPad2d = zero(2);
export const ZeroPad3d = zero(3);
export const ConstantPad1d = filled(1);
export const ConstantPad2d = filled(2);
export const ConstantPad3d = filled(3);
