import { rangeOf } from '../pictures/grid.ts';
import type { Drawing } from '../pictures/picture.ts';
import { drawFit } from '../pictures/points.ts';
import { drawRegion, GROUPS } from '../pictures/region.ts';
import { lineOver } from '../pictures/grid.ts';
import { LINE, SIDE, type Scene } from './scene.ts';

/** The picture of what a model has learned: a line among points, or a region for each class. `room` is the width of its place. */
export function figureOf(
  { kind, points, names, fields, target }: Scene,
  seen: Float32Array | undefined,
  room: number,
): Drawing | undefined {
  if (!points || (kind !== 'fit' && kind !== 'region')) return undefined;
  const width = Math.max(300, Math.min(kind === 'fit' ? 760 : 480, room));
  const only = fields[0]?.name ?? 'x';
  const [a = only, b = ''] = fields.length === 2 ? fields.map((f) => f.name) : kind === 'fit' ? [only] : [`${only}[0]`, `${only}[1]`];
  const each = kind === 'fit' ? 2 : 3;
  const rows = Array.from({ length: points.length / each }, (_, i) => points.subarray(i * each, (i + 1) * each));
  const across = rangeOf(points, each, 0);
  if (kind === 'fit') {
    const places = lineOver(across, seen?.length ?? LINE);
    return drawFit({
      points: rows.map((r) => ({ x: r[0] ?? 0, y: r[1] ?? 0 })),
      curve: Array.from(seen ?? [], (y, i) => ({ x: places[i] ?? 0, y })),
      x: a,
      y: target,
      width,
      height: 320,
    });
  }
  const up = rangeOf(points, each, 1);
  const classes = seen ? seen.length / (SIDE * SIDE) : Math.max(2, names.length);
  if (classes > GROUPS.length) return undefined;
  const named = Array.from({ length: classes }, (_, i) => names[i] ?? String(i));
  return drawRegion({
    points: rows.map((r) => ({ x: r[0] ?? 0, y: r[1] ?? 0, group: r[2] ?? 0 })),
    x: a,
    y: b,
    names: named,
    shares: seen ?? new Float32Array(SIDE * SIDE * classes).fill(1 / classes),
    columns: SIDE,
    rows: SIDE,
    low: [across[0], up[0]],
    high: [across[1], up[1]],
    width,
    height: Math.min(440, width * 0.92),
  });
}
