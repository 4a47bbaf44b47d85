import { describe, expect, it } from 'vitest';
import { printed } from '../support/printed.ts';

/** Places by numbers, as PyTorch counts them: from the end where they are negative. */

const M = 'let m = [[1, 2], [3, 4], [5, 6]]\n';

describe.each(['reference', 'cpu', 'gpu'] as const)('places that numbers say, %s', (on) => {
  it.each([
    ['m[[-1]]', [5, 6]],
    ['m[[0, -3, 2]]', [1, 2, 1, 2, 5, 6]],
    ['m[:, [-1, 0]]', [2, 1, 4, 3, 6, 5]],
    ['m[int(k)]', [5, 6, 1, 2]],
    ['m[int(k - 1)]', [3, 4, 5, 6]],
  ])('%s', async (text, values) => {
    expect(await printed(`${M}param k: [2] = zeros\nprint ${text}`, on, { k: [-1, 0] })).toEqual(values);
  });
});

describe('shapes of a value that is made of nothing', () => {
  it('are written with constants of any kind', async () => {
    expect(await printed('let n = 3\nprint sum(zeros(n, 2) + 1), sum(ones(n - 1, n*2))', 'reference')).toEqual([6, 12]);
  });
});
