import { describe, expect, it } from 'vitest';
import { printed } from '../support/printed.ts';

/** Whole numbers above 2^24, which float32 rounds: compared and divided as whole numbers, by the reference and on devices. */

const WAYS = ['reference', 'js', 'cpu', 'gpu'] as const;

// b is exact in float32, and a is b + 1, which is not.
const u = [16777216, 16777218, 1e9, -6, 2147483520];
const a = u.map((v) => v + 1);
const START = `param u: [5]
let z = argmax(stack([u * 0, u * 0 - 1], dim=1), dim=1)
let one = argmin(stack([u * 0, u * 0 - 1], dim=1), dim=1)
let b = int(u)
let a = b + one
let two = one + one
`;
const python = (x: number, y: number): number => ((x % y) + y) % y;

describe.each(WAYS)('whole numbers, %s', (on) => {
  const show = async (f: string): Promise<number[]> => (await printed(`${START}print ${f}`, on, { u })).map((v) => v + 0);

  it.each([
    ['a > b', [1, 1, 1, 1, 1]],
    ['a < b', [0, 0, 0, 0, 0]],
    ['a == b', [0, 0, 0, 0, 0]],
    ['a != b', [1, 1, 1, 1, 1]],
    ['a <= b', [0, 0, 0, 0, 0]],
    ['b >= a', [0, 0, 0, 0, 0]],
    ['a == 16777216', [0, 0, 0, 0, 0]],
    ['a == 16777217', [1, 0, 0, 0, 0]],
    ['16777216 < a', [1, 1, 1, 0, 1]],
    ['a <= [16777216, 16777219, 1000000001, -6, 2147483521]', [0, 1, 1, 0, 1]],
  ] as const)('%s', async (f, gives) => {
    expect(await show(f)).toEqual(gives);
  });

  it('remainders have the sign of the divisor', async () => {
    expect(await show('a % two')).toEqual(a.map((v) => python(v, 2)));
    expect(await show('a % (z - two - one)')).toEqual(a.map((v) => python(v, -3) + 0));
    expect(await show('a % 10')).toEqual(a.map((v) => python(v, 10)));
    expect(await show('a % b')).toEqual([1, 1, 1, -5, 1]);
    expect(await show('b % a')).toEqual([16777216, 16777218, 1e9, -1, 2147483520]);
    expect(await show('a % z')).toEqual([0, 0, 0, 0, 0]);
  });

  it('a remainder of whole numbers is whole; with a number that is written down it is a float', async () => {
    expect(await show('u[a % two]')).toEqual([1, 1, 1, 1, 1].map((i) => u[i]));
    const roots = await show('sqrt(a % 10 + 3)');
    roots.forEach((v, i) => {
      expect(v).toBeCloseTo(Math.sqrt(python(a[i] ?? 0, 10) + 3), 5);
    });
  });
});
