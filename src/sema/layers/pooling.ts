import { at } from '../../base/errors.ts';
import { showShape } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { firstLargest } from '../functions.ts';
import { problem, type LayerContext, type Problem } from './layer.ts';
import { eachOf, listLength, PLACES, surround, windows, type Axes, type Sliding } from './windows.ts';

/** The windows of pooling layers: their positions, and how many elements each has. */

export interface Given {
  readonly kernel_size: number | readonly number[];
  readonly stride?: number | readonly number[];
  readonly padding?: number | readonly number[];
  readonly dilation?: number | readonly number[];
  readonly ceil_mode: boolean;
}

/** Windows over the places of [B, channels, places...]. */
export interface Pooled extends Sliding {
  readonly padding: readonly number[];
  /** Input and output sizes, by axis. */
  readonly from: readonly number[];
  readonly to: readonly number[];
  /** [B, channels, to..., size...] */
  readonly view: NodeId;
  /** The axes of the view that run through a window. */
  readonly inside: readonly number[];
}

/**
 * The number of windows. With ceil_mode the last one may reach over the end, if it starts before the padding at the end (PyTorch:
 * aten/src/ATen/native/Pool.h, pooling_output_shape).
 */
function placesOf(n: number, size: number, stride: number, padding: number, dilation: number, ceil: boolean): number {
  const steps = (n + 2 * padding - dilation * (size - 1) - 1) / stride;
  if (!ceil) return Math.floor(steps) + 1;
  const count = Math.ceil(steps) + 1;
  return (count - 1) * stride >= n + padding ? count - 1 : count;
}

/** Whether every window of an axis has an element that is not padding. */
function allMeet(n: number, count: number, size: number, stride: number, padding: number, dilation: number): boolean {
  for (let i = 0; i < count; i++) {
    const start = i * stride - padding;
    const first = start >= 0 ? start : start + dilation * Math.ceil(-start / dilation);
    if (first >= n || first > start + dilation * (size - 1)) return false;
  }
  return true;
}

export function pooled(cx: LayerContext, given: Given, x: NodeId, axes: Axes, outside: number): Pooled | Problem {
  const { b } = cx;
  const shape = b.shape(x);
  const all = [given.kernel_size, given.stride ?? given.kernel_size, given.padding ?? 0, given.dilation ?? 1];
  const [size, stride, padding, dilation] = eachOf(all, axes) ?? [];
  if (!size || !stride || !padding || !dilation) return problem('NN202', listLength(cx.text, axes));
  const misfit = problem('NN203', `a window of [${size.join(', ')}] does not fit into ${showShape(shape)}`);
  if (shape.length !== axes + 2)
    return problem('NN203', `${cx.text} takes [B, channels, ${PLACES[axes]}], and ${showShape(shape)} flows in`);
  const from = shape.slice(2) as number[];
  if (padding.some((p, i) => 2 * p > at(size, i)))
    return problem(
      'NN206',
      `a padding of [${padding.join(', ')}] is more than half of the window [${size.join(', ')}]`,
      'a window would see nothing but padding: take a smaller padding or a larger window',
    );
  const to = from.map((n, i) => placesOf(n, at(size, i), at(stride, i), at(padding, i), at(dilation, i), given.ceil_mode));
  if (to.some((m) => m < 1)) return misfit;
  if (!from.every((n, i) => allMeet(n, at(to, i), at(size, i), at(stride, i), at(padding, i), at(dilation, i))))
    return problem(
      'NN203',
      `a window of [${size.join(', ')}] with dilation [${dilation.join(', ')}] would see nothing but padding of ${showShape(shape)}`,
      'take a smaller dilation or no padding',
    );
  // The end is padded as far as the last window reaches.
  const high = from.map((n, i) =>
    Math.max(at(padding, i), (at(to, i) - 1) * at(stride, i) + at(dilation, i) * (at(size, i) - 1) + 1 - n - at(padding, i)),
  );
  const view = windows(b, surround(b, x, { low: padding, high }, outside), { size, stride, dilation });
  if (view === undefined) return misfit;
  return { size, stride, dilation, padding, from, to, view, inside: size.map((_, i) => 2 + axes + i) };
}

/** The index of each window's first largest value, counted over the whole channel: i32 [B, channels, to...]. */
export function placesOfMax(b: GraphBuilder, p: Pooled, largest: NodeId): NodeId {
  const shape = b.shape(p.view);
  const axes = p.size.length;
  const type = { dtype: 'i32', shape } as const;
  const num = (v: number): NodeId => b.full(v, type);
  let flat = num(0);
  let real = b.full(1, { dtype: 'bool', shape });
  p.from.forEach((n, i) => {
    const start = b.op('mul', b.add('iota', [], { axis: 2 + i }, type), num(at(p.stride, i)));
    const step = b.op('mul', b.add('iota', [], { axis: 2 + axes + i }, type), num(at(p.dilation, i)));
    const place = b.op('sub', b.op('add', start, step), num(at(p.padding, i)));
    flat = b.op('add', b.op('mul', flat, num(n)), place);
    real = b.op('and', real, b.op('and', b.op('le', num(0), place), b.op('lt', place, num(n))));
  });
  return firstLargest(b, p.view, largest, p.inside, flat, real);
}

/**
 * The sizes of the windows of an axis, f32 [to], or undefined if they are all full. Padding counts if `padded`, anything after it never.
 */
function placesIn(b: GraphBuilder, p: Pooled, i: number, padded: boolean): NodeId | undefined {
  const [n, size, stride, padding, to] = [at(p.from, i), at(p.size, i), at(p.stride, i), at(p.padding, i), at(p.to, i)];
  const [from, end] = padded ? [-padding, n + padding] : [0, n];
  if (-padding >= from && (to - 1) * stride - padding + size <= end) return undefined;
  const place = b.add('iota', [], { axis: 0 }, { dtype: 'f32', shape: [to] });
  const num = (v: number): NodeId => b.like(v, place);
  const start = b.op('sub', b.op('mul', place, num(stride)), num(padding));
  return b.op('sub', b.op('min', b.op('add', start, num(size)), num(end)), b.op('max', start, num(from)));
}

/** The means of windows; padding counts if `padded`. */
export function means(b: GraphBuilder, p: Pooled, padded: boolean): NodeId {
  const total = b.sum(p.view, p.inside);
  const counts = p.size.map((_, i) => placesIn(b, p, i, padded));
  const fixed = p.size.reduce((product, n, i) => (counts[i] === undefined ? product * n : product), 1);
  const shape = b.shape(total);
  const count = counts.reduce<NodeId>(
    (product, c, i) => (c === undefined ? product : b.op('mul', product, b.broadcast(c, shape, [2 + i]))),
    b.like(fixed, total),
  );
  return b.op('div', total, count);
}
