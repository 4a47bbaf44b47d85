import { mustHave } from '../base/calls.ts';
import { axisOf, drawAxes, frameOf, xAt, yAt } from './axes.ts';
import type { Drawing } from './picture.ts';
import { tag } from './svg.ts';

export interface HistogramOptions {
  readonly values: ArrayLike<number>;
  /** What the values are. */
  readonly x: string;
  readonly width?: number;
  readonly height?: number;
}

const BINS = 31;

/** How many of some numbers lie where: bars over equal parts of their range. What is not finite is left out. */
export function drawHistogram(options: HistogramOptions): Drawing {
  mustHave('drawHistogram', options, ['values']);
  const { values, x, width = 480, height = 220 } = options;
  const finite = Array.from(values).filter(Number.isFinite);
  const low = finite.reduce((a, b) => Math.min(a, b), Infinity);
  const high = finite.reduce((a, b) => Math.max(a, b), -Infinity);
  const [from, to] = finite.length === 0 ? [0, 1] : low === high ? [low - 0.5, high + 0.5] : [low, high];
  const counts = new Array<number>(BINS).fill(0);
  for (const v of finite) {
    const i = Math.min(BINS - 1, Math.floor(((v - from) / (to - from)) * BINS));
    counts[i] = (counts[i] ?? 0) + 1;
  }
  const across = axisOf([from, to], { name: x, tight: true });
  const up = axisOf([0, Math.max(1, ...counts)], { name: 'how many' });
  const frame = frameOf(width, height, up);
  const bars = counts.map((n, i) => {
    const [left, right] = [0, 1].map((k) => xAt(frame, across, from + ((to - from) * (i + k)) / BINS)) as [number, number];
    const top = yAt(frame, up, n);
    return tag('rect', { class: 'point', x: left + 0.5, y: top, width: Math.max(0.5, right - left - 1), height: yAt(frame, up, 0) - top });
  });
  const fullest = counts.indexOf(Math.max(...counts));
  const about = `${finite.length} values from ${from} to ${to}, most of them near ${from + ((to - from) * (fullest + 0.5)) / BINS}.`;
  return { width, height, content: drawAxes(frame, across, up) + bars.join(''), about };
}
