import { checkList } from '../base/numbers.ts';

/** The lowest and the highest value of one feature, with some room. */
export type Range = readonly [low: number, high: number];

const ROOM = 0.06;

/** The range of feature `k` of rows of `width` numbers. */
export function rangeOf(values: ArrayLike<number>, width: number, k: number): Range {
  checkList('values', values);
  let [low, high] = [Infinity, -Infinity];
  for (let i = k; i < values.length; i += width) [low, high] = [Math.min(low, values[i] ?? low), Math.max(high, values[i] ?? high)];
  const room = ROOM * (high - low || 1);
  return [low - room, high + room];
}

/** `n` places from one end of a range to the other. */
export function lineOver(range: Range, n: number): Float32Array {
  checkList('range', range);
  const [low, high] = range;
  return Float32Array.from({ length: n }, (_, i) => low + ((high - low) * i) / (n - 1));
}

/** The middles of `side` times `side` cells, row by row from the lowest: two numbers for each. */
export function squareOver(across: Range, up: Range, side: number): Float32Array {
  checkList('across', across);
  checkList('up', up);
  const at = ([low, high]: Range, i: number): number => low + ((high - low) * (i + 0.5)) / side;
  return Float32Array.from({ length: 2 * side * side }, (_, i) => {
    const cell = i >> 1;
    return i % 2 === 0 ? at(across, cell % side) : at(up, Math.floor(cell / side));
  });
}

/** One share of yes at each place, as shares of no and yes. */
export function bothSides(shares: Float32Array): Float32Array {
  checkList('shares', shares);
  return Float32Array.from({ length: 2 * shares.length }, (_, i) => (i % 2 ? (shares[i >> 1] ?? 0) : 1 - (shares[i >> 1] ?? 0)));
}
