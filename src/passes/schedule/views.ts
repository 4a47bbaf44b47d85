import { CompilerBug, at } from '../../base/errors.ts';
import { isView, operandTypes, recordOf } from '../../ir/graph/ops.ts';
import type { Graph, Node } from '../../ir/graph/types.ts';
import { call, literal } from '../../ir/kernel/build.ts';
import * as ix from '../../ir/kernel/index-math.ts';
import type { Expr } from '../../ir/kernel/types.ts';

/** What a view reads depends on its point alone. */
const nothing = (): never => {
  throw new CompilerBug('a view has no loops and reads no data to know its place');
};

/** The point of its operand that a view reads for one of its own. */
export function viewedPoint(graph: Graph, node: Node, point: ix.Point): ix.Point {
  const [read] = recordOf(node).reads(node, point, operandTypes(graph, node), { loop: nothing, data: nothing });
  if (!read || !isView(node)) throw new CompilerBug(`${node.op} is not a view`);
  return read.point;
}

export const isWide = (point: ix.Point): boolean => point.some(ix.isWide);

/** The four points of a wide point. */
export const lanesOf = (point: ix.Point): readonly ix.Point[] => [0, 1, 2, 3].map((lane) => point.map((v) => ix.atLane(v, lane)));

/** Computes a wide point lane by lane. */
export const perLane = (point: ix.Point, value: (p: ix.Point) => Expr): Expr =>
  isWide(point) ? call('vec4', ...lanesOf(point).map(value)) : value(point);

/** Whether an index lies in [low, end): known at compile time, or as a run-time test. */
export function between(v: ix.Index, low: number, end: number): Expr | 'always' | 'never' {
  const [min, max] = ix.range(v);
  if (max < low || min >= end) return 'never';
  const tests: Expr[] = [];
  if (min < low) tests.push(call('le', literal('u32', low), ix.toExpr(v)));
  if (max >= end) tests.push(call('lt', ix.toExpr(v), literal('u32', end)));
  return tests.length === 2 ? call('and', at(tests, 0), at(tests, 1)) : (tests[0] ?? 'always');
}
