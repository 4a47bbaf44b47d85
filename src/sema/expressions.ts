import { at } from '../base/errors.ts';
import type { GraphBuilder } from '../ir/graph/builder.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type * as A from '../parser/ast.ts';
import { align, matmul, pointwise } from './arithmetic.ts';
import { arithmetic, arrayOf } from './constants.ts';
import type { Environment } from './environment.ts';
import type { Evaluation } from './evaluation.ts';
import { remainder } from './functions.ts';
import { isProblem, problem, type BuiltValue } from './layers/layer.ts';
import { lift } from './stages.ts';
import { constant, describeValue, tensor, type Flow, type Value } from './values.ts';

/** Arithmetic and lists: constants are computed now, tensors become nodes, stages stay stages. */

export function list(ev: Evaluation, e: A.ListExpr, env: Environment, flow: Flow): Value {
  const items = e.items.map((item) => ev.evaluate(item, env, flow));
  if (items.every((v) => v.kind === 'const')) return constant(items.map((v) => v.value));
  return { kind: 'tuple', items };
}

export function unary(ev: Evaluation, e: A.UnaryExpr, env: Environment, flow: Flow): Value {
  const v = ev.evaluate(e.operand, env, flow);
  if (v.kind === 'const' && !(Array.isArray(v.value) && arrayOf(v.value))) {
    if (typeof v.value !== 'number') return ev.fail('NN204', e.operand.span, `a number is needed here, and this is ${describeValue(v)}`);
    return constant(-v.value);
  }
  return lift(ev, [v], e.span, ([x]) => {
    const id = ev.tensorOf(x ?? v, e.operand.span);
    if (ev.b.type(id).dtype === 'bool') return ev.fail('NN204', e.span, 'a truth value has no negative');
    const negative = ev.b.op('neg', id);
    ev.m.singleDraws.follow(id, negative);
    return tensor(negative);
  });
}

const SHARED_DRAW =
  'randn_like(x) or randn([4], like=x) draws for each example; for one draw in all of them say so with an extent of 1: randn(1, 4)';

export function binary(ev: Evaluation, e: A.BinaryExpr, env: Environment, flow: Flow): Value {
  const [l, r] = [ev.evaluate(e.left, env, flow), ev.evaluate(e.right, env, flow)];
  const dense = (v: Value): boolean => v.kind === 'const' && Array.isArray(v.value) && arrayOf(v.value) !== undefined;
  if (l.kind === 'const' && r.kind === 'const' && !dense(l) && !dense(r)) {
    for (const [v, x] of [
      [l, e.left],
      [r, e.right],
    ] as const) {
      if (typeof v.value !== 'number') ev.fail('NN204', x.span, `a number is needed here, and this is ${describeValue(v)}`);
    }
    const value = arithmetic(e.operator, l.value as number, r.value as number);
    if (value === undefined) return ev.fail('NN206', e.span, `${String(l.value)} ${e.operator} ${String(r.value)} is not a finite number`);
    return constant(value);
  }
  return lift(ev, [l, r], e.span, ([x, y]) => {
    const [p, q] = [ev.tensorOf(x ?? l, e.left.span), ev.tensorOf(y ?? r, e.right.span)];
    const result = operate(ev, e.operator, p, q);
    if (isProblem(result)) return ev.refuse(result, e.span);
    if (ev.m.singleDraws.meets(p, q, result as NodeId))
      ev.warn('NN219', e.span, 'all examples get the same random numbers here', SHARED_DRAW);
    return tensor(result as NodeId);
  });
}

/** Numbers that are written down as whole ones, if all of them are and i32 holds them; else undefined. */
function asWhole(b: GraphBuilder, id: NodeId): NodeId | undefined {
  const node = b.node(id);
  if (node.type.dtype === 'i32') return id;
  if (node.op === 'const')
    return Number.isInteger(node.attrs.value) && Math.abs(node.attrs.value) < 2 ** 31
      ? b.full(node.attrs.value, { ...node.type, dtype: 'i32' })
      : undefined;
  if (node.op !== 'reshape' && node.op !== 'concat') return undefined;
  const inputs = node.inputs.map((i) => asWhole(b, i));
  return inputs.every((i) => i !== undefined) ? b.add(node.op, inputs, node.attrs) : undefined;
}

/** What whole numbers are compared and divided by: float32 would round those above 2^24. */
const WHOLE: readonly A.BinaryOperator[] = ['<', '<=', '==', '!=', '>', '>=', '%'];

export function operate(ev: Evaluation, op: A.BinaryOperator, p: NodeId, q: NodeId): BuiltValue {
  const { b } = ev;
  if ([p, q].some((v) => b.type(v).dtype === 'bool'))
    return problem('NN204', `${op} takes numbers, and this is a truth value`, 'where(condition, a, b) turns it into numbers');
  const types = [p, q].map((v) => b.type(v).dtype);
  if (WHOLE.includes(op) && types.includes('i32') && types.includes('f32')) {
    const [x, y] = [asWhole(b, p), asWhole(b, q)];
    if (x !== undefined && y !== undefined) {
      const result = operate(ev, op, x, y);
      // As with other arithmetic, a number that is written down makes the result a float.
      return op === '%' && typeof result === 'number' ? b.cast(result, 'f32') : result;
    }
  }
  // Quotients, powers and products of integers are floats.
  const float = ['/', '^', '@'].includes(op) || (op === '%' && types.includes('f32'));
  const [x, y] = float ? [b.cast(p, 'f32'), b.cast(q, 'f32')] : [p, q];
  const simple = { '+': 'add', '-': 'sub', '*': 'mul', '/': 'div', '^': 'pow', '<': 'lt', '<=': 'le', '==': 'eq' } as const;
  if (op === '@') return matmul(b, x, y);
  if (op === '>') return pointwise(b, 'lt', y, x);
  if (op === '>=') return pointwise(b, 'le', y, x);
  if (op === '!=') {
    const same = pointwise(b, 'eq', x, y);
    return typeof same === 'number' ? b.op('not', same) : same;
  }
  if (op === '%') {
    const aligned = align(b, [x, y]);
    return Array.isArray(aligned) ? remainder(b, at(aligned, 0), at(aligned, 1)) : aligned;
  }
  return pointwise(b, simple[op], x, y);
}
