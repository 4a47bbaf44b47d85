import { showShape, type Shape } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { axisOf } from '../functions.ts';
import { problem, type Problem } from './layer.ts';

/** The `dim` arguments of functions, and the axes they mean. */

/** All axes, one, or several. */
export const dim = { type: 'sizes', doc: 'axis or list of axes; default: all' } as const;
export const keepdim = { type: 'bool', default: false, doc: 'keeps reduced axes with size 1' } as const;

/** The axes that `dim` names. */
export function axesOf(b: GraphBuilder, x: NodeId, given: number | readonly number[] | undefined): number[] | Problem {
  const shape = b.shape(x);
  if (given === undefined) return shape.map((_, i) => i);
  const axes = [given].flat().map((d) => axisOf(d, shape.length));
  const bad = [given].flat().find((_, i) => axes[i] === undefined);
  if (bad !== undefined) return problem('NN206', `${showShape(shape)} has no axis ${bad}`);
  if (new Set(axes).size !== axes.length) return problem('NN206', 'an axis is named twice');
  return axes as number[];
}

/** Puts reduced axes back with extent 1. */
export const asOnes = (b: GraphBuilder, y: NodeId, shape: Shape, axes: readonly number[]): NodeId =>
  b.reshape(
    y,
    shape.map((d, i) => (axes.includes(i) ? 1 : d)),
  );

/** One axis, the last by default. */
export const axis = { type: 'int', default: -1, doc: 'the axis' } as const;

/** An axis whose size is known at compile time. */
export function knownAxis(b: GraphBuilder, x: NodeId, dimension: number): { readonly axis: number; readonly n: number } | Problem {
  const shape = b.shape(x);
  const axis = axisOf(dimension, shape.length);
  const n = axis === undefined ? undefined : shape[axis];
  if (axis === undefined || typeof n !== 'number') return problem('NN206', `${showShape(shape)} has no axis ${dimension} of known size`);
  return { axis, n };
}
