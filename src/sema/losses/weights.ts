import { sameShape, showShape } from '../../base/types.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { broadcastShapes, broadcastTo } from '../arithmetic.ts';
import { table } from '../functions.ts';
import { problem, type Problem } from '../layers/layer.ts';
import type { LossContext } from './loss.ts';

/** How much each element counts: a tensor that an expression gives, or a list of numbers along the last axis. */
export const weight = { type: 'numbers', doc: 'how much each element counts; in an expression a tensor too' } as const;

/** What `name` says about elements like those of x, in the shape of x; undefined where it is not said. */
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

/** The losses of elements, each times its weight. */
export function weighed(cx: LossContext<object>, each: NodeId): NodeId | Problem {
  const weights = weightsLike(cx, each);
  if (weights === undefined) return each;
  return typeof weights === 'number' ? cx.b.op('mul', each, weights) : weights;
}

/** The weights that a mean divides by, where PyTorch divides by their sum. */
export function weightSum(cx: LossContext<object>, pred: NodeId): NodeId | undefined {
  const weights = weightsLike(cx, pred);
  return typeof weights === 'number' ? weights : undefined;
}
