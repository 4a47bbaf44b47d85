import { expect, it } from 'vitest';
import { printed } from '../support/printed.ts';

it('the first argument of a function that must be given is what flows in, wherever it stands', async () => {
  const fn = 'fn f(q=1, x) = q * x\nparam a = 3\n';
  expect(await printed(`${fn}print f(2, a), f(x=a), f(x=a, q=4), a -> f, a -> f(5), a -> f(q=6)`, 'reference', { a: [3] })).toEqual([
    6, 3, 12, 3, 15, 18,
  ]);
});
