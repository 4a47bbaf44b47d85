import { at } from '../../base/errors.ts';
import type { Unroll } from './block-writer.ts';

/** A tile, the axis of vectors in it (-1 for none), and the axis along which threads read for one another. */
export interface SharedTile {
  readonly tile: readonly number[];
  readonly vector: number;
  readonly leading: number;
  readonly unroll: Unroll;
}

const LONG = [16, 8, 4];
const SHORT = [4, 3, 2, 1];

/**
 * Tiles whose threads read for one another: high along one axis, whose operand all threads of a subgroup need, so that each of
 * them loads one row of it; narrow along the other, whose operand each thread loads for itself.
 */
export function subgroupTiles(
  shape: readonly number[],
  axes: { readonly inner: number; readonly outer: number; readonly vectors: boolean },
  target: { readonly subgroup: number; readonly shared: number },
  unrolls: readonly Unroll[],
): SharedTile[] {
  const { inner, outer, vectors } = axes;
  const found: SharedTile[] = [];
  const add = (leading: number, long: number, along: number, short: number, vector: number): void => {
    const tile = shape.map((_, i) => (i === leading ? long : i === along ? short : 1));
    // The threads that differ in the other axes alone have to be whole subgroups.
    const rest = shape.reduce((n, extent, i) => (i === leading ? n : n * Math.ceil(extent / at(tile, i))), 1);
    if (long * short <= target.shared && rest % target.subgroup === 0)
      for (const unroll of unrolls) found.push({ tile, vector, leading, unroll });
  };
  const divides = (axis: number) => (t: number) => at(shape, axis) % t === 0;
  for (const long of LONG.filter(divides(outer))) {
    if (vectors) add(outer, long, inner, 4, inner);
    else for (const short of SHORT.filter(divides(inner))) add(outer, long, inner, short, -1);
  }
  // Vectors and high tiles are the best there is.
  if (vectors && found.some(({ tile }) => at(tile, outer) >= 8)) return found;
  for (const long of LONG.filter(divides(inner))) for (const short of SHORT.filter(divides(outer))) add(inner, long, outer, short, -1);
  return found;
}
