import { drawChart } from '../pictures/chart.ts';
import type { Point } from '../pictures/curve.ts';
import { bothSides, lineOver, rangeOf, squareOver } from '../pictures/grid.ts';
import { picture, type Drawing } from '../pictures/picture.ts';
import { drawFit } from '../pictures/points.ts';
import { drawRegion, GROUPS } from '../pictures/region.ts';
import type { Model } from '../runtime/api.ts';
import { probabilities } from '../runtime/probabilities.ts';

/** The training examples of one input and one target. */
export interface Examples {
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
  /** Numbers of one input. */
  readonly width: number;
}

/** Examples that are drawn, places of a line, and of each side of a region. */
const SHOWN = 600;
const LINE = 120;
const SIDE = 40;

function show(place: HTMLElement, drawing: Drawing, title: string): void {
  place.hidden = false;
  place.innerHTML = picture(drawing, title, 'auto', false);
}

const roomOf = (place: HTMLElement, most: number): number => Math.max(300, Math.min(most, place.parentElement?.clientWidth ?? most));

/** The losses of training, and those of the held-out examples. */
export function showLoss(place: HTMLElement, losses: readonly Point[], held: readonly Point[]): void {
  const series = [
    { name: 'training', role: 'train', points: losses },
    { name: 'held out', role: 'held', points: held },
  ] as const;
  show(place, drawChart({ series, x: 'step', y: 'loss', width: roomOf(place, 680), height: 240 }), 'The loss');
}

/** A fitted line for one number in and one out, a region for two numbers and classes; nothing for other programs. */
export async function showFigure(place: HTMLElement, model: Model, { x, y, width }: Examples): Promise<void> {
  const { inputs, targets, output } = model.about;
  const rows = Math.min(SHOWN, x.length / width);
  const columns = inputs[0]?.columns?.map((c) => c.name) ?? [];
  const name = (k: number): string => columns[k] ?? (width === 1 ? (inputs[0]?.name ?? 'x') : `${inputs[0]?.name ?? 'x'}[${k}]`);
  const target = targets[0]?.columns?.[0] ?? targets[0]?.name ?? 'y';
  if (y.length * width !== x.length) return;
  if (width === 1 && output === 'numbers') {
    const places = lineOver(rangeOf(x, 1, 0), LINE);
    const { data } = await model.predict(places);
    const points = Array.from({ length: rows }, (_, i) => ({ x: x[i] ?? NaN, y: y[i] ?? NaN }));
    const curve = Array.from(places, (v, i) => ({ x: v, y: data[i] ?? NaN }));
    return show(place, drawFit({ points, curve, x: name(0), y: target, width: roomOf(place, 680) }), 'What it learned');
  }
  if (width !== 2 || output === 'numbers') return;
  const [across, up] = [rangeOf(x, 2, 0), rangeOf(x, 2, 1)];
  const said = await model.predict(squareOver(across, up, SIDE));
  const own = probabilities(said) ?? said.data;
  const shares = own.length === SIDE * SIDE ? bothSides(own) : own;
  const classes = shares.length / (SIDE * SIDE);
  if (classes > GROUPS.length) return;
  const names = targets[0]?.classes ?? Array.from({ length: classes }, (_, i) => String(i));
  const points = Array.from({ length: rows }, (_, i) => ({ x: x[2 * i] ?? NaN, y: x[2 * i + 1] ?? NaN, group: y[i] ?? 0 }));
  const range = { low: [across[0], up[0]], high: [across[1], up[1]] } as const;
  const size = roomOf(place, 520);
  show(
    place,
    drawRegion({
      points,
      x: name(0),
      y: name(1),
      names,
      shares,
      columns: SIDE,
      rows: SIDE,
      ...range,
      width: size,
      height: Math.round(size * 0.92),
    }),
    'What it says everywhere',
  );
}
