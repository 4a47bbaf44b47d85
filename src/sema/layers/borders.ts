import { at } from '../../base/errors.ts';
import { showShape, type Dim } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { part } from '../functions.ts';
import { problem, type Problem } from './layer.ts';
import { surround, type Around } from './windows.ts';

/** Padding of a tensor: with a constant, or with its own values. */

export const MODES = ['constant', 'reflect', 'replicate', 'circular'] as const;
export type Mode = (typeof MODES)[number];
type Border = (b: GraphBuilder, x: NodeId, axis: number, count: number, n: number) => NodeId;

const turned = (b: GraphBuilder, x: NodeId, axis: number): NodeId => b.add('flip', [x], { axes: [axis] });
const repeated: (from: (n: number) => number) => Border = (from) => (b, x, axis, count, n) => {
  const edge = part(b, x, axis, from(n), 1);
  const shape = b.shape(edge);
  const flat = shape.filter((_, i) => i !== axis);
  const wide: Dim[] = shape.map((d, i) => (i === axis ? count : d));
  return b.unreduce(b.reshape(edge, flat), wide, [axis]);
};

/** What is put before and after an axis of n elements. */
const BORDERS: Readonly<Record<Exclude<Mode, 'constant'>, readonly [Border, Border]>> = {
  reflect: [
    (b, x, axis, count) => turned(b, part(b, x, axis, 1, count), axis),
    (b, x, axis, count, n) => turned(b, part(b, x, axis, n - 1 - count, count), axis),
  ],
  replicate: [repeated(() => 0), repeated((n) => n - 1)],
  circular: [(b, x, axis, count, n) => part(b, x, axis, n - count, count), (b, x, axis, count) => part(b, x, axis, 0, count)],
};

/** The widest border that an axis of n elements can fill. */
const REACH: Readonly<Record<Mode, (n: number) => number>> = {
  constant: () => Infinity,
  reflect: (n) => n - 1,
  replicate: () => Infinity,
  circular: (n) => n,
};

/** Pads the last axes. Negative counts crop, which only the constant mode allows. */
export function border(b: GraphBuilder, x: NodeId, around: Around, mode: Mode, value = 0): NodeId | Problem {
  const shape = b.shape(x);
  const { low, high } = around;
  const first = shape.length - low.length;
  for (const [k, before] of low.entries()) {
    const [axis, behind] = [first + k, at(high, k)];
    const n = shape[axis];
    if (before === 0 && behind === 0) continue;
    if (typeof n !== 'number') return problem('NN206', `the batch of ${showShape(shape)} has no places around it`, 'pad the other axes');
    // Cropping must leave something, even if padding follows.
    if (n + Math.min(before, 0) + Math.min(behind, 0) < 1)
      return problem('NN203', `nothing is left of axis ${axis} of ${showShape(shape)}`, 'take fewer places away');
    const reach = REACH[mode](n);
    if (Math.max(before, behind) > reach)
      return problem(
        'NN203',
        `a ${mode} border of ${Math.max(before, behind)} is made of what stands on axis ${axis}, and ${showShape(shape)} has ${n} there`,
        `at most ${reach} place${reach === 1 ? '' : 's'} can be added at each end`,
      );
    if (mode !== 'constant' && Math.min(before, behind) < 0)
      return problem('NN206', `a ${mode} border cannot be negative`, 'only a constant border takes places away');
  }
  if (mode === 'constant') return surround(b, cropped(b, x, around), { low: low.map(positive), high: high.map(positive) }, value);
  const [front, back] = BORDERS[mode];
  return low.reduce((y, before, k) => {
    const [axis, behind] = [first + k, at(high, k)];
    const n = b.shape(y)[axis] as number;
    const parts = [...(before > 0 ? [front(b, y, axis, before, n)] : []), y, ...(behind > 0 ? [back(b, y, axis, behind, n)] : [])];
    return parts.length === 1 ? y : b.add('concat', parts, { axis });
  }, x);
}

const positive = (count: number): number => Math.max(count, 0);

/** Crops where the border is negative. */
function cropped(b: GraphBuilder, x: NodeId, { low, high }: Around): NodeId {
  const first = b.shape(x).length - low.length;
  return low.reduce((y, before, k) => {
    const [axis, behind] = [first + k, at(high, k)];
    if (before >= 0 && behind >= 0) return y;
    const [from, n] = [positive(-before), b.shape(y)[axis] as number];
    return part(b, y, axis, from, n - from - positive(-behind));
  }, x);
}
