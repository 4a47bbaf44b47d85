import { at } from '../../base/errors.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import { windowPlaces } from '../../ir/graph/views.ts';
import type { NodeId } from '../../ir/graph/types.ts';

/** Sliding windows, which convolutions and pooling share. */
export type Axes = 1 | 2 | 3;

export interface Sliding {
  readonly size: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
}

/** One number for all axes, or one for each. */
export function each(v: number | readonly number[], axes: number): number[] | undefined {
  const list = typeof v === 'number' ? Array.from({ length: axes }, () => v) : [...v];
  return list.length === axes ? list : undefined;
}

/** A parameter of {@link each}. */
export const sizes = (doc: string, value?: number) =>
  ({ type: 'sizes', min: value === 0 ? 0 : 1, ...(value === undefined ? {} : { default: value }), doc }) as const;

/** Views of the last axes through a sliding window: [..., places..., window...]. Undefined where it does not fit. */
export function windows(b: GraphBuilder, x: NodeId, axes: number, s: Sliding, outside: number): NodeId | undefined {
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
