import { sameShape, showShape } from '../../base/types.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { broadcastShapes, broadcastTo } from '../arithmetic.ts';
import { table } from '../functions.ts';
import { problem, type Problem } from '../layers/layer.ts';
import type { LossContext } from './loss.ts';

/** The weight of each element: a tensor in an expression, or a list of numbers along the last axis. */
export const weight = { type: 'numbers', doc: 'weight of each element; in an expression it may be a tensor' } as const;

/** The weights called `name` in the shape of x; undefined if there are none. */
export function weightsLike(cx: LossContext<object>, x: NodeId, name = 'weight'): NodeId | Problem | undefined {
  const { b } = cx;
  const listed = (cx.args as Readonly<Record<string, number | readonly number[] | undefined>>)[name];
  const given = cx.named[name] ?? (listed === undefined ? undefined : table(b, [listed].flat(), [[listed].flat().length]));
  if (given === undefined) return undefined;
  const shape = b.shape(x);
  const joined = broadcastShapes(b.shape(given), shape);
  if (!joined || !sameShape(joined, shape))
    return problem(
      'NN203',
      `'${name}' is ${showShape(b.shape(given))}, and there are losses ${showShape(shape)}`,
      'give one number for each place of the last axis, or a tensor that broadcasts to them',
    );
  return broadcastTo(b, b.cast(given, 'f32'), shape);
}

/** Multiplies the losses of elements by their weights. */
export function weighed(cx: LossContext<object>, each: NodeId): NodeId | Problem {
  const weights = weightsLike(cx, each);
  if (weights === undefined) return each;
  return typeof weights === 'number' ? cx.b.op('mul', each, weights) : weights;
}

/** The weights that a mean divides by, for losses where PyTorch divides by their sum. */
export function weightSum(cx: LossContext<object>, pred: NodeId): NodeId | undefined {
  const weights = weightsLike(cx, pred);
  return typeof weights === 'number' ? weights : undefined;
}
