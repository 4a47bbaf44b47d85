import { get } from '../base/errors.ts';
import type { NetArrow } from './description.ts';
import { digits, tag } from './svg.ts';

export interface Placed {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly row: number;
  /** In its row. */
  readonly alone: boolean;
}

/** Between lanes beside the boxes, and the radius of corners. */
const LANE = 16;
const BEND = 8;
const HEAD = 7;

type Point = readonly [x: number, y: number];

/** Arrows to the next row go straight down; those that pass rows go around on the right, each in a lane of its own. */
export function arrowsBetween(
  arrows: readonly NetArrow[],
  places: ReadonlyMap<string, Placed>,
  width: number,
  gap: number,
): { readonly content: string; readonly right: number } {
  const ends = arrows.map(({ from, to }) => ({ from: get(places, from, 'place'), to: get(places, to, 'place') }));
  const lanes: { readonly top: number; readonly bottom: number }[][] = [];
  const long = ends.filter((e) => e.to.row - e.from.row > 1);
  // Short detours are next to the boxes, so that long ones enclose them and no two cross.
  const byLength = [...long].sort((a, b) => a.to.row - a.from.row - (b.to.row - b.from.row));
  const laneOf = new Map(
    byLength.map((e) => {
      const [top, bottom] = [e.from.row, e.to.row];
      let lane = lanes.findIndex((taken) => taken.every((t) => t.bottom <= top || t.top >= bottom));
      if (lane < 0) lane = lanes.push([]) - 1;
      lanes[lane]?.push({ top, bottom });
      return [e, lane] as const;
    }),
  );
  const content = ends.map((e) => {
    const lane = laneOf.get(e);
    return lane === undefined ? short(e.from, e.to) : around(e.from, e.to, width + LANE * (lane + 1), gap);
  });
  return { content: content.join('\n'), right: width + (lanes.length > 0 ? LANE * lanes.length + 4 : 0) };
}

const centre = (p: Placed): number => p.x + p.width / 2;

/** Where two boxes are above one another, the arrow is straight; otherwise it bends halfway. */
function short(from: Placed, to: Placed): string {
  const [y0, y1] = [from.y + from.height, to.y];
  const [a, b] = [centre(from), centre(to)];
  if (Math.abs(a - b) < 1)
    return arrow([
      [a, y0],
      [a, y1],
    ]);
  // Into a joint from the side there is no room for a head on top of others.
  const half = (y0 + y1) / 2;
  return arrow([
    [a, y0],
    [a, half],
    [b, half],
    [b, y1],
  ]);
}

/** Out of the right side where nothing stands beside the box, else through the gap below or above its row. */
function around(from: Placed, to: Placed, lane: number, gap: number): string {
  const start: Point[] = from.alone
    ? [[from.x + from.width, from.y + from.height / 2 + (from.height > 40 ? 6 : 0)]]
    : [
        [centre(from) + 10, from.y + from.height],
        [centre(from) + 10, from.y + from.height + gap / 3],
      ];
  const finish: Point[] = to.alone
    ? [[to.x + to.width, to.y + to.height / 2 - (to.height > 40 ? 6 : 0)]]
    : [
        [centre(to) + 10, to.y - (2 * gap) / 3],
        [centre(to) + 10, to.y],
      ];
  const [y0, y1] = [start.at(-1)?.[1] ?? 0, finish[0]?.[1] ?? 0];
  return arrow([...start, [lane, y0], [lane, y1], ...finish]);
}

/** A line through points with round corners, and a head at its end. */
function arrow(points: readonly Point[]): string {
  const [x1, y1] = points.at(-1) ?? [0, 0];
  const [x0, y0] = points.at(-2) ?? [0, 0];
  const length = Math.hypot(x1 - x0, y1 - y0) || 1;
  const [ux, uy] = [(x1 - x0) / length, (y1 - y0) / length];
  // The line ends inside the head, which would otherwise have a blunt tip.
  const [bx, by] = [x1 - ux * HEAD, y1 - uy * HEAD];
  const line = [...points.slice(0, -1), [bx, by] as const];
  const head = `M${place([x1, y1])}L${place([bx - uy * 4, by + ux * 4])}L${place([bx + uy * 4, by - ux * 4])}Z`;
  return tag('path', { class: 'wire', d: rounded(line) }) + tag('path', { class: 'head', d: head });
}

function rounded(points: readonly Point[]): string {
  return points
    .map((p, i) => {
      const [before, after] = [points[i - 1], points[i + 1]];
      if (!before) return `M${place(p)}`;
      if (!after) return `L${place(p)}`;
      return `L${place(towards(p, before))}Q${place(p)} ${place(towards(p, after))}`;
    })
    .join('');
}

function towards(p: Point, other: Point): Point {
  const length = Math.hypot(other[0] - p[0], other[1] - p[1]) || 1;
  const by = Math.min(BEND, length / 2) / length;
  return [p[0] + (other[0] - p[0]) * by, p[1] + (other[1] - p[1]) * by];
}

const place = ([x, y]: Point): string => `${digits(x)} ${digits(y)}`;
