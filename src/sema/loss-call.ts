import type { DiagnosticSink } from '../base/diagnostics.ts';
import type { Span } from '../base/source.ts';
import { sameShape, showShape, type TensorType } from '../base/types.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type * as A from '../parser/ast.ts';
import { bindArguments, type AnyArgs } from './arguments.ts';
import type { Environment } from './environment.ts';
import type { Evaluation } from './evaluation.ts';
import { broadcastTo } from './arithmetic.ts';
import { lossValue, notNumbers, targetMismatch, type Loss } from './losses/loss.ts';
import { knownValue } from './known.ts';
import { lift } from './stages.ts';
import { Reported, tensor, type Flow, type Value } from './values.ts';

/** A loss as a function in an expression: `mse(pred, target)`, `0.1 * l1(w)`, `cross_entropy(a, b, reduction=none)`. */
export function lossCall(ev: Evaluation, sink: DiagnosticSink, loss: Loss, e: A.CallExpr, env: Environment, flow: Flow): Value {
  const name = e.callee.text;
  const names = [...(loss.operands ?? ['pred']), ...(loss.target ? ['target'] : [])];
  const least = loss.zero ? 1 : names.length;
  const isNamed = (a: A.Argument): boolean => (loss.named ?? []).includes(a.name?.text ?? '');
  const named = e.args.filter(isNamed);
  // Accepts PyTorch's argument names too: mse(input=pred, target=target).
  const place = (a: A.Argument): number => names.indexOf(a.name?.text === 'input' ? 'pred' : (a.name?.text ?? ''));
  const placed = e.args.filter((a) => a.name && place(a) >= 0).sort((a, b) => place(a) - place(b));
  const plain = e.args.filter((a) => !a.name);
  const operands = placed.every((a, i) => place(a) === plain.length + i) ? [...plain, ...placed] : plain;
  if (operands.length < least || operands.length > names.length)
    return ev.fail(
      'NN202',
      e.span,
      `${name} compares ${least === names.length ? '' : 'up to '}${names.length} values, and ${operands.length} ${operands.length === 1 ? 'is' : 'are'} given`,
      {
        help: `in an expression it is ${name}(${names.join(', ')})`,
      },
    );
  const settings = e.args.filter((a) => a.name && !isNamed(a) && !operands.includes(a));
  const args = bindArguments({ callee: name, span: e.span, args: settings }, loss.parameters, loss.optional ?? [], env, sink);
  if (!args) throw new Reported(name);
  const compared = operands.slice(0, loss.operands?.length ?? 1).map((a) => ev.evaluate(a.value, env, flow));
  const [first] = compared;
  const last = operands[names.length - 1]?.value;
  // An undeclared target takes the type that the loss expects.
  if (loss.target && last?.kind === 'name' && first?.kind === 'tensor' && ev.targets?.has(last.name) && !env.has(last.name)) {
    const type = loss.target(ev.b.type(first.id), args, ev.targets.typeOf(last.name));
    const by = named.map((a) => a.name?.text ?? '');
    if (!('code' in type)) ev.targets.want(last.name, { type, by: name, ...labelsOf(loss, args, ev.b.type(first.id), type, by) });
  }
  const rest = [...operands.slice(compared.length), ...named].map((a) => ev.evaluate(a.value, env, flow));
  const values = [...compared, ...rest];
  return lift(ev, values, e.span, (vs) => {
    const { b } = ev;
    const ids = vs.map((v, i) => ev.tensorOf(v, [...operands, ...named][i]?.value.span ?? e.span));
    const given = ids.slice(0, operands.length);
    const [pred = -1] = given;
    for (const [i, id] of given.slice(0, compared.length).entries())
      given[i] = alike(ev, name, names, id, pred, operands[i]?.value.span ?? e.span);
    ev.targets?.compared(pred, loss, args);
    if (loss.target) {
      const target = given[names.length - 1];
      const wanted = loss.target(b.type(pred), args, target === undefined ? undefined : b.type(target));
      if ('code' in wanted) return ev.refuse(wanted, e.span);
      const fit = fitted(ev, name, target ?? b.full(0, wanted), wanted, e);
      given[names.length - 1] = fit;
      labelsFit(ev, fit, labelsOf(loss, args, b.type(pred), wanted), last?.span ?? e.span);
    }
    const extra = Object.fromEntries(named.map((a, i) => [a.name?.text ?? '', ids[operands.length + i]]));
    const settings = withIgnored(loss, args, ev.targets?.ignored(given[names.length - 1]));
    const result = b.within({ name: `loss ${name}` }, () => lossValue(loss, { b, args: settings, named: extra }, pred, ...given.slice(1)));
    return typeof result === 'number' ? tensor(result) : ev.refuse(result, e.span);
  });
}

/** An operand of a loss as floats in the shape of the first operand; a single number is repeated. */
function alike(ev: Evaluation, name: string, names: readonly string[], id: NodeId, first: NodeId, span: Span): NodeId {
  const { b } = ev;
  const wrong = notNumbers(b, id);
  if (wrong) return ev.refuse(wrong, span);
  const [mine, shape] = [b.shape(id), b.shape(first)];
  if (sameShape(mine, shape)) return id;
  if (mine.length === 0) return broadcastTo(b, id, shape);
  return ev.fail(
    'NN203',
    span,
    `${name} compares values of one shape: this is ${showShape(mine)}, and ${names[0] ?? 'pred'} is ${showShape(shape)}`,
  );
}

/** The target in the type that the loss expects: numbers broadcast as in arithmetic; labels must be integers. */
function fitted(ev: Evaluation, name: string, target: NodeId, wanted: ReturnType<Evaluation['b']['type']>, e: A.CallExpr): NodeId {
  const { b } = ev;
  const numbers = wanted.dtype === 'f32' ? b.cast(target, 'f32') : target;
  const single = b.shape(numbers).every((d) => d === 1);
  const spread = single && !sameShape(b.shape(numbers), wanted.shape) ? broadcastTo(b, numbers, wanted.shape) : numbers;
  const wrong = targetMismatch(name, wanted, b.type(spread));
  if (!wrong) return spread;
  const by = ev.targets?.toldBy(target);
  if (by === undefined || by === name) return ev.refuse(wrong, e.span);
  const kind = b.type(target).dtype === 'i32' ? 'labels' : 'numbers';
  const told = targetMismatch(name, wanted, b.type(target)) ?? wrong;
  return ev.refuse({ ...told, help: `${by} made the target ${kind}: declare one for each loss, as in: target y: [1]` }, e.span);
}

/** Labels known at compile time must be valid classes, like those of data. */
function labelsFit(ev: Evaluation, target: NodeId, { classes, ignored }: ReturnType<typeof labelsOf>, span: A.Expr['span']): void {
  const labels = classes === undefined ? undefined : knownValue(ev.b, target)?.data;
  const wrong = labels && Array.from(labels).find((v) => v !== ignored && !(v >= 0 && v < (classes ?? 0)));
  if (wrong === undefined) return;
  ev.fail('NN306', span, `the label ${wrong} is none of the ${classes ?? 0} classes, which are 0 to ${(classes ?? 0) - 1}`, {
    help: `ignore_index=${wrong} leaves it out`,
  });
}

/** A label that one loss ignores is not a class, so other losses with the same target ignore it too. */
export function withIgnored(loss: Loss, args: AnyArgs, ignored: number | undefined): AnyArgs {
  if (ignored === undefined || args['ignore_index'] !== undefined || !Object.hasOwn(loss.parameters, 'ignore_index')) return args;
  return { ...args, ignore_index: ignored };
}

/** The number of classes of a target's labels, and the ignored label; or that the target is yes and no. */
export function labelsOf(
  loss: Loss,
  args: AnyArgs,
  pred: TensorType,
  target: TensorType,
  named: readonly string[] = [],
): { readonly classes?: number | undefined; readonly ignored?: number; readonly shares?: true } {
  if (loss.shares) return { shares: true };
  if (target.dtype !== 'i32') return {};
  const ignored = args['ignore_index'];
  return { classes: loss.classes?.(pred, args, named), ...(typeof ignored === 'number' ? { ignored } : {}) };
}
