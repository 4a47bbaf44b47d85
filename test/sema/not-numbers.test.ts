import { describe, expect, it } from 'vitest';
import { printed } from '../support/printed.ts';

/** Infinities and NaN among what is put in order: PyTorch's results, by the reference and on devices. NaN is the greatest there. */

const WAYS = ['reference', 'js', 'cpu', 'gpu'] as const;
const [inf, nan] = [Infinity, NaN];

interface Case {
  readonly text: string;
  readonly x: readonly number[];
  readonly gives: readonly number[];
}
const of = (text: string, x: readonly number[], gives: readonly number[]): Case => ({ text, x, gives });

const MIXED = [1, nan, -inf, inf, -0, nan, 0, -2];
const LOW = [-inf, -inf, -inf, -inf];
const CASES: readonly Case[] = [
  of('sort(x)[0]', MIXED, [-inf, -2, 0, 0, 1, inf, nan, nan]),
  of('sort(x)[1]', MIXED, [2, 7, 4, 6, 0, 3, 1, 5]),
  of('sort(x, descending=true)[0]', MIXED, [nan, nan, inf, 1, 0, 0, -2, -inf]),
  of('sort(x, descending=true)[1]', MIXED, [1, 5, 3, 0, 4, 6, 7, 2]),
  of('argsort(x)', LOW, [0, 1, 2, 3]),
  of('argsort(x, descending=true)', [nan, nan, nan], [0, 1, 2]),
  of('topk(x, 3)[0]', MIXED, [nan, nan, inf]),
  of('topk(x, 3)[1]', MIXED, [1, 5, 3]),
  of('topk(x, 2, largest=false)[0]', MIXED, [-inf, -2]),
  of('topk(x, 2)[1]', LOW, [0, 1]),
  of('topk(x, 2)[0]', LOW, [-inf, -inf]),
  of('argmax(x)', MIXED, [1]),
  of('argmin(x)', MIXED, [1]),
  of('argmax(x)', LOW, [0]),
  of('argmin(x)', LOW, [0]),
  of('argmax(x)', [-inf, -3.4028234663852886e38, -inf], [1]),
  of('argmin(x)', [inf, inf, inf], [0]),
  of('argmax(x)', [nan, nan], [0]),
  of('argmax(x)', [0, inf, inf], [1]),
  of('argmin(x)', [0, -inf, inf, -inf], [1]),
  of('median(x, dim=0)[0]', [3, nan, 1, nan], [nan]),
  of('median(x, dim=0)[1]', [3, nan, 1, nan], [1]),
  of('median(x, dim=0)[1]', [3, -inf, 1, inf], [2]),
  of('median(x)', [3, -inf, 1, inf], [1]),
  of('quantile(x, 0.25)', [3, nan, 1, 2, 5], [nan]),
  of('quantile(x, 0.25)', [3, -inf, 1, 2, 5], [1]),
  of('isnan(x)', MIXED, [0, 1, 0, 0, 0, 1, 0, 0]),
  of('isinf(x)', MIXED, [0, 0, 1, 1, 0, 0, 0, 0]),
];

describe.each(WAYS)('what is no number, %s', (on) => {
  it.each(CASES)('$text of $x', async ({ text, x, gives }) => {
    const y = await printed(`param x: [${x.length}]\nprint ${text}`, on, { x });
    expect(y.map((v) => v + 0)).toEqual(gives);
  });

  it('in rows, each on its own', async () => {
    const x = [1, nan, 3, -inf, -inf, -inf, 2, 1, 2];
    const text = (f: string): string => `param x: [3, 3]\nprint ${f}`;
    expect(await printed(text('argmax(x)'), on, { x })).toEqual([1, 0, 0]);
    expect(await printed(text('argmin(x)'), on, { x })).toEqual([1, 0, 1]);
    expect(await printed(text('argmax(x, dim=0)'), on, { x })).toEqual([2, 0, 0]);
    expect(await printed(text('sort(x)[1]'), on, { x })).toEqual([0, 2, 1, 0, 1, 2, 1, 0, 2]);
  });

  it('the places of pools', async () => {
    const places = (f: string, x: readonly number[]): Promise<number[]> =>
      printed(`param x: [1, 1, ${x.length}]\nprint ${f}[1]`, on, { x });
    expect(await places('MaxPool1d(x, 2, padding=1, return_indices=true)', [-inf, -inf, 1, nan])).toEqual([0, 2, 3]);
    expect(await places('AdaptiveMaxPool1d(x, 3, return_indices=true)', [-inf, -inf, 1, nan])).toEqual([0, 2, 3]);
  });

  it('many elements, of which the last is no number', async () => {
    const x = Array.from({ length: 1000 }, (_, i) => (i === 997 ? nan : -inf));
    expect(await printed('param x: [1000]\nprint argmax(x)', on, { x })).toEqual([997]);
    expect((await printed('param x: [1000]\nprint argsort(x)', on, { x })).at(-1)).toBe(997);
  });
});

it('the gradient goes to the elements that are chosen, however infinite the others are', async () => {
  const x = [nan, 3, -inf, 1];
  expect(await printed('param x: [4]\nprint grad(sum(topk(x, 3, largest=false)[0][1:3]), x)', 'reference', { x })).toEqual([0, 1, 0, 1]);
});
