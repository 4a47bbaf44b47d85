import { gradient } from '../autodiff/gradient.ts';
import { textOf } from '../base/source.ts';
import { count, showShape } from '../base/types.ts';
import type { GraphBuilder } from '../ir/graph/builder.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type * as A from '../parser/ast.ts';
import type { Environment } from './environment.ts';
import type { Evaluation } from './evaluation.ts';
import { tensor, type Flow, type Value } from './values.ts';

/** Whether a value is computed from another one. */
function dependsOn(b: GraphBuilder, id: NodeId, on: NodeId): boolean {
  const seen = new Set<NodeId>();
  const open = [id];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === on) return true;
    if (next < on || seen.has(next)) continue;
    seen.add(next);
    open.push(...b.node(next).inputs);
  }
  return false;
}

/** `grad(y, x)`: the derivative of a scalar by a value that it depends on. It is an ordinary value, so it can be differentiated again. */
export function derivative(ev: Evaluation, e: A.CallExpr, env: Environment, flow: Flow): Value {
  const [of, wrt] = e.args;
  if (!of || !wrt || e.args.length !== 2 || of.name || wrt.name)
    return ev.fail('NN202', e.span, 'grad takes what is differentiated and by what', { help: 'write grad(y, x)' });
  const operand = (a: A.Argument): NodeId => {
    const v = ev.evaluate(a.value, env, flow);
    const name = textOf(a.value.span);
    if (v.kind === 'const')
      return ev.fail('NN204', a.value.span, `'${name}' is a number, which nothing depends on`, {
        help: 'make it a parameter: param x = 3.0',
      });
    return ev.tensorOf(v, a.value.span);
  };
  const [x, y] = [operand(wrt), operand(of)];
  const { b } = ev;
  const shape = b.shape(y);
  if (shape.some((d) => typeof d !== 'number') || count(shape) !== 1)
    return ev.fail('NN203', of.value.span, `one number can be differentiated, and this is ${showShape(shape)}`, {
      help: 'take its sum or its mean',
    });
  for (const [a, id] of [
    [of, y],
    [wrt, x],
  ] as const)
    if (b.type(id).dtype !== 'f32') ev.fail('NN204', a.value.span, 'only numbers have derivatives');
  if (!dependsOn(b, y, x)) {
    const [upper, lower] = [textOf(of.value.span), textOf(wrt.value.span)];
    const swapped = dependsOn(b, x, y);
    ev.warn(
      'NN221',
      e.span,
      `'${upper}' does not depend on '${lower}', so this is 0`,
      swapped ? `what is differentiated comes first: grad(${lower}, ${upper})` : 'differentiate something that is computed from it',
    );
  }
  const [dx] = gradient(b, b.reshape(y, []), [x]);
  return tensor(dx ?? b.like(0, x));
}
