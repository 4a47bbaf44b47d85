import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DEVICES, FUNCTIONS, tileErrors, worstOf } from '../../scripts/numerics.ts';

/** docs/numerics.md says how exact each function is; fewer numbers of the same kinds are no worse. */
const rows = new Map(
  readFileSync('docs/numerics.md', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, name, ...cells] = /^\| `(\w+)` +\|(.*)\|$/.exec(line)?.flatMap((c, i) => (i === 2 ? c.split('|') : [c])) ?? [];
      return name === undefined ? [] : [[name, cells.map((c) => Number.parseFloat(c))] as const];
    }),
);

describe.each(DEVICES.map((device, i) => ({ device, i })))('on the $device', ({ device, i }) => {
  it.each(FUNCTIONS)('%s is as exact as docs/numerics.md says (npm run numerics)', async (op) => {
    const [ulps = NaN, special = NaN] = (rows.get(op) ?? []).slice(2 * i);
    const worst = await worstOf(op, device, 2 ** 16);
    expect(worst.ulps).toBeLessThanOrEqual(1.2 * ulps + 0.05);
    expect(worst.special).toBe(special);
  });
});

describe.each([3, 5])('convolutions of %i by tiles', (size) => {
  it.each([
    [false, -1],
    [false, 0],
    [true, -1],
    [true, 0],
  ])('round about as much as whole windows (gradient of weights: %s, from %i)', async (gradient, low) => {
    const [whole = NaN, ...tiles] = await tileErrors(48, size, gradient, low);
    expect(tiles.length).toBeGreaterThan(0);
    for (const error of tiles) expect(error).toBeLessThan(3 * whole);
  });
});
