import { isVector } from './functions.ts';
import type { Stmt } from './types.ts';

/** A round of a product is loads, and then a vector multiplication for each of at least so many sums. */
const SUMS = 4;

/** Where rounds end: the last of at least {@link SUMS} assignments of vectors in a row. */
export function endsOfRounds(body: readonly Stmt[]): number[] {
  const ends: number[] = [];
  let sums = 0;
  body.forEach((s, i) => {
    sums = s.kind === 'set' && isVector(s.value.type) ? sums + 1 : 0;
    if (sums >= SUMS && body[i + 1]?.kind !== 'set') ends.push(i);
  });
  return ends;
}
