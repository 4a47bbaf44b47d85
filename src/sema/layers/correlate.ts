import { at } from '../../base/errors.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { problem, type Problem } from './layer.ts';
import { each, listLength, windows, type Around, type Sliding } from './windows.ts';

/** What convolution layers and functions share: contractions of sliding windows with a kernel. */

// Labels: n batch, g group, c channel, o output channel; d h w places, z y x inside the window.
export const LABELS: readonly (readonly [string, string])[] = [
  ['', ''],
  ['h', 'y'],
  ['hw', 'yx'],
  ['dhw', 'zyx'],
];

/**
 * Convolves x [B, in, places...], with its border, with a weight [out, in/groups, window...], which is built only if the window fits;
 * undefined if not.
 */
export function correlate(b: GraphBuilder, x: NodeId, weight: () => NodeId, sliding: Sliding, groups: number): NodeId | undefined {
  const view = windows(b, x, sliding);
  if (view === undefined) return undefined;
  const { size } = sliding;
  const w = weight();
  const [batch, cin] = [at(b.shape(x), 0), at(b.shape(x), 1) as number];
  const cout = at(b.shape(w), 0) as number;
  const places = b.shape(view).slice(2, 2 + size.length);
  const [p, k] = at(LABELS, size.length);
  const grouped = b.reshape(view, [batch, groups, cin / groups, ...places, ...size]);
  const kernel = b.reshape(w, [groups, cout / groups, cin / groups, ...size]);
  return b.reshape(b.contract(`ngc${p}${k},goc${k}->ngo${p}`, grouped, kernel), [batch, cout, ...places]);
}

/** The argument of {@link aroundOf}. */
export const padding = {
  type: 'padding',
  default: 0,
  min: 0,
  choices: ['same', 'valid'],
  doc: 'padding at both ends; same keeps the size, valid is no padding',
} as const;

/** Padding before and after each axis. `same` keeps the size; if the padding is odd, the extra element goes at the end, as in PyTorch. */
export function aroundOf(
  text: string,
  padding: number | readonly number[] | string,
  { size, stride, dilation }: Sliding,
): Around | Problem {
  const axes = size.length;
  if (padding === 'valid') return { low: size.map(() => 0), high: size.map(() => 0) };
  if (padding === 'same') {
    if (stride.some((s) => s !== 1))
      return problem(
        'NN206',
        'padding=same keeps the size, and a stride above 1 does not',
        'leave the stride out, or say the padding as a number',
      );
    const whole = size.map((k, i) => at(dilation, i) * (k - 1));
    return { low: whole.map((w) => Math.floor(w / 2)), high: whole.map((w) => Math.ceil(w / 2)) };
  }
  const counts = typeof padding === 'string' ? undefined : each(padding, axes);
  return counts ? { low: counts, high: counts } : problem('NN202', listLength(text, axes));
}
