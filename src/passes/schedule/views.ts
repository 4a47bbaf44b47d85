import { CompilerBug, at } from '../../base/errors.ts';
import { fixedShape } from '../../base/types.ts';
import type { Node } from '../../ir/graph/types.ts';
import { call, literal } from '../../ir/kernel/build.ts';
import * as ix from '../../ir/kernel/index-math.ts';
import type { Expr } from '../../ir/kernel/types.ts';

/** Which element of a value: one index an axis. */
export type Point = readonly ix.Index[];

/** Where a view finds the element at a point: views are not kernels but maps of indices. */
export function viewedPoint(node: Node, point: Point, inShape: readonly number[]): Point {
  switch (node.op) {
    case 'reshape':
      return ix.delinear(ix.linear(point, fixedShape(node.type.shape)), inShape);
    case 'permute':
      return inShape.map((_, i) => at(point, node.attrs.perm.indexOf(i)));
    case 'broadcast':
      return node.attrs.axes.map((a) => at(point, a));
    case 'slice':
      return point.map((v, i) => ix.add(v, ix.constant(at(node.attrs.start, i))));
    case 'flip':
      return point.map((v, i) => (node.attrs.axes.includes(i) ? ix.add(ix.constant(at(inShape, i) - 1), ix.scale(v, -1)) : v));
    case 'window': {
      const { axis, stride, dilation } = node.attrs;
      const place = ix.add(ix.scale(at(point, axis), stride), ix.scale(at(point, point.length - 1), dilation));
      return inShape.map((_, i) => (i === axis ? place : at(point, i)));
    }
    default:
      throw new CompilerBug(`${node.op} is not a view`);
  }
}

export const isWide = (point: Point): boolean => point.some(ix.isWide);

/** The four points that a wide one stands for. */
export const lanesOf = (point: Point): readonly Point[] => [0, 1, 2, 3].map((lane) => point.map((v) => ix.atLane(v, lane)));

/** Whether an index lies in [low, end): known while compiling, or a test for run time. */
export function between(v: ix.Index, low: number, end: number): Expr | 'always' | 'never' {
  const [min, max] = ix.range(v);
  if (max < low || min >= end) return 'never';
  const tests: Expr[] = [];
  if (min < low) tests.push(call('le', literal('u32', low), ix.toExpr(v)));
  if (max >= end) tests.push(call('lt', ix.toExpr(v), literal('u32', end)));
  return tests.length === 2 ? call('and', at(tests, 0), at(tests, 1)) : (tests[0] ?? 'always');
}
