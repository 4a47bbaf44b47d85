import { describe, expect, it } from 'vitest';
import { printed } from '../support/printed.ts';

/** Where float32 rounds to the other side of a border: PyTorch's numbers there, by the reference and on devices. */

const WAYS = ['reference', 'js', 'cpu', 'gpu'] as const;

describe.each(WAYS)('places in float32, %s', (on) => {
  it.each([
    [898, 7],
    [798, 49],
    [842, 13],
    [1000, 999],
  ])('means of %i places in %i bins', async (n, m) => {
    const y = await printed(`param x: [1, 1, ${n}] = ones\nprint AdaptiveAvgPool1d(x, ${m})`, on, {
      x: Array.from({ length: n }, (_, i) => i % 5),
    });
    const cuts = Array.from({ length: m }, (_, i) => [Math.floor((i * n) / m), Math.ceil(((i + 1) * n) / m)] as const);
    const mean = ([from, end]: readonly [number, number]): number => {
      let total = 0;
      for (let i = from; i < end; i++) total += i % 5;
      return total / (end - from);
    };
    expect(y).toHaveLength(m);
    y.forEach((v, i) => {
      expect(v).toBeCloseTo(mean(cuts[i] ?? [0, 1]), 5);
    });
  });

  it('the place of a quantile', async () => {
    expect(await printed('print quantile(float(arange(101)), 0.29, interpolation=lower)', on)).toEqual([29]);
  });

  it('remainders are exact', async () => {
    const x = [6, 1, 5.3, 7, -6, -6, 5, 6, 0.3, 0.9, 1e30, 12345, -1e-20].map(Math.fround);
    const y = [0.1, 0.1, 0.1, -0.1, 0.1, -0.1, 1e30, 0.2, 0.1, 0.3, 1e29, 0.01, 5].map(Math.fround);
    const both = { x, y };
    const text = (f: string): string => `param x: [${x.length}]\nparam y: [${x.length}]\nprint ${f}`;
    // PyTorch's are C's, as JavaScript's are.
    const fmod = x.map((v, i) => v % (y[i] ?? 1));
    const remainder = fmod.map((v, i) => (v !== 0 && v < 0 !== (y[i] ?? 1) < 0 ? Math.fround(v + (y[i] ?? 1)) : v));
    expect((await printed(text('fmod(x, y)'), on, both)).map(Math.fround)).toEqual(fmod);
    expect((await printed(text('x % y'), on, both)).map(Math.fround)).toEqual(remainder);
  });

  it('remainders of all sizes are exact', async () => {
    const edges = [0, -0, 1e-38, 3e-38, 0.1, 1, 3, 16777215, 16777217, 1e9, 123456789, 1e20, 3.4e38, Infinity, NaN].map(Math.fround);
    const drawn = Array.from({ length: 200 }, (_, i) => Math.fround((1 + 0.618 * ((i * 7) % 13)) * 10 ** (((i * 37) % 75) - 37)));
    const pairs = [
      ...edges.flatMap((x) =>
        edges.flatMap((y) => [
          [x, y],
          [-x, y],
        ]),
      ),
      ...drawn.flatMap((x, i) => [[x, drawn[(i * 11 + 5) % 200] ?? 1]]),
    ];
    const [x, y] = [pairs.map(([v = 0]) => v), pairs.map(([, v = 0]) => v)];
    const got = await printed(`param x: [${x.length}]\nparam y: [${x.length}]\nprint fmod(x, y)`, on, { x, y });
    got.forEach((v, i) => {
      const want = (x[i] ?? 0) % (y[i] ?? 0);
      // Numbers below the smallest normal one may count as 0.
      expect(Object.is(v, want) || Math.abs(v - want) < 1.2e-38, `fmod(${x[i]}, ${y[i]}) is ${want}, not ${v}`).toBe(true);
    });
  });

  it('sinh and cosh overflow where their values do', async () => {
    const x = [88.8, 89, 89.4, -89, 50, 0].map(Math.fround);
    const given = { x };
    const text = (f: string): string => `param x: [${x.length}]\nprint ${f}(x)`;
    for (const [f, of] of [
      ['sinh', Math.sinh],
      ['cosh', Math.cosh],
    ] as const) {
      const y = await printed(text(f), on, given);
      y.forEach((v, i) => {
        expect(Math.abs(v - of(x[i] ?? 0))).toBeLessThanOrEqual(1e-5 * Math.abs(of(x[i] ?? 0)));
      });
    }
  });
});

describe('the slopes of a remainder', () => {
  it('are 1 and minus the quotient without what is behind the point', async () => {
    const given = { x: [7, -7.5, 6, 0.5], y: [2, 2, -4, 3] };
    const slopes = async (t: string): Promise<number[]> => (await printed(t, 'reference', given)).map((v) => v + 0);
    expect(await slopes('param x: [4]\nparam y: [4]\nprint grad(sum(fmod(x, y)), x)')).toEqual([1, 1, 1, 1]);
    expect(await slopes('param x: [4]\nparam y: [4]\nprint grad(sum(fmod(x, y)), y)')).toEqual([-3, 3, 1, 0]);
    expect(await slopes('param x: [4]\nparam y: [4]\nprint grad(sum(x % y), y)')).toEqual([-3, 4, 2, 0]);
  });
});
