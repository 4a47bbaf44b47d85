import { sameShape, showShape, showType, type Dim } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { axisOf } from '../functions.ts';
import { problem, type Problem } from './layer.ts';

/** Checks that x and an index have the same rank and that the other axes fit. */
export function along(b: GraphBuilder, x: NodeId, index: NodeId, given: number): { readonly axis: number; readonly n: number } | Problem {
  const [shape, places] = [b.shape(x), b.shape(index)];
  const axis = axisOf(given, shape.length);
  const n = axis === undefined ? undefined : shape[axis];
  if (axis === undefined || typeof n !== 'number') return problem('NN206', `${showShape(shape)} has no axis ${given} of known size`);
  if (b.type(index).dtype !== 'i32') return problem('NN204', `an index is whole numbers, and this is ${showType(b.type(index))}`);
  const fits = places.length === shape.length && sameShape(without(places, axis), without(shape, axis));
  return fits ? { axis, n } : problem('NN203', `the index ${showShape(places)} does not fit ${showShape(shape)} besides axis ${given}`);
}

const without = (shape: readonly Dim[], axis: number): Dim[] => shape.filter((_, i) => i !== axis);
