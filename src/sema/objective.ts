import type { DiagnosticSink } from '../base/diagnostics.ts';
import { textOf } from '../base/source.ts';
import { hint } from '../base/suggest.ts';
import { showShape, type TensorType } from '../base/types.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type * as A from '../parser/ast.ts';
import { bindArguments } from './arguments.ts';
import type { Environment } from './environment.ts';
import type { Evaluation } from './evaluation.ts';
import { LAYERS } from './layers/registry.ts';
import { lossValue, operandsOf, targetMismatch } from './losses/loss.ts';
import { LOSSES } from './losses/registry.ts';
import { METRICS } from './metrics.ts';
import type { InputInfo, Model } from './model.ts';
import { describeValue, tensor } from './values.ts';

/** What a program is trained for: the loss, and the metrics beside it. */
export interface Objective {
  readonly loss: NodeId;
  readonly target: NonNullable<Model['target']>;
  /** The node that holds the target. */
  readonly node: NodeId;
}

interface Named {
  readonly text: string;
  readonly args: readonly A.Argument[];
}

/** `mse` or `huber(delta=2)`: the name that an expression calls, if it calls one alone. */
function named(e: A.Expr): Named | undefined {
  if (e.kind === 'name') return { text: e.name, args: [] };
  return e.kind === 'call' ? { text: e.callee.text, args: e.args } : undefined;
}

/** A named loss, or any scalar expression of `pred`, `target` and what the file names. */
export function lossOf(
  ev: Evaluation,
  sink: DiagnosticSink,
  s: A.LossStatement,
  pred: NodeId | undefined,
  declared: InputInfo | undefined,
  env: Environment,
): Objective | undefined {
  const { value } = s;
  const { b } = ev;
  const call = named(value);
  const known = call && Object.hasOwn(LOSSES, call.text) ? LOSSES[call.text] : undefined;
  const input = (type: TensorType): NodeId => ev.m.input('target', type);
  if (call && known) {
    const args = bindArguments({ callee: call.text, span: value.span, args: call.args }, known.parameters, known.optional ?? [], env, sink);
    if (!args || pred === undefined) return undefined;
    const parts = operandsOf(b, known, pred);
    if ('code' in parts) return ev.refuse(parts, value.span);
    const target = known.target ? known.target(b.type(parts[0]), args, declared?.type) : { dtype: 'f32' as const, shape: [] };
    if ('code' in target) return ev.refuse(target, value.span);
    const mismatch = declared && targetMismatch(call.text, target, declared.type);
    if (mismatch) return ev.refuse(mismatch, value.span);
    const node = input(target);
    const loss = b.within({ name: `loss ${call.text}` }, () => lossValue(known, { b, args, named: {} }, ...parts, node));
    return typeof loss === 'number'
      ? { loss, node, target: { type: target, classes: known.classes?.(b.type(pred), args) } }
      : ev.refuse(loss, value.span);
  }
  const callee = value.kind === 'name' ? value : value.kind === 'call' ? value.callee : undefined;
  if (call && callee && !Object.hasOwn(LAYERS, call.text) && !env.has(call.text) && call.text !== 'pred') {
    return ev.fail('NN201', callee.span, `there is no loss '${call.text}'`, { help: hint(call.text, Object.keys(LOSSES), 'losses') });
  }
  if (pred === undefined) return undefined;
  const type = declared?.type ?? b.type(pred);
  const node = input(type);
  const loss = scalar(ev, value, pred, node, env, `losses: ${Object.keys(LOSSES).join(', ')}`, 'a loss');
  return { loss, node, target: { type, classes: undefined } };
}

/** A named metric, or any scalar expression as for a loss; `name` is what tables call it. */
export function metricOf(
  ev: Evaluation,
  sink: DiagnosticSink,
  s: A.MetricStatement,
  pred: NodeId,
  target: NodeId,
  env: Environment,
): { readonly name: string; readonly node: NodeId } | undefined {
  const { value } = s;
  const call = named(value);
  const name = textOf(value.span).replace(/\s+/g, ' ');
  const known = call && Object.hasOwn(METRICS, call.text) ? METRICS[call.text] : undefined;
  const { b } = ev;
  if (call && known) {
    const args = bindArguments({ callee: call.text, span: value.span, args: call.args }, known.parameters, [], env, sink);
    if (!args) return undefined;
    const node = b.within({ name: `metric ${call.text}` }, () => known.build(b, args, pred, target));
    return typeof node === 'number' ? { name, node } : ev.refuse(node, value.span);
  }
  const loss = call && Object.hasOwn(LOSSES, call.text) ? LOSSES[call.text] : undefined;
  if (call && loss) {
    const args = bindArguments({ callee: call.text, span: value.span, args: call.args }, loss.parameters, loss.optional ?? [], env, sink);
    if (!args) return undefined;
    const parts = operandsOf(b, loss, pred);
    if ('code' in parts) return ev.refuse(parts, value.span);
    const wants = loss.target?.(b.type(parts[0]), args, b.type(target));
    const mismatch = wants && ('code' in wants ? wants : targetMismatch(call.text, wants, b.type(target)));
    if (mismatch) return ev.refuse(mismatch, value.span);
    const node = lossValue(loss, { b, args, named: {} }, ...parts, target);
    return typeof node === 'number' ? { name, node } : ev.refuse(node, value.span);
  }
  const callee = value.kind === 'name' ? value : value.kind === 'call' ? value.callee : undefined;
  if (call && callee && !Object.hasOwn(LAYERS, call.text) && !env.has(call.text)) {
    const all = [...Object.keys(METRICS), ...Object.keys(LOSSES)];
    return ev.fail('NN201', callee.span, `there is no metric '${call.text}'`, { help: hint(call.text, all, 'metrics') });
  }
  return { name, node: scalar(ev, value, pred, target, env, `metrics: ${Object.keys(METRICS).join(', ')}`, 'a metric') };
}

/** An expression of `pred` and `target` that must be one number. */
function scalar(
  ev: Evaluation,
  value: A.Expr,
  pred: NodeId,
  target: NodeId,
  env: Environment,
  help: string,
  what: 'a loss' | 'a metric',
): NodeId {
  const { b } = ev;
  const inside = env.child();
  inside.define('pred', tensor(pred), value.span);
  inside.define('target', tensor(target), value.span);
  const kind = what === 'a loss' ? 'loss' : 'metric';
  const result = b.within({ name: kind }, () => ev.evaluate(value, inside, { prefix: [kind], next: 0 }));
  if (result.kind !== 'tensor')
    return ev.fail('NN204', value.span, `${what} is a value that depends on the model, and this is ${describeValue(result)}`, { help });
  if (b.shape(result.id).length > 0)
    return ev.fail('NN203', value.span, `${what} is one number, and this is ${showShape(b.shape(result.id))}`, {
      help: 'take its mean or its sum',
    });
  return b.cast(result.id, 'f32');
}
