import { mustHave } from '../base/calls.ts';
import { axisOf, drawAxes, frameOf, xAt, yAt } from './axes.ts';
import type { Drawing } from './picture.ts';
import { digits, tag } from './svg.ts';

export interface FanOptions {
  /** Curves of the same kind, such as the losses of the same program from many seeds: one value a step. */
  readonly curves: readonly ArrayLike<number>[];
  readonly x: string;
  readonly y: string;
  readonly width?: number;
  readonly height?: number;
}

/** The most points of a curve. */
const POINTS = 200;

/** Many curves as a fan, with the middle one of each step on top. */
export function drawFan(options: FanOptions): Drawing {
  mustHave('drawFan', options, ['curves']);
  const { curves, x, y, width = 640, height = 280 } = options;
  const length = curves.reduce((n, c) => Math.max(n, c.length), 0);
  const steps = Array.from({ length: Math.min(POINTS, length) }, (_, i, n = Math.min(POINTS, length)) =>
    n < 2 ? 0 : Math.round((i * (length - 1)) / (n - 1)),
  );
  const values = curves.flatMap((c) => steps.map((s) => c[s] ?? NaN)).filter(Number.isFinite);
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const log = low > 0 && high > 10 * low;
  const [across, up] = [axisOf(steps, { name: x, tight: true }), axisOf(values, { name: y, log })];
  const frame = frameOf(width, height, up);
  const line = (of: (step: number) => number | undefined, more: string): string => {
    const points = steps.flatMap((s) => {
      const v = of(s) ?? NaN;
      return Number.isFinite(v) && (!log || v > 0) ? [`${digits(xAt(frame, across, s))},${digits(yAt(frame, up, v))}`] : [];
    });
    return tag('polyline', { class: `curve ${more}`, points: points.join(' ') });
  };
  const middle = (s: number): number | undefined => {
    const all = curves
      .map((c) => c[s] ?? NaN)
      .filter(Number.isFinite)
      .sort((a, b) => a - b);
    return all[all.length >> 1];
  };
  const ends = curves.map((c) => c[c.length - 1] ?? NaN).filter(Number.isFinite);
  const about = `${curves.length} curves; in the end they lie between ${Number(Math.min(...ends).toPrecision(4))} and ${Number(Math.max(...ends).toPrecision(4))}.`;
  const content = drawAxes(frame, across, up) + curves.map((c) => line((s) => c[s], 'train thin')).join('') + line(middle, 'held');
  return { width, height, content, about };
}
