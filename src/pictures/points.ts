import { mustHave } from '../base/calls.ts';
import { axisOf, drawAxes, frameOf, xAt, yAt } from './axes.ts';
import type { Point } from './curve.ts';
import type { Drawing } from './picture.ts';
import { digits, tag } from './svg.ts';

interface Sized {
  readonly width?: number;
  readonly height?: number;
}

const isFinite = (p: Point): boolean => Number.isFinite(p.x) && Number.isFinite(p.y);

/** Predictions against what is real: on the line where they are right. */
export function drawAgreement(options: Sized & { readonly points: readonly Point[]; readonly name: string }): Drawing {
  mustHave('drawAgreement', options, ['points']);
  const { points: given, name, width = 420, height = 400 } = options;
  const points = given.filter(isFinite);
  const all = points.flatMap((p) => [p.x, p.y]);
  const [x, y] = [axisOf(all, { name: `real ${name}` }), axisOf(all, { name: `predicted ${name}` })];
  const frame = frameOf(width, height, y);
  const ends = { x1: xAt(frame, x, x.low), y1: yAt(frame, y, x.low), x2: xAt(frame, x, x.high), y2: yAt(frame, y, x.high) };
  const dots = points.map((p) => tag('circle', { class: 'point', cx: xAt(frame, x, p.x), cy: yAt(frame, y, p.y), r: 3 }));
  return {
    width,
    height,
    content: drawAxes(frame, x, y) + tag('line', { class: 'ideal', ...ends }) + dots.join(''),
    about: `${points.length} examples: their real ${name} and what is predicted. On the line both are the same.`,
  };
}

/** Examples of one input, and the curve that the model gives. */
export function drawFit(
  options: Sized & {
    readonly points: readonly Point[];
    readonly curve: readonly Point[];
    readonly x: string;
    readonly y: string;
    readonly marked?: Point;
  },
): Drawing {
  mustHave('drawFit', options, ['points', 'curve']);
  const { points: given, curve: said, x: xName, y: yName, marked, width = 560, height = 340 } = options;
  // A net that has diverged says infinity, which has no place.
  const [points, curve] = [given.filter(isFinite), said.filter(isFinite)];
  const x = axisOf(
    [...points, ...curve].map((p) => p.x),
    { name: xName },
  );
  const y = axisOf(
    [...points, ...curve].map((p) => p.y),
    { name: yName },
  );
  const frame = frameOf(width, height, y);
  const dots = points.map((p) => tag('circle', { class: 'point', cx: xAt(frame, x, p.x), cy: yAt(frame, y, p.y), r: 3.5 }));
  const line = curve.map((p) => `${digits(xAt(frame, x, p.x))},${digits(yAt(frame, y, p.y))}`).join(' ');
  return {
    width,
    height,
    content:
      drawAxes(frame, x, y) +
      dots.join('') +
      tag('polyline', { class: 'curve held', points: line }) +
      (marked ? tag('circle', { class: 'dot train', cx: xAt(frame, x, marked.x), cy: yAt(frame, y, marked.y), r: 7 }) : ''),
    about: `${points.length} examples as points, and the model's ${yName} for every ${xName} as a line.`,
  };
}
