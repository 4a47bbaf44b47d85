import { DiagnosticSink } from '../base/diagnostics.ts';
import { textOf } from '../base/source.ts';
import { showShape } from '../base/types.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type * as A from '../parser/ast.ts';
import { advice } from './advice.ts';
import { bindArguments, type AnyArgs } from './arguments.ts';
import type { Definitions, Environment } from './environment.ts';
import type { Evaluation } from './evaluation.ts';
import { LAYERS } from './layers/registry.ts';
import { labelsOf, withIgnored } from './loss-call.ts';
import { lossValue, notNumbers, operandsOf, targetMismatch, type Loss } from './losses/loss.ts';
import { LOSSES } from './losses/registry.ts';
import type { Better, Metric } from './metric.ts';
import { METRICS } from './metrics.ts';
import type { Targets } from './targets.ts';
import { describeValue } from './values.ts';

/** The loss and the metrics of a program. */
export interface Goals {
  readonly ev: Evaluation;
  readonly sink: DiagnosticSink;
  readonly defs: Definitions;
  readonly env: Environment;
  readonly targets: Targets;
  /** The loss, from which a metric takes the axis of the classes. */
  readonly loss: A.LossStatement | undefined;
}

interface Named {
  readonly text: string;
  readonly span: A.Expr['span'];
  readonly args: readonly A.Argument[];
}

/** The name and arguments of `mse` or `huber(delta=2)`; undefined for other expressions. */
function named(e: A.Expr): Named | undefined {
  if (e.kind === 'name') return { text: e.name, span: e.span, args: [] };
  return e.kind === 'call' ? { text: e.callee.text, span: e.callee.span, args: e.args } : undefined;
}

/** Whether a call has only settings: `huber(delta=2)`, and not `huber(pred, target)`. */
const bare = (g: Goals, call: Named): boolean => {
  const [first] = call.args;
  if (!first || (first.name && !['input', 'pred', 'target'].includes(first.name.text))) return true;
  if (first.name) return false;
  const { value } = first;
  return (
    value.kind === 'number' ||
    value.kind === 'boolean' ||
    value.kind === 'string' ||
    (value.kind === 'name' && g.env.constant(value.name) !== undefined)
  );
};

/** The named loss of a statement, with its settings; undefined for other expressions. */
function namedLoss(g: Goals, e: A.Expr): { readonly name: string; readonly loss: Loss; readonly args: AnyArgs | undefined } | undefined {
  const call = named(e);
  const loss = call && !g.defs.has(call.text) && Object.hasOwn(LOSSES, call.text) ? LOSSES[call.text] : undefined;
  if (!call || !loss || !bare(g, call)) return undefined;
  const args = bindArguments({ callee: call.text, span: e.span, args: call.args }, loss.parameters, loss.optional ?? [], g.env, g.sink);
  return { name: call.text, loss, args };
}

/**
 * Tells the targets in advance what a named loss compares with, so that earlier lines may name the target. Errors are reported when the
 * statement itself is read.
 */
export function foretell(g: Goals, s: A.LossStatement | undefined, pred: NodeId): void {
  const found = s && namedLoss({ ...g, sink: new DiagnosticSink() }, s.value);
  if (!found?.args || !found.loss.target || g.targets.typeOf('target')) return;
  const parts = operandsOf(g.ev.b, found.loss, pred);
  if ('code' in parts) return;
  const type = found.loss.target(g.ev.b.type(parts[0]), found.args, undefined);
  if (!('code' in type)) g.targets.want('target', { type, ...labelsOf(found.loss, found.args, g.ev.b.type(parts[0]), type) });
}

/** A named loss, or any scalar expression of `pred`, `target` and names of the file. */
export function lossOf(g: Goals, s: A.LossStatement, pred: NodeId | undefined): NodeId | undefined {
  const { value } = s;
  const found = namedLoss(g, value);
  if (found) return pred === undefined ? undefined : lossOfPrediction(g, found, pred, value);
  const call = named(value);
  if (call && unknown(g, call) && call.text !== 'pred')
    return g.ev.fail('NN201', call.span, `there is no loss '${call.text}'`, { help: advice(call.text, Object.keys(LOSSES), 'losses') });
  return pred === undefined ? undefined : scalar(g, value, `losses: ${Object.keys(LOSSES).join(', ')}`, 'a loss');
}

/** Whether a call names nothing known. */
const unknown = (g: Goals, call: Named): boolean =>
  !Object.hasOwn(LAYERS, call.text) &&
  !Object.hasOwn(LOSSES, call.text) &&
  !g.env.has(call.text) &&
  !g.defs.has(call.text) &&
  !g.targets.has(call.text);

/** A named loss of the model's output. */
function lossOfPrediction(
  g: Goals,
  { name, loss, args }: NonNullable<ReturnType<typeof namedLoss>>,
  pred: NodeId,
  value: A.Expr,
): NodeId | undefined {
  if (!args) return undefined;
  const { ev, targets } = g;
  const { b } = ev;
  const parts = operandsOf(b, loss, pred);
  if ('code' in parts) return ev.refuse(parts, value.span);
  targets.compared(parts[0], loss, args);
  const target: NodeId[] = [];
  if (loss.target) {
    const names = targets.several();
    if (names.length > 0)
      return ev.fail('NN211', value.span, `${name} compares with one target, and there are ${names.length}: ${names.join(', ')}`, {
        help: `say which: ${name}(pred, ${names[0] ?? 'target'})`,
      });
    const declared = targets.typeOf('target');
    const type = loss.target(b.type(parts[0]), args, declared);
    if ('code' in type) return ev.refuse(type, value.span);
    const mismatch = declared && targetMismatch(name, type, declared);
    if (mismatch) return ev.refuse(mismatch, value.span);
    targets.want('target', { type, ...labelsOf(loss, args, b.type(parts[0]), type) });
    target.push(targets.node('target', type) ?? -1);
  }
  const settings = withIgnored(loss, args, targets.ignored(target[0]));
  const result = b.within({ name: `loss ${name}` }, () => lossValue(loss, { b, args: settings, named: {} }, ...parts, ...target));
  if (typeof result !== 'number') return ev.refuse(result, value.span);
  return oneNumber(g, result, value, 'a loss');
}

/** A metric as the graph has it. */
export interface MetricNode {
  /** The name in tables. */
  readonly name: string;
  readonly node: NodeId;
  /** Whether higher or lower is better; unknown for an expression. */
  readonly better: Better | undefined;
}

/** A named metric, a loss, or any scalar expression. */
export function metricOf(g: Goals, s: A.MetricStatement, pred: NodeId): MetricNode | undefined {
  const { value } = s;
  const { ev, targets } = g;
  const { b } = ev;
  const call = named(value);
  const name = textOf(value.span).replace(/\s+/g, ' ');
  const known = call && !g.defs.has(call.text) && Object.hasOwn(METRICS, call.text) ? METRICS[call.text] : undefined;
  if (call && known) {
    // Explicit operands: accuracy(pred, kind).
    const operands = bare(g, call) ? [] : call.args.filter((a) => !a.name);
    const settings = call.args.filter((a) => !operands.includes(a));
    const bound = bindArguments(
      { callee: call.text, span: value.span, args: settings },
      known.parameters,
      known.optional ?? [],
      g.env,
      g.sink,
    );
    if (!bound) return undefined;
    const args = operands.length > 0 ? bound : withAxis(g, known, bound);
    const [, , extra] = operands;
    if (extra)
      return ev.fail('NN202', extra.span, `${call.text} compares 2 values, and ${operands.length} are given`, {
        help: `it is ${call.text}(pred, target${Object.keys(known.parameters)
          .map((p) => `, ${p}=...`)
          .join('')})`,
      });
    const given = operands.map((a) => ev.tensorOf(ev.evaluate(a.value, g.env, { prefix: ['metric'], next: 0 }), a.span));
    const names = targets.several();
    if (given.length < 2 && names.length > 0)
      return ev.fail('NN211', value.span, `${call.text} compares with one target, and there are ${names.length}: ${names.join(', ')}`, {
        help: `say which: ${call.text}(pred, ${names[0] ?? 'target'})`,
      });
    const wrong = notNumbers(b, given[0] ?? pred);
    if (wrong) return ev.refuse(wrong, value.span);
    const [mine = pred, compared = targets.node('target', b.type(pred)) ?? -1] = given;
    // A scalar is compared with every element: accuracy(disc(real), 1).
    const other = b.shape(compared).length === 0 ? b.splat(compared, b.shape(mine)) : compared;
    const says = { undecided: targets.undecided(mine), ignored: targets.ignored(other) };
    const node = b.within({ name: `metric ${call.text}` }, () => known.build(b, args, mine, other, says));
    return typeof node === 'number' ? { name, node, better: known.better } : ev.refuse(node, value.span);
  }
  const loss = namedLoss(g, value);
  if (loss) {
    const node = lossOfPrediction(g, loss, pred, value);
    return node === undefined ? undefined : { name, node, better: 'lower' };
  }
  if (call && unknown(g, call)) {
    const all = [...Object.keys(METRICS), ...Object.keys(LOSSES)];
    return ev.fail('NN201', call.span, `there is no metric '${call.text}'`, { help: advice(call.text, all, 'metrics') });
  }
  return { name, node: scalar(g, value, `metrics: ${Object.keys(METRICS).join(', ')}`, 'a metric'), better: undefined };
}

/** Adds the loss's class axis to the settings of a metric. */
function withAxis(g: Goals, metric: Metric, args: AnyArgs): AnyArgs {
  const dim = g.loss && namedLoss({ ...g, sink: new DiagnosticSink() }, g.loss.value)?.args?.['dim'];
  return dim === undefined || args['dim'] !== undefined || !Object.hasOwn(metric.parameters, 'dim') ? args : { ...args, dim };
}

/** An expression that must be a scalar. A function of the file without operands is called with pred and target. */
function scalar(g: Goals, value: A.Expr, help: string, what: 'a loss' | 'a metric'): NodeId {
  const { ev } = g;
  const kind = what === 'a loss' ? 'loss' : 'metric';
  const result = ev.b.within({ name: kind }, () => ev.evaluate(withOperands(g, value), g.env, { prefix: [kind], next: 0 }));
  if (result.kind !== 'tensor')
    return ev.fail('NN204', value.span, `${what} is a value that depends on the model, and this is ${describeValue(result)}`, { help });
  return oneNumber(g, result.id, value, what);
}

function oneNumber(g: Goals, id: NodeId, value: A.Expr, what: 'a loss' | 'a metric'): NodeId {
  const shape = g.ev.b.shape(id);
  if (shape.length > 0)
    return g.ev.fail('NN203', value.span, `${what} is one number, and this is ${showShape(shape)}`, { help: 'take its mean or its sum' });
  return g.ev.b.cast(id, 'f32');
}

/** Turns `loss mine` with `fn mine(pred, target) = ...` into `mine(pred, target)`. */
function withOperands(g: Goals, e: A.Expr): A.Expr {
  const call = named(e);
  const def = call && g.defs.get(call.text);
  if (!call || def?.kind !== 'fn' || call.args.some((a) => !a.name)) return e;
  const free = def.parameters.filter((p) => !p.value && !call.args.some((a) => a.name?.text === p.name.text)).length;
  const given = ['pred', 'target'].slice(0, free).map((name): A.Argument => {
    const value: A.NameExpr = { kind: 'name', name, span: e.span };
    return { name: undefined, value, span: e.span };
  });
  return { kind: 'call', callee: { text: call.text, span: call.span }, args: [...given, ...call.args], span: e.span };
}
