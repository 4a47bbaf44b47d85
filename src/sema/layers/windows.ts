import { at } from '../../base/errors.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import { windowPlaces } from '../../ir/graph/views.ts';
import type { NodeId } from '../../ir/graph/types.ts';

/** Sliding windows, which convolutions and pooling share. */
export type Axes = 1 | 2 | 3;

export interface Sliding {
  readonly size: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
}

/** Padding before and after each axis. */
export interface Around {
  readonly low: readonly number[];
  readonly high: readonly number[];
}

export const PLACES: Readonly<Record<Axes, string>> = { 1: 'length', 2: 'height, width', 3: 'depth, height, width' };

/** One number for all axes, or one for each. */
export function each(v: number | readonly number[], axes: number): number[] | undefined {
  const list = typeof v === 'number' ? Array.from({ length: axes }, () => v) : [...v];
  return list.length === axes ? list : undefined;
}

/** {@link each} for several arguments; undefined if one of the lists has the wrong length. */
export function eachOf(values: readonly (number | readonly number[])[], axes: number): number[][] | undefined {
  const lists = values.map((v) => each(v, axes));
  return lists.every((v) => v !== undefined) ? lists : undefined;
}

/** The parameter that {@link each} reads. */
export const sizes = (doc: string, value?: number) =>
  ({ type: 'sizes', min: value === 0 ? 0 : 1, ...(value === undefined ? {} : { default: value }), doc }) as const;

/** The message for a list of the wrong length. */
export const listLength = (text: string, axes: number): string => `${text} takes one number, or ${axes} in a list`;

/** Pads the last axes with a number. */
export function surround(b: GraphBuilder, x: NodeId, { low, high }: Around, value: number): NodeId {
  if (![...low, ...high].some((p) => p > 0)) return x;
  const before = b
    .shape(x)
    .slice(low.length)
    .map(() => 0);
  return b.add('pad', [x], { low: [...before, ...low], high: [...before, ...high], value });
}

/** Views of the last axes through a sliding window: [..., places..., window...]. Undefined if the window does not fit. */
export function windows(b: GraphBuilder, x: NodeId, { size, stride, dilation }: Sliding): NodeId | undefined {
  const first = b.shape(x).length - size.length;
  let y = x;
  for (const [k, n] of size.entries()) {
    const axis = first + k;
    const length = b.shape(y)[axis];
    const [step, apart] = [at(stride, k), at(dilation, k)];
    if (typeof length !== 'number' || windowPlaces(length, n, step, apart) < 1) return undefined;
    y = b.add('window', [y], { axis, size: n, stride: step, dilation: apart });
  }
  return y;
}

/** Sums overlapping windows into `lengths` elements from axis 2 on: the adjoint of {@link windows}. */
export function overlap(b: GraphBuilder, y: NodeId, { stride, dilation }: Omit<Sliding, 'size'>, lengths: readonly number[]): NodeId {
  let out = y;
  for (let k = lengths.length - 1; k >= 0; k--)
    out = b.add('unwindow', [out], { axis: 2 + k, length: at(lengths, k), stride: at(stride, k), dilation: at(dilation, k) });
  return out;
}
