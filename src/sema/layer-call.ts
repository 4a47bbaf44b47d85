import type { DiagnosticSink } from '../base/diagnostics.ts';
import { textOf, type Span } from '../base/source.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type * as A from '../parser/ast.ts';
import { bindArguments, hasType, outOfRange } from './arguments.ts';
import type { Const } from './constants.ts';
import { knownNumber, type Environment } from './environment.ts';
import type { Evaluation } from './evaluation.ts';
import { initialiserOf, type Initialiser, type Overrides } from './initialisers.ts';
import type { Layer } from './layers/layer.ts';
import { lift } from './stages.ts';
import { Reported, describeValue, stage, type Flow, type StagePart, type Value } from './values.ts';

/** Calls of layers and functions: which arguments are tensors, which are settings, and whether the call waits for its input. */

interface Operands {
  /** The values that flow in; undefined if the call is a stage. */
  readonly values: readonly { readonly value: Value; readonly expr: A.Expr }[] | undefined;
  readonly named: readonly { readonly name: string; readonly value: Value; readonly expr: A.Expr }[];
  /** Every other argument. */
  readonly rest: readonly A.Argument[];
}

export function layerCall(ev: Evaluation, sink: DiagnosticSink, layer: Layer, e: A.CallExpr, env: Environment, flow: Flow): Value {
  const name = e.callee.text;
  const label = flow.label;
  const inner: Flow = label === undefined ? flow : { prefix: flow.prefix, next: flow.next };
  const { values, named, rest } = operands(ev, layer, e, env, inner);
  const overrides: Record<string, Initialiser | undefined> = {};
  const settings = rest.filter((a) => {
    const key = a.name?.text ?? '';
    if ((key !== 'init' && key !== 'bias_init') || Object.hasOwn(layer.parameters, key)) return true;
    overrides[key] = initialiserOf(a.value, env, sink);
    if (!overrides[key]) throw new Reported(name);
    return false;
  });
  const bound = bindArguments(
    { callee: name, span: e.span, inputs: Array.isArray(layer.inputs) ? layer.inputs : [], args: gathered(layer, settings, e.span) },
    layer.parameters,
    layer.optional ?? [],
    env,
    sink,
  );
  if (!bound) throw new Reported(name);
  const places = flow.several === e && Object.hasOwn(layer.parameters, 'return_indices');
  const args = places ? { ...bound, return_indices: true } : bound;
  const text = textOf(e.span).replace(/\s+/g, ' ');
  const inits: Overrides = { init: overrides['init'], bias_init: overrides['bias_init'] };
  const run = (path: readonly string[], xs: readonly Value[], given: readonly Value[], asStage: boolean): Value => {
    const ids = xs.map((x, i) => operand(ev, x, values?.[i]?.expr.span ?? e.span, layer.inputs?.[i] === 'index'));
    const tensors = Object.fromEntries(named.map((n, i) => [n.name, ev.tensorOf(given[i] ?? n.value, n.expr.span)]));
    return ev.m.build(layer, args, { path, text, span: e.span, ids, named: tensors, inits, asStage }, (p, notes) =>
      ev.refuse(p, e.span, notes),
    );
  };
  if (values) {
    const all = [...values, ...named].map((v) => v.value);
    return lift(ev, all, e.span, (vs) => {
      const before = ev.m.params.length;
      const result = run([...flow.prefix, label ?? String(flow.next)], vs.slice(0, values.length), vs.slice(values.length), false);
      // A call with weights takes an index in the chain, as a stage does.
      if (label === undefined && ev.m.params.length > before) flow.next++;
      return result;
    });
  }
  const inputs = layer.inputs ?? ['x'];
  if (inputs === 'many' || (inputs.length !== 1 && !layer.together))
    return ev.fail('NN202', e.span, `${name} takes ${inputs === 'many' ? 'values' : inputs.map((i) => `'${i}'`).join(', ')}`, {
      help: `call it: ${name}(${inputs === 'many' ? 'a, b' : inputs.join(', ')})`,
    });
  const part: StagePart = {
    label: undefined,
    span: e.span,
    text,
    transparent: false,
    expects: layer.expects?.(args) ?? (layer.keepsShape ? 'same' : undefined),
    run: (f, own, x) =>
      run(
        [...f.prefix, own],
        inputs.length === 1 ? [x] : together(ev, e, inputs, x),
        named.map((n) => n.value),
        true,
      ),
  };
  return stage([part]);
}

/** A value that flows in; integers in a list are indices where the layer expects indices, as in `m[[2, 0]]`. */
function operand(ev: Evaluation, x: Value, span: Span, isIndex: boolean): NodeId {
  const id = ev.tensorOf(x, span);
  const whole = isIndex && x.kind === 'const' && [x.value].flat(9).every(Number.isInteger);
  return whole ? ev.b.cast(id, 'i32') : id;
}

/** `permute(0, 2, 1)`, `reshape(2, 4)`: several numbers become the list that is the layer's only setting. */
function gathered(layer: Layer, settings: readonly A.Argument[], span: Span): readonly A.Argument[] {
  const [only, ...others] = Object.values(layer.parameters);
  const numbers = settings.every((a) => !a.name && (a.value.kind === 'number' || a.value.kind === 'unary'));
  if (settings.length < 2 || !numbers || only?.type !== 'sizes' || others.length > 0) return settings;
  return [{ name: undefined, span, value: { kind: 'list', items: settings.map((a) => a.value), span } }];
}

/** Splits the arguments into leading values that flow in, tensors by name, and settings. */
function operands(ev: Evaluation, layer: Layer, e: A.CallExpr, env: Environment, flow: Flow): Operands {
  const isNamed = (a: A.Argument): boolean => a.name !== undefined && (layer.named ?? []).includes(a.name.text);
  const named = e.args.filter(isNamed).map((a) => ({ name: a.name?.text ?? '', value: ev.evaluate(a.value, env, flow), expr: a.value }));
  const others = e.args.filter((a) => !isNamed(a));
  const inputs = layer.inputs ?? ['x'];
  const values =
    inputs === 'many'
      ? many(ev, layer, e, others, env, flow)
      : inputs.length === 1
        ? single(ev, layer, others, env, flow)
        : several(ev, layer, e, others, inputs, env, flow);
  return { values: values?.found, named, rest: values ? values.rest : others };
}

interface Found {
  readonly found: readonly { readonly value: Value; readonly expr: A.Expr }[];
  readonly rest: readonly A.Argument[];
}

/** Any number of values: every unnamed argument that is not a word. A tuple is taken apart. */
function many(ev: Evaluation, layer: Layer, e: A.CallExpr, args: readonly A.Argument[], env: Environment, flow: Flow): Found | undefined {
  const flowing = args.filter((a) => !a.name && a.value.kind !== 'string');
  const last = flowing.at(-1);
  if (!last) return undefined;
  if (Object.hasOwn(layer.parameters, 'dim') && (last.value.kind === 'number' || last.value.kind === 'unary')) {
    const values = flowing.slice(0, -1).map((a) => textOf(a.span));
    const dim = textOf(last.span);
    ev.fail('NN202', last.span, `${e.callee.text} joins tensors, and this is a number`, {
      help: `an axis is called by its name: ${e.callee.text}(${[...values, `dim=${dim}`].join(', ')})`,
    });
  }
  const found = flowing.flatMap((a) => {
    const value = ev.evaluate(a.value, env, flow);
    return value.kind === 'tuple' ? value.items.map((item) => ({ value: item, expr: a.value })) : [{ value, expr: a.value }];
  });
  return { found, rest: args.filter((a) => !flowing.includes(a)) };
}

/** The first argument, if it is a value that flows in. A plain number is a setting if the layer has settings. */
function single(ev: Evaluation, layer: Layer, args: readonly A.Argument[], env: Environment, flow: Flow): Found | undefined {
  const [first, ...rest] = args;
  if (!first || first.name) return undefined;
  const [[key, setting] = []] = Object.entries(layer.parameters);
  const isWord = first.value.kind === 'string' || first.value.kind === 'boolean';
  const isBareWord = first.value.kind === 'name' && setting?.type === 'string' && env.lookup(first.value.name) === undefined;
  if (setting && (isWord || isBareWord)) return undefined;
  const parts = first.value.kind === 'list' ? first.value.items : [first.value];
  if (setting?.none !== undefined && parts.some((x) => x.kind === 'name' && x.name === 'None')) return undefined;
  const value = ev.evaluate(first.value, env, flow);
  // A computed size: Linear(max(4, 3), 2).
  const isSize = setting !== undefined && setting.default === undefined && (setting.type === 'int' || setting.type === 'sizes');
  if (isSize && value.kind === 'tensor' && !(layer.optional ?? []).includes(key ?? '') && knownNumber(ev.b, value.id) !== undefined)
    return undefined;
  const isList = value.kind === 'const' && Array.isArray(value.value);
  // A list is a setting only if that setting is required: reshape([2, 3]), but sum([1, 2, 3]).
  const required = setting?.default === undefined && !(layer.optional ?? []).includes(key ?? '');
  // If there are more arguments than settings, the first one flows in: reshape([1, 2, 3, 4], [2, 2]).
  const many = args.filter((a) => !a.name).length > Object.keys(layer.parameters).length;
  const flows = isList && setting !== undefined && (many || isNoSetting(ev, layer, value.value, args, env));
  const takesList =
    setting?.type === 'factors' || (required && setting !== undefined && ['sizes', 'pair', 'columns'].includes(setting.type));
  if (value.kind === 'const' && setting && !(isList && (flows || !takesList))) return undefined;
  return { found: [{ value, expr: first.value }], rest };
}

/**
 * Whether a list cannot be the first setting, or is followed by an argument that fits the first setting but not the second: `pad([1, 2],
 * 1)`.
 */
function isNoSetting(ev: Evaluation, layer: Layer, list: Const, args: readonly A.Argument[], env: Environment): boolean {
  const [first, second] = Object.values(layer.parameters);
  if (!first || !hasType(list, first.type) || outOfRange(list, first) !== undefined) return true;
  const next = args.filter((a) => !a.name)[1]?.value;
  const plain = next && (next.kind === 'number' || next.kind === 'unary' || next.kind === 'list' || next.kind === 'name');
  if (!plain || !second || (next.kind === 'name' && env.constant(next.name) === undefined)) return false;
  const value = ev.evaluate(next, env, { prefix: [], next: 0 });
  return value.kind === 'const' && hasType(value.value, first.type) && (first.type === 'factors' || !hasType(value.value, second.type));
}

/** The values of a list that flows into a stage with several inputs. */
function together(ev: Evaluation, e: A.CallExpr, inputs: readonly string[], x: Value): readonly Value[] {
  if (x.kind === 'tuple' && x.items.length === inputs.length) return x.items;
  const list = `[${inputs.join(', ')}]`;
  return ev.fail('NN204', e.span, `${e.callee.text} takes ${list}, and this is ${describeValue(x)}`, { help: `write ${list} -> ...` });
}

function several(
  ev: Evaluation,
  layer: Layer,
  e: A.CallExpr,
  args: readonly A.Argument[],
  inputs: readonly string[],
  env: Environment,
  flow: Flow,
): Found | undefined {
  const given = args.slice(0, inputs.length).filter((a) => !a.name);
  const [first] = given;
  if (!first) return undefined;
  if (layer.together) {
    const value = ev.evaluate(first.value, env, flow);
    // A number is a setting, so the values are still to come.
    if (value.kind === 'const' && typeof value.value === 'number') return undefined;
  }
  if (given.length < inputs.length)
    return ev.fail(
      'NN202',
      e.span,
      `${e.callee.text} takes ${inputs.length} values, and ${given.length} ${given.length === 1 ? 'is' : 'are'} given`,
      {
        help: `it is ${e.callee.text}(${inputs.join(', ')})`,
      },
    );
  const found = given.map((a) => ({ value: ev.evaluate(a.value, env, flow), expr: a.value }));
  for (const { value, expr } of found)
    if (value.kind === 'tuple') ev.fail('NN204', expr.span, `a tensor is needed here, and this is ${describeValue(value)}`);
  return { found, rest: args.slice(inputs.length) };
}
