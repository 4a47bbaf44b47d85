import { tag, text, widthOf } from './svg.ts';

/** One axis of a chart: what it is called, and where values lie on it. */
export interface Axis {
  readonly name: string;
  readonly low: number;
  readonly high: number;
  readonly log: boolean;
  readonly ticks: readonly number[];
  /** The place of a value, from 0 to 1. */
  readonly place: (v: number) => number;
}

export interface AxisOptions {
  readonly name: string;
  readonly log?: boolean;
  /** Leaves no room beyond the values. */
  readonly tight?: boolean;
}

/** An axis over some values, with round ticks. */
export function axisOf(values: Iterable<number>, { name, log = false, tight = false }: AxisOptions): Axis {
  let [low, high] = [Infinity, -Infinity];
  for (const v of values) {
    if (!Number.isFinite(v) || (log && v <= 0)) continue;
    low = Math.min(low, v);
    high = Math.max(high, v);
  }
  if (low > high) [low, high] = log ? [1, 10] : [0, 1];
  if (low === high) [low, high] = log ? [low / 2, high * 2] : [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2];
  const scale = log ? Math.log10 : (v: number): number => v;
  const back = log ? (v: number): number => 10 ** v : (v: number): number => v;
  const room = tight ? 0 : 0.04 * (scale(high) - scale(low));
  const [from, to] = [scale(low) - room, scale(high) + room];
  return {
    name: log ? `${name}, logarithmic` : name,
    low: back(from),
    high: back(to),
    log,
    ticks: log ? logTicks(from, to) : roundTicks(from, to),
    place: (v) => (scale(v) - from) / (to - from),
  };
}

/** Multiples of 1, 2 or 5 times a power of ten: four to eight of them. */
function roundTicks(low: number, high: number): number[] {
  const rough = (high - low) / 8;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((m) => m * power >= rough) ?? 10) * power;
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Powers of ten; with 2 and 5 times them, if there are few. */
function logTicks(low: number, high: number): number[] {
  const [first, last] = [Math.floor(low), Math.ceil(high)];
  const every = Math.max(1, Math.ceil((last - first) / 7));
  const within = (v: number): boolean => Math.log10(v) >= low - 1e-9 && Math.log10(v) <= high + 1e-9;
  const of = (factors: readonly number[]): number[] =>
    Array.from({ length: last - first + 1 }, (_, i) => first + i)
      .filter((p) => p % every === 0)
      .flatMap((p) => factors.map((f) => Number((f * 10 ** p).toPrecision(6))))
      .filter(within);
  const tens = of([1]);
  return tens.length > 2 ? tens : of([1, 2, 5]);
}

/** A tick's number: `0.25`, `1,500`, `2e-7`. */
export function tickText(v: number): string {
  const size = Math.abs(v);
  if (v === 0) return '0';
  if (size >= 1e7 || size < 1e-4) return v.toExponential(1).replace('.0e', 'e').replace('e+', 'e');
  const plain = String(Number(v.toPrecision(6)));
  return size < 1000 ? plain : plain.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** The room of a chart, inside of its axes. */
export interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export const FRAME_TOP = 14;
/** The room for ticks and the name of the x axis. */
export const BELOW = 44;

/** The frame of a chart of a given size, with room for the ticks of the y axis. */
export function frameOf(width: number, height: number, y: Axis, top = FRAME_TOP): Frame {
  const left = 34 + Math.max(...y.ticks.map((t) => widthOf(tickText(t), 12)));
  return { left, top, width: width - left - 18, height: height - top - BELOW };
}

export const xAt = (f: Frame, axis: Axis, v: number): number => f.left + axis.place(v) * f.width;
export const yAt = (f: Frame, axis: Axis, v: number): number => f.top + (1 - axis.place(v)) * f.height;

/** Grid lines, ticks and names of both axes. */
export function drawAxes(f: Frame, x: Axis, y: Axis): string {
  const bottom = f.top + f.height;
  const across = thinned(x, f.width).map((t) => {
    const at = xAt(f, x, t);
    return (
      tag('line', { class: 'grid', x1: at, y1: f.top, x2: at, y2: bottom }) +
      text(at, bottom + 17, tickText(t), { class: 'small soft', 'text-anchor': 'middle' })
    );
  });
  const up = y.ticks.map((t) => {
    const at = yAt(f, y, t);
    return (
      tag('line', { class: 'grid', x1: f.left, y1: at, x2: f.left + f.width, y2: at }) +
      text(f.left - 8, at + 4, tickText(t), { class: 'small soft', 'text-anchor': 'end' })
    );
  });
  const middle = f.top + f.height / 2;
  return [
    ...across,
    ...up,
    tag('path', { class: 'axis', d: `M${f.left} ${f.top}V${bottom}H${f.left + f.width}` }),
    text(f.left + f.width / 2, bottom + 36, x.name, { class: 'small', 'text-anchor': 'middle' }),
    text(14, middle, y.name, { class: 'small', 'text-anchor': 'middle', transform: `rotate(-90 14 ${middle})` }),
  ].join('');
}

/** Ticks that do not run into each other. */
function thinned({ ticks }: Axis, width: number): readonly number[] {
  const widest = Math.max(0, ...ticks.map((t) => widthOf(tickText(t), 12))) + 14;
  const every = Math.max(1, Math.ceil((ticks.length * widest) / width));
  return ticks.filter((_, i) => i % every === 0);
}
