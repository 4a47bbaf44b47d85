import { describe, expect, it } from 'vitest';
import { printed } from '../support/printed.ts';

/** Lengths and angles of points as C has them, which PyTorch takes, by the reference and on devices: near the ends of float32 too. */

const WAYS = ['reference', 'js', 'cpu', 'gpu'] as const;
const [inf, nan] = [Infinity, NaN];
const SIZES = [1e-37, 3e-30, 1e-20, 1e-16, 7e-16, 1e-9, 0.3, 1, 4e9, 1.1e18, 1.2e18, 3e25, 4e30, 1e38];
const BOTH = SIZES.flatMap((x) => SIZES.flatMap((y) => [[x, y] as const, [-x, y] as const])).map(
  ([x, y]) => [Math.fround(x), Math.fround(y)] as const,
);
const text = (n: number, f: string): string => `param x: [${n}]\nparam y: [${n}]\nprint ${f}`;
const shown = (f: string, on: (typeof WAYS)[number], points: readonly (readonly [number, number])[]): Promise<number[]> =>
  printed(text(points.length, f), on, { x: points.map(([x]) => x), y: points.map(([, y]) => y) });

describe.each(WAYS)('points of the plane, %s', (on) => {
  it('lengths', async () => {
    (await shown('hypot(x, y)', on, BOTH)).forEach((v, i) => {
      const [x, y] = BOTH[i] ?? [0, 0];
      expect(Math.abs(v - Math.hypot(x, y)), `${x}, ${y}`).toBeLessThanOrEqual(1e-6 * Math.hypot(x, y));
    });
  });

  it('slopes of lengths', async () => {
    (await shown('grad(sum(hypot(x, y)), x)', on, BOTH)).forEach((v, i) => {
      const [x, y] = BOTH[i] ?? [0, 0];
      expect(Math.abs(v - x / Math.hypot(x, y)), `${x}, ${y}`).toBeLessThanOrEqual(1e-6);
    });
  });

  it('lengths at the ends', async () => {
    const points = [
      [3e38, 3e38],
      [inf, 1],
      [-inf, inf],
      [0, -inf],
      [0, 0],
      [nan, 1],
    ] as const;
    expect((await shown('hypot(x, y)', on, points)).map(Math.fround)).toEqual([inf, inf, inf, inf, 0, nan]);
    const [long = nan, short = nan] = await shown('hypot(x, y)', on, [
      [3e30, 4e30],
      [3e-30, -4e-30],
    ]);
    expect(long / 5e30).toBeCloseTo(1, 6);
    expect(short / 5e-30).toBeCloseTo(1, 6);
  });

  it('angles', async () => {
    (await shown('atan2(y, x)', on, BOTH)).forEach((v, i) => {
      const [x, y] = BOTH[i] ?? [0, 0];
      expect(Math.abs(v - Math.atan2(y, x)), `${x}, ${y}`).toBeLessThanOrEqual(1e-6);
    });
  });

  it('slopes of angles', async () => {
    const points = BOTH.filter(([x, y]) => Math.min(Math.abs(x), Math.abs(y)) > 1e-10 && Math.max(Math.abs(x), Math.abs(y)) < 1e17);
    (await shown('grad(sum(atan2(y, x)), x)', on, points)).forEach((v, i) => {
      const [x, y] = points[i] ?? [0, 0];
      const slope = -y / (x * x + y * y);
      expect(Math.abs(v - slope), `${x}, ${y}`).toBeLessThanOrEqual(2e-6 * Math.abs(slope));
    });
    const huge = [
      [1e30, 1e30],
      [-2e25, 1e25],
    ] as const;
    const slopes = await shown('grad(sum(atan2(y, x)), y)', on, huge);
    huge.forEach(([x, y], i) => expect((slopes[i] ?? nan) / (x / (x * x + y * y))).toBeCloseTo(1, 5));
  });

  it('angles of infinities', async () => {
    const points = [inf, -inf, 1, -1, 0].flatMap((x) => [[x, inf] as const, [x, -inf] as const, [inf, x] as const]);
    const angles = await shown('atan2(y, x)', on, [...points, [-inf, 1], [-inf, -1]]);
    [...points, [-inf, 1], [-inf, -1]].forEach(([x = 0, y = 0], i) => expect(angles[i], `${x}, ${y}`).toBeCloseTo(Math.atan2(y, x), 6));
    expect(
      await shown('grad(sum(atan2(y, x)), y)', on, [
        [inf, inf],
        [1, inf],
      ]),
    ).toEqual([0, 0].map((v) => expect.closeTo(v, 9) as number));
  });
});
