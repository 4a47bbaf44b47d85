import type { Point } from '../pictures/curve.ts';
import { print } from './terminal.ts';

/** A plot in text: curves of braille dots, with labelled axes. */
export interface PlotOptions {
  /** What the axes are called. */
  readonly x: string;
  readonly y: string;
  /** Whether an axis is logarithmic. */
  readonly logX?: boolean;
  readonly logY?: boolean;
  /** Characters. */
  readonly width: number;
  readonly height?: number;
}

/** Dots of a character: two columns of four. */
const [COLUMNS, ROWS] = [2, 4];
const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
];
const BLANK = 0x2800;

/** A number at an end of an axis: four digits are enough. */
const short = (v: number): string => String(Number(v.toPrecision(4)));

interface Axis {
  readonly low: number;
  readonly high: number;
  /** The place of a value, from 0 to 1. */
  readonly place: (v: number) => number;
}

function axisOf(values: readonly number[], log: boolean): Axis {
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const scale = log ? Math.log10 : (v: number): number => v;
  const [from, to] = [scale(low), scale(high)];
  return { low, high, place: (v) => (to === from ? 0.5 : (scale(v) - from) / (to - from)) };
}

/** Draws points, joined by lines, as lines of text; nothing if there are fewer than two. */
export function plot(points: readonly Point[], { x, y, width, height = 10, logX = false, logY = false }: PlotOptions): string[] {
  const seen = points.filter((p) => [p.x, p.y].every(Number.isFinite) && (!logX || p.x > 0) && (!logY || p.y > 0));
  if (seen.length < 2) return [];
  const across = axisOf(
    seen.map((p) => p.x),
    logX,
  );
  const up = axisOf(
    seen.map((p) => p.y),
    logY,
  );
  const labels = [short(up.high), short(up.low)];
  const margin = Math.max(...labels.map((l) => l.length));
  const wide = Math.max(10, width - margin - 2);
  const [w, h] = [wide * COLUMNS, height * ROWS];
  const cells = Array.from({ length: height }, () => new Uint8Array(wide));
  const dot = (px: number, py: number): void => {
    const row = cells[Math.floor(py / ROWS)];
    const bit = DOTS[px % COLUMNS]?.[py % ROWS] ?? 0;
    if (row) row[Math.floor(px / COLUMNS)] = (row[Math.floor(px / COLUMNS)] ?? 0) | bit;
  };
  const places = seen.map((p) => ({ x: Math.round(across.place(p.x) * (w - 1)), y: Math.round((1 - up.place(p.y)) * (h - 1)) }));
  places.forEach((p, i) => {
    const from = places[Math.max(0, i - 1)] ?? p;
    const n = Math.max(1, Math.abs(p.x - from.x), Math.abs(p.y - from.y));
    for (let k = 0; k <= n; k++) dot(Math.round(from.x + ((p.x - from.x) * k) / n), Math.round(from.y + ((p.y - from.y) * k) / n));
  });
  const lines = cells.map((row, i) => {
    const label = i === 0 ? labels[0] : i === height - 1 ? labels[1] : '';
    return `${(label ?? '').padStart(margin)} │${[...row].map((bits) => String.fromCodePoint(BLANK + bits)).join('')}`;
  });
  const [left, right] = [short(across.low), short(across.high)];
  const named = `${x}${logX ? ' (logarithmic)' : ''}`;
  const gap = wide - left.length - right.length - named.length;
  const below =
    gap >= 2
      ? `${left}${' '.repeat(Math.floor(gap / 2))}${named}${' '.repeat(Math.ceil(gap / 2))}${right}`
      : `${left}${' '.repeat(Math.max(1, wide - left.length - right.length))}${right}`;
  return [
    `${' '.repeat(margin + 1)} ${y}${logY ? ' (logarithmic)' : ''}`,
    ...lines,
    `${' '.repeat(margin)} └${'─'.repeat(wide)}`,
    `${' '.repeat(margin)}  ${below}`,
  ];
}

/** Draws the losses in the terminal; if they span more than a factor of ten, by their logarithm. */
export function printLosses(losses: readonly Point[]): void {
  const values = losses.map((p) => p.y);
  const logY = values.every((v) => v > 0) && Math.max(...values) > 10 * Math.min(...values);
  print();
  for (const line of plot(losses, { x: 'step', y: 'loss', logY, width: Math.min(process.stdout.columns || 80, 100) })) print(line);
}
