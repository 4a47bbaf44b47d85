import { expect, it } from 'vitest';
import { Sharing } from '../../src/runtime/sharing.ts';

/** How many of so many chunks were shared, if chunks take so long. */
function shared(sharing: Sharing, chunks: number, together: number, alone: number): number {
  let count = 0;
  for (let i = 0; i < chunks; i++) {
    const both = sharing.choose();
    if (both) count++;
    sharing.learn(both, both ? together : alone);
  }
  return count;
}

it('takes the faster way, and looks at the other one now and then', () => {
  const sharing = new Sharing();
  expect(shared(sharing, 4, 1, 2)).toBe(2);
  // Working alone is not tried often where helpers are faster.
  expect(shared(sharing, 1024, 1, 2)).toBeGreaterThanOrEqual(1019);
  // The machine becomes busy: a few chunks, and helpers only now and then.
  expect(shared(sharing, 160, 10, 2)).toBeLessThan(20);
  // It is free again, which one of the trials finds out.
  expect(shared(sharing, 160, 1, 2)).toBeGreaterThan(140);
});
