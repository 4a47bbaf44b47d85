import { at } from '../../base/errors.ts';
import { showShape, type Shape } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import * as f from '../functions.ts';
import { layer, problem, type Layer, type LayerContext, type Problem } from './layer.ts';
import { alongAxis } from './matrices.ts';
import { each, listLength, sizes, type Axes } from './windows.ts';

/** Pooling into a given number of bins: floor(i n / m) to ceil((i + 1) n / m), as in PyTorch. */

const output_size = { ...sizes('output size; None keeps the size of an axis'), min: -1, none: -1 } as const;

/** The output sizes, or why they are impossible. */
function outputOf(cx: LayerContext, given: number | readonly number[], shape: Shape, axes: Axes): number[] | Problem {
  const out = each(given, axes);
  if (!out) return problem('NN202', listLength(cx.text, axes));
  if (out.includes(0)) return problem('NN206', `'output_size' must be at least 1, and this is ${out.join(', ')}`);
  return shape.length === axes + 2
    ? out.map((n, k) => (n === -1 ? (at(shape, 2 + k) as number) : n))
    : problem('NN203', `${cx.text} takes ${axes} axes behind the channels, and ${showShape(shape)} flows in`);
}

/**
 * The weights of the means of bins, [m, n]. Bin bounds are computed in integers, because float32 quotients may round to either side of
 * them.
 */
function binMeans(b: GraphBuilder, n: number, m: number): NodeId {
  const type = { dtype: 'i32', shape: [m, n] } as const;
  const [i, j] = [b.add('iota', [], { axis: 0 }, type), b.add('iota', [], { axis: 1 }, type)];
  const num = (v: number): NodeId => b.full(v, type);
  const reached = b.op('mul', i, num(n));
  const start = b.op('idiv', reached, num(m));
  const end = b.op('idiv', b.op('add', reached, num(n + m - 1)), num(m));
  const inside = b.op('and', b.op('le', start, j), b.op('lt', j, end));
  const size = b.cast(b.op('sub', end, start), 'f32');
  return b.op('select', inside, b.op('div', b.like(1, size), size), b.like(0, size));
}

const average = (axes: Axes): Layer =>
  layer({
    doc: 'average pooling to a given output size',
    torch: `torch.nn.AdaptiveAvgPool${axes}d`,
    shape: '[B, channels, places...] -> [B, channels, output_size...]',
    parameters: { output_size },
    build(cx, args, x) {
      const { b } = cx;
      const shape = b.shape(x);
      const out = outputOf(cx, args.output_size, shape, axes);
      if ('code' in out) return out;
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

export const AdaptiveAvgPool1d = average(1);
export const AdaptiveAvgPool2d = average(2);
export const AdaptiveAvgPool3d = average(3);

/** The place of padding. */
const NOWHERE = -1;

/** Cuts an axis of x into m bins of equal size: [..., m, size, ...]. Shorter bins are padded at the end. */
function bins(b: GraphBuilder, x: NodeId, axis: number, m: number, filling: number): NodeId {
  const shape = b.shape(x);
  const n = at(shape, axis) as number;
  const apart = (y: NodeId, parts: number, size: number): NodeId =>
    b.reshape(y, [...shape.slice(0, axis), parts, size, ...shape.slice(axis + 1)]);
  if (n % m === 0) return apart(x, m, n / m);
  const cuts = Array.from({ length: m }, (_, i) => [Math.floor((i * n) / m), Math.ceil(((i + 1) * n) / m)] as const);
  const size = Math.max(...cuts.map(([from, end]) => end - from));
  const parts = cuts.map(([from, end]) => {
    const own = f.part(b, x, axis, from, end - from);
    const behind = shape.map((_, i) => (i === axis ? size - (end - from) : 0));
    const full = at(behind, axis) > 0 ? b.add('pad', [own], { low: shape.map(() => 0), high: behind, value: filling }) : own;
    return apart(full, 1, size);
  });
  return parts.length === 1 ? at(parts, 0) : b.add('concat', parts, { axis });
}

const maximal = (axes: Axes): Layer =>
  layer({
    doc: 'max pooling to a given output size; ties share the gradient',
    torch: `torch.nn.AdaptiveMaxPool${axes}d`,
    shape: '[B, channels, places...] -> [B, channels, output_size...]',
    parameters: {
      output_size,
      return_indices: { type: 'bool', default: false, doc: 'also returns the index of each maximum in its flattened channel' },
    },
    build(cx, args, x) {
      const { b } = cx;
      const shape = b.shape(x);
      const out = outputOf(cx, args.output_size, shape, axes);
      if ('code' in out) return out;
      const inside = out.map((_, k) => 3 + 2 * k);
      // From the last axis on, so that the axes in front keep their numbers: [B, channels, m, size, m, size, ...].
      const cut = (y: NodeId, filling: number): NodeId => out.reduceRight((z, m, k) => bins(b, z, 2 + k, m, filling), y);
      const view = cut(x, f.LOWEST);
      const y = b.add('reduce_max', [view], { axes: inside });
      if (!args.return_indices) return y;
      const place = { dtype: 'i32', shape } as const;
      const flat = out.reduce(
        (z, _m, k) => b.op('add', b.op('mul', z, b.full(at(shape, 2 + k) as number, place)), b.add('iota', [], { axis: 2 + k }, place)),
        b.full(0, place),
      );
      const places = cut(flat, NOWHERE);
      const real = b.op('le', b.like(0, places), places);
      return [y, f.firstLargest(b, view, y, inside, places, real)];
    },
  });

export const AdaptiveMaxPool1d = maximal(1);
export const AdaptiveMaxPool2d = maximal(2);
export const AdaptiveMaxPool3d = maximal(3);
