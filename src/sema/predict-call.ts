import { count, showType, type Dim } from '../base/types.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type * as A from '../parser/ast.ts';
import type { Environment } from './environment.ts';
import type { Evaluator } from './evaluator.ts';
import type { ModelBuilder } from './model-builder.ts';
import type { InputInfo } from './model.ts';
import { Reported, tensor, type Flow, type StagePart, type Value } from './values.ts';

/** The model so far, as `predict` sees it. */
export interface ModelSoFar {
  readonly ev: Evaluator;
  readonly m: ModelBuilder;
  readonly inputs: readonly InputInfo[];
  /** The stages, if the model is a plain chain; undefined if it is not. */
  readonly chain: readonly StagePart[] | undefined;
  readonly layers: number;
  readonly failed: boolean;
  readonly normalized: (id: NodeId, input: InputInfo) => NodeId;
  /** The output in the target's own units. */
  readonly inUnits: (id: NodeId) => NodeId;
}

/** `predict(3.0)`: applies the model to values of the program. */
export function predictCall(model: ModelSoFar, e: A.CallExpr, env: Environment, flow: Flow): Value {
  const { ev, m, chain } = model;
  const { b } = m;
  const [input, ...others] = model.inputs;
  if (!input || model.layers === 0)
    return ev.fail('NN207', e.span, 'there is no model before this line', { help: 'add a layer line above' });
  if (!chain || others.length > 0)
    return ev.fail('NN212', e.span, 'predict takes models that are one chain of stages', { help: 'use nnc predict for this one' });
  const [only] = e.args;
  if (!only || e.args.length !== 1 || only.name) return ev.fail('NN202', e.span, 'predict takes one value', { help: 'write predict(3.0)' });
  const given = ev.tensorOf(ev.evaluate(only.value, env, flow), only.span);
  const x = tensor(model.normalized(examples(ev, given, input, only.span), input));
  if (model.failed) throw new Reported('model');
  const from: Flow = { prefix: [], next: 0 };
  const raw = m.drawing(false, () => m.sharing(() => chain.reduce((v, part) => ev.runPart(part, v, from), x as Value)));
  const result = raw.kind === 'tensor' ? tensor(model.inUnits(raw.id)) : raw;
  if (result.kind !== 'tensor' || b.shape(result.id).length !== 2 || b.shape(result.id)[1] !== 1) return result;
  // One number per given number, and a scalar for a single example.
  const [rows, shape] = [b.shape(result.id)[0], b.shape(given)];
  if (count(shape) === rows) return tensor(b.reshape(result.id, shape));
  return rows === 1 && shape.length < input.type.shape.length ? tensor(b.reshape(result.id, [])) : result;
}

/** Values as a batch of examples: numbers for inputs of one number, else rows of the input's shape. */
function examples(ev: Evaluator, x: NodeId, input: InputInfo, span: A.Expr['span']): NodeId {
  const { b } = ev;
  const rest = input.type.shape.slice(1) as number[];
  const each = rest.reduce((p, d) => p * d, 1);
  const shape = b.shape(x);
  const total = count(shape);
  const tail = shape.slice(-rest.length) as Dim[];
  const fits = total % each === 0 && (each === 1 || tail.join() === rest.join());
  if (!fits) {
    const one = showType({ dtype: input.type.dtype, shape: rest });
    return ev.fail('NN203', span, `one example is ${one}, and this is ${showType(b.type(x))}`);
  }
  return b.cast(b.reshape(x, [total / each, ...rest]), input.type.dtype);
}
