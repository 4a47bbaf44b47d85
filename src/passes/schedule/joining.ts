import { at } from '../../base/errors.ts';
import { fixedShape } from '../../base/types.ts';
import type { NodeId, NodeOf } from '../../ir/graph/types.ts';
import { call, literal } from '../../ir/kernel/build.ts';
import * as ix from '../../ir/kernel/index-math.ts';
import type { Expr } from '../../ir/kernel/types.ts';
import type { Lowerer } from './lowering.ts';
import { between, isWide, perLane, viewedPoint } from './views.ts';

/** Pad and concat: which operand a value comes from, if any, depends on its point. */

/** Splats a scalar value if its point is wide. */
const wide = (value: Expr, point: ix.Point): Expr => (isWide(point) && !value.type.endsWith('x4') ? call('splat', value) : value);

const shapeOf = (v: Lowerer, id: NodeId): number[] => fixedShape(at(v.graph.nodes, id).type.shape);

export function padAt(v: Lowerer, node: NodeOf<'pad'>, point: ix.Point): Expr {
  const input = at(node.inputs, 0);
  const inShape = shapeOf(v, input);
  const inner = viewedPoint(v.graph, node, point);
  const padded = node.attrs.low.map((low, i) => low > 0 || at(node.attrs.high, i) > 0);
  if (point.some((p, i) => padded[i] && ix.isWide(p))) return perLane(point, (p) => at(v.at(node.id, [p]), 0));
  const tests = point.map((p, i) => (padded[i] ? between(p, at(node.attrs.low, i), at(node.attrs.low, i) + at(inShape, i)) : 'always'));
  const outside = literal(node.type.dtype, node.attrs.value);
  if (tests.includes('never')) return outside;
  const unknown = tests.filter((t) => typeof t !== 'string');
  const value = (): Expr => at(v.at(input, [inner]), 0);
  if (unknown.length === 0) return value();
  const condition = unknown.reduce((a, b) => call('and', a, b));
  // Outside, the loaded value is arbitrary and dropped: cheaper than a branch, and adjacent elements can share the load.
  if (v.tiling.masked && v.isLoad(input)) return call('select', wide(condition, point), value(), wide(outside, point));
  const result = v.out.variable('p', wide(outside, point));
  v.out.guarded(condition, () => v.out.assign(result, wide(value(), point)));
  return result;
}

export function concatAt(v: Lowerer, node: NodeOf<'concat'>, point: ix.Point): Expr {
  const { axis } = node.attrs;
  const place = at(point, axis);
  const oneByOne = (): Expr => perLane(point, (p) => at(v.at(node.id, [p]), 0));
  if (ix.isWide(place) && !ix.vectorStart(place)) return oneByOne();
  let from = 0;
  let result: Expr | undefined;
  for (const input of node.inputs) {
    const size = shapeOf(v, input)[axis] ?? 0;
    const start = from;
    from += size;
    const inner = point.map((p, i) => (i === axis ? ix.add(p, ix.constant(-start)) : p));
    // A vector that may span two parts is read lane by lane.
    if (ix.isWide(place) && (start % 4 !== 0 || size % 4 !== 0)) return oneByOne();
    const test = between(ix.isWide(place) ? (ix.vectorStart(place) as ix.Index) : place, start, from);
    if (test === 'never') continue;
    if (test === 'always') return at(v.at(input, [inner]), 0);
    const target = (result ??= v.out.variable('c', wide(literal(node.type.dtype, 0), point)));
    v.out.guarded(test, () => v.out.assign(target, wide(at(v.at(input, [inner]), 0), point)));
  }
  return result ?? literal(node.type.dtype, 0);
}
