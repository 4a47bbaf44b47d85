import { at } from '../../base/errors.ts';
import type { Unroll } from './block-writer.ts';

/** A tile, its vector axis (-1 for none), and the axis along which threads load for one another. */
export interface SharedTile {
  readonly tile: readonly number[];
  readonly vector: number;
  readonly leading: number;
  readonly unroll: Unroll;
}

const LONG = [16, 8, 4];
const SHORT = [4, 3, 2, 1];

/**
 * Tiles whose threads load for one another: long along one axis, whose operand the whole subgroup needs, so that each thread loads one row
 * of it; short along the other, whose operand each thread loads for itself.
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
    // Threads that differ only in the other axes must form whole subgroups.
    const rest = shape.reduce((n, extent, i) => (i === leading ? n : n * Math.ceil(extent / at(tile, i))), 1);
    if (long * short <= target.shared && rest % target.subgroup === 0)
      for (const unroll of unrolls) found.push({ tile, vector, leading, unroll });
  };
  const divides = (axis: number) => (t: number) => at(shape, axis) % t === 0;
  for (const long of LONG.filter(divides(outer))) {
    if (vectors) add(outer, long, inner, 4, inner);
    else for (const short of SHORT.filter(divides(inner))) add(outer, long, inner, short, -1);
  }
  // Nothing beats vectors with long tiles.
  if (vectors && found.some(({ tile }) => at(tile, outer) >= 8)) return found;
  for (const long of LONG.filter(divides(inner))) for (const short of SHORT.filter(divides(outer))) add(inner, long, outer, short, -1);
  return found;
}
