import { expect, it } from 'vitest';
import { printed } from '../support/printed.ts';

/** The determinant of a list of rows, by its first row. */
function det(m: readonly (readonly number[])[]): number {
  const [first = []] = m;
  if (m.length === 0) return 1;
  const minor = (j: number): number[][] => m.slice(1).map((r) => r.filter((_, c) => c !== j));
  return first.reduce((sum, v, j) => sum + (v === 0 ? 0 : (j % 2 === 0 ? v : -v) * det(minor(j))), 0);
}

it.each(['reference', 'cpu'] as const)('slopes of a determinant with a column of zeros are its cofactors, %s', async (on) => {
  const x = [2, 1, 0, 3, 1, 0, 1, 0, 2, 5, 4, 1, 0, 1, 1, 1, 3, 0, 2, 2, 7, 1, 0, 0, 1];
  const rows = Array.from({ length: 5 }, (_, i) => x.slice(5 * i, 5 * i + 5));
  const cofactors = x.map((_, k) => {
    const [i, j] = [Math.floor(k / 5), k % 5];
    return ((i + j) % 2 === 0 ? 1 : -1) * det(rows.filter((_, r) => r !== i).map((r) => r.filter((_, c) => c !== j)));
  });
  const text = 'param x: [5, 5] = normal\nprint grad(det(x), x)';
  (await printed(text, on, { x })).forEach((v, k) => {
    expect(v).toBeCloseTo(cofactors[k] ?? NaN, 3);
  });
  expect(await printed('param x: [5, 5] = normal\nprint det(x)', on, { x })).toEqual([0]);
});
