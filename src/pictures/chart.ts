import { mustHave } from '../base/calls.ts';
import { axisOf, drawAxes, frameOf, xAt, yAt } from './axes.ts';
import type { Point } from './curve.ts';
import type { Drawing } from './picture.ts';
import { digits, tag, text, widthOf } from './svg.ts';

/** A named curve: values of training, or of held-out examples. */
export interface Series {
  readonly name: string;
  readonly role: 'train' | 'held';
  readonly points: readonly Point[];
}

export interface ChartOptions {
  readonly series: readonly Series[];
  readonly x: string;
  readonly y: string;
  /** By default, if the values span more than a factor of ten. */
  readonly logY?: boolean;
  readonly width?: number;
  readonly height?: number;
}

const LEGEND = 26;

/** Curves over steps, with a legend if there are several. */
export function drawChart(options: ChartOptions): Drawing {
  mustHave('drawChart', options, ['series']);
  const { series, x, y, logY, width = 640, height = 300 } = options;
  const shown = series.filter((s) => s.points.length > 0);
  const values = shown.flatMap((s) => s.points.map((p) => p.y)).filter(Number.isFinite);
  const [low, high] = [values.reduce((a, b) => Math.min(a, b), Infinity), values.reduce((a, b) => Math.max(a, b), -Infinity)];
  const log = logY ?? (low > 0 && high > 10 * low);
  const [across, up] = [
    axisOf(
      shown.flatMap((s) => s.points.map((p) => p.x)),
      { name: x, tight: true },
    ),
    axisOf(values, { name: y, log }),
  ];
  const frame = frameOf(width, height, up, shown.length > 1 ? LEGEND + 14 : undefined);
  const curves = shown.map(({ points, role }) => {
    const places = points
      .filter((p) => Number.isFinite(p.y) && (!log || p.y > 0))
      .map((p) => [xAt(frame, across, p.x), yAt(frame, up, p.y)] as const);
    // A curve of few points shows each of them.
    const marks =
      places.length <= 60 && role === 'held' ? places.map(([cx, cy]) => tag('circle', { class: `dot ${role}`, cx, cy, r: 3 })) : [];
    const line = tag('polyline', { class: `curve ${role}`, points: places.map((p) => p.map(digits).join(',')).join(' ') });
    return line + marks.join('');
  });
  const about = shown.map((s) => `${s.name} goes from ${showValue(s.points[0]?.y)} to ${showValue(s.points.at(-1)?.y)}`).join('; ');
  return {
    width,
    height,
    content: drawAxes(frame, across, up) + curves.join('') + (shown.length > 1 ? legend(shown, frame.left) : ''),
    about: `${about}.`,
  };
}

function legend(series: readonly Series[], left: number): string {
  let at = left;
  return series
    .map(({ name, role }) => {
      const from = at;
      at += 36 + widthOf(name, 12) + 20;
      return (
        tag('line', { class: `curve ${role}`, x1: from, y1: 18, x2: from + 26, y2: 18 }) + text(from + 34, 22, name, { class: 'small' })
      );
    })
    .join('');
}

const showValue = (v: number | undefined): string => (v === undefined ? 'nothing' : String(Number(v.toPrecision(4))));
