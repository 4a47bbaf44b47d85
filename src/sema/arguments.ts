import type { Code } from '../base/codes.ts';
import type { DiagnosticSink } from '../base/diagnostics.ts';
import type { Span } from '../base/source.ts';
import { evalScalar, type ScalarExpr } from '../base/scalar.ts';
import { hint } from '../base/suggest.ts';
import type { Argument, Expr } from '../parser/ast.ts';
import { MAX_F32, describeConst, evalConst, type Const, type ConstScope } from './constants.ts';
import { nameOf } from './dotted.ts';
import { calledHere, foreignArgument } from './foreign-arguments.ts';

/** What an argument may be. `default: undefined` means that it is required. */
export interface Parameter {
  readonly type: keyof ValueTypes;
  readonly default?: Const;
  /** Inclusive bounds of numbers. */
  readonly min?: number;
  readonly max?: number;
  /** Exclusive upper bound, such as 1 for a probability or a beta. */
  readonly below?: number;
  readonly choices?: readonly string[];
  /** The number that `None` stands for, if `None` is allowed. */
  readonly none?: number;
  /** What to show where the default explains nothing. */
  readonly example?: Const;
  /** One line for the docs. */
  readonly doc: string;
}

interface ValueTypes {
  int: number;
  number: number;
  bool: boolean;
  string: string;
  pair: readonly [number, number];
  columns: readonly string[];
  numbers: readonly number[];
  /** An integer, or one for each axis. */
  sizes: number | readonly number[];
  /** A number, or `inf`. */
  order: number;
  /** Sizes, or a word such as `same`. */
  padding: number | readonly number[] | string;
  /** One number, or one for each axis. */
  factors: number | readonly number[];
  /** A number, or an expression of the step. */
  schedule: ScalarExpr;
  /** A pair of schedules. */
  rates: readonly [ScalarExpr, ScalarExpr];
}

export type Parameters = Readonly<Record<string, Parameter>>;
/** The checked arguments of a parameter list. */
export type ArgsOf<P extends Parameters> = { readonly [K in keyof P]: ValueTypes[P[K]['type']] };
/** Like {@link ArgsOf}, but untyped. */
export type AnyArgs = Readonly<Record<string, Const>>;

const DESCRIBE: Readonly<Record<keyof ValueTypes, string>> = {
  int: 'a whole number',
  number: 'a number',
  bool: 'true or false',
  string: 'a word',
  pair: 'a pair of numbers',
  columns: 'a name or a list of names',
  numbers: 'a list of numbers',
  sizes: 'a whole number, or one for each axis',
  order: 'a number or inf',
  padding: 'a whole number, one for each axis, or a word',
  factors: 'a number, or one for each axis',
  schedule: 'a number or a schedule',
  rates: 'a pair of numbers',
};

/** Expressions of the step are lists that start with the name of an operation. */
const isRate = (v: Const): boolean => typeof v === 'number' || (Array.isArray(v) && typeof v[0] === 'string');

/** Whether a value has a parameter's type. */
export function hasType(v: Const, type: keyof ValueTypes): boolean {
  switch (type) {
    case 'int':
      return typeof v === 'number' && Number.isInteger(v);
    case 'number':
    case 'order':
      return typeof v === 'number';
    case 'schedule':
      return isRate(v);
    case 'rates':
      return Array.isArray(v) && v.length === 2 && v.every(isRate);
    case 'bool':
      return typeof v === 'boolean';
    case 'string':
      return typeof v === 'string';
    case 'pair':
      return Array.isArray(v) && v.length === 2 && v.every((x) => typeof x === 'number');
    case 'numbers':
      return Array.isArray(v) && v.every((x) => typeof x === 'number');
    case 'padding':
      return typeof v === 'string' || hasType(v, 'sizes');
    case 'sizes':
      return [v].flat().every((x) => typeof x === 'number' && Number.isInteger(x));
    case 'factors':
      return [v].flat().every((x) => typeof x === 'number');
    case 'columns':
      return Array.isArray(v) && v.every((x) => typeof x === 'string');
  }
}

export interface Call {
  /** `Linear`, `optim adam`: the name for messages. */
  readonly callee: string;
  readonly span: Span;
  readonly args: readonly Argument[];
  /** The values that stand before the arguments, where a call has several. */
  readonly inputs?: readonly string[];
  /** Settings (`lr=0.01 shuffle`) instead of call arguments: a bare word sets a flag. */
  readonly settings?: boolean;
  /** What to say of a setting that is unknown here and known elsewhere. */
  readonly elsewhere?: (name: string) => string | undefined;
  /** Reads schedules, for settings that may be one. */
  readonly schedule?: (e: Expr, scope: ConstScope, sink: DiagnosticSink) => Const | undefined;
}

/** `Linear(in_features, out_features, bias=true)` */
export function signature(callee: string, parameters: Parameters, inputs: readonly string[] = []): string {
  const own = Object.entries(parameters).map(([name, p]) => (p.default === undefined ? name : `${name}=${showConst(p.default)}`));
  const parts = [...inputs, ...own];
  return parts.length ? `${callee}(${parts.join(', ')})` : callee;
}

export function showConst(v: Const): string {
  return Array.isArray(v) ? `(${v.map(showConst).join(', ')})` : String(v);
}

/** Like {@link showConst}, but shows only the operation of an expression of the step. */
function showValue(v: Const): string {
  if (typeof v === 'number' || !Array.isArray(v)) return showConst(v);
  if (!isRate(v)) return `(${v.map(showValue).join(', ')})`;
  return `${evalScalar(v as unknown as ScalarExpr, { step: 0, seed: 0, total: 1000 })} in the first step`;
}

/** Matches arguments with parameters. Reports every mistake and is undefined then. Optional ones without a default are left out. */
export function bindArguments(
  call: Call,
  parameters: Parameters,
  optional: readonly string[],
  scope: ConstScope,
  sink: DiagnosticSink,
): AnyArgs | undefined {
  const names = Object.keys(parameters);
  const found: Record<string, Const> = {};
  const given = new Set<string>();
  let ok = true;
  const wrong: Report = (code, span, label, help) => {
    sink.error(code, span, label, help ? { help } : {});
    ok = false;
  };
  let position = 0;
  for (const arg of call.args) {
    const flag = flagOf(call, arg);
    const name = arg.of ? undefined : (arg.name?.text ?? flag ?? names[position++]);
    const parameter = parameterOf(call, arg, name, parameters, wrong);
    if (!parameter || name === undefined) continue;
    if (given.has(name)) {
      wrong('NN202', arg.span, `'${name}' is given twice`);
      continue;
    }
    given.add(name);
    const value = flag ? true : evalArgument(arg, parameter, scope, sink, call.schedule);
    if (value === undefined) ok = false;
    else if (checkValue(value, arg, name, parameter, flag !== undefined, wrong)) found[name] = value;
  }
  const missing = names.filter((n) => !given.has(n) && parameters[n]?.default === undefined && !optional.includes(n));
  if (missing.length && ok) {
    const list = missing.map((m) => `'${m}'`).join(' and ');
    wrong('NN202', call.span, `${call.callee} needs ${list}`, `it is ${signature(call.callee, parameters, call.inputs)}`);
  }
  if (!ok) return undefined;
  for (const n of names) {
    const value = found[n] ?? parameters[n]?.default;
    if (value !== undefined) found[n] = value;
  }
  return found;
}

type Report = (code: Code, span: Span, label: string, help?: string) => void;

/** A setting that is a bare word, and so true. */
function flagOf(call: Call, arg: Argument): string | undefined {
  return call.settings && !arg.of && !arg.name && arg.value.kind === 'name' ? arg.value.name : undefined;
}

/** The parameter that an argument is for; undefined, with an error, if there is none. */
function parameterOf(call: Call, arg: Argument, name: string | undefined, parameters: Parameters, wrong: Report): Parameter | undefined {
  const names = Object.keys(parameters);
  if (arg.of) {
    wrong('NN202', arg.of.span, `no setting of ${call.callee} differs by group`, 'groups have settings in an optim line: lr[head]=0.1');
    return undefined;
  }
  if (name === undefined) {
    const most = names.length === 0 ? 'no arguments' : `at most ${names.length} argument${names.length === 1 ? '' : 's'}`;
    wrong('NN202', arg.span, `${call.callee} takes ${most}`, `it is ${signature(call.callee, parameters, call.inputs)}`);
    return undefined;
  }
  if (Object.hasOwn(parameters, name)) return parameters[name];
  wrong(
    'NN202',
    arg.name?.span ?? arg.span,
    `${call.callee} has no ${call.settings ? 'setting' : 'argument'} '${name}'`,
    calledHere(name, names) ??
      call.elsewhere?.(name) ??
      foreignArgument(name, names, flagOf(call, arg) !== undefined) ??
      (names.length ? hint(name, names, 'it has') : `write ${call.callee} alone`),
  );
  return undefined;
}

/** Whether a value has the parameter's type. One outside the parameter's range is an error too, but may be used to look for others. */
function checkValue(value: Const, arg: Argument, name: string, parameter: Parameter, isFlag: boolean, wrong: Report): boolean {
  const { span } = arg.value;
  if (!hasType(value, parameter.type)) {
    const example = parameter.example ?? parameter.default;
    const pair = (parameter.type === 'pair' || parameter.type === 'rates') && example !== undefined ? `, as ${showConst(example)}` : '';
    wrong('NN204', span, `'${name}' is ${DESCRIBE[parameter.type]}${pair}, and this is ${isFlag ? 'a bare word' : describeConst(value)}`);
    return false;
  }
  const range = outOfRange(value, parameter);
  const choices = parameter.choices && hint(String(value), parameter.choices, 'it can be');
  if (range) wrong('NN206', span, `'${name}' must be ${range}, and this is ${showValue(value)}`, choices);
  return true;
}

/** Choices and columns may be bare words; everything else is evaluated. */
function evalArgument(
  arg: Argument,
  parameter: Parameter,
  scope: ConstScope,
  sink: DiagnosticSink,
  schedule: Call['schedule'],
): Const | undefined {
  const { none } = parameter;
  const number = (e: Expr): Expr =>
    none !== undefined && e.kind === 'name' && e.name === 'None' ? { kind: 'number', value: none, span: e.span } : e;
  const value = arg.value.kind === 'list' ? { ...arg.value, items: arg.value.items.map(number) } : number(arg.value);
  const word = (e: Expr): string | undefined => (e.kind === 'name' ? e.name : e.kind === 'string' ? e.value : undefined);
  if (parameter.type === 'string' && value.kind === 'name') return value.name;
  if (parameter.type === 'string' && value.kind === 'number' && parameter.choices?.includes(String(value.value)))
    return String(value.value);
  if (parameter.type === 'order' && word(value) === 'inf') return Infinity;
  if (parameter.type === 'padding' && value.kind === 'name' && !scope.has(value.name)) return value.name;
  if (parameter.type === 'schedule' && schedule) return schedule(value, scope, sink);
  if (parameter.type === 'rates' && schedule && value.kind === 'list') {
    const items = value.items.map((item) => schedule(item, scope, sink));
    return items.every((i) => i !== undefined) ? items : undefined;
  }
  if (parameter.type === 'columns') {
    const items = value.kind === 'list' ? value.items : [value];
    // Columns without names are called by their place.
    const words = items.map((item) => (item.kind === 'number' && Number.isInteger(item.value) ? String(item.value) : nameOf(item)));
    if (words.every((w) => w !== undefined)) return words;
  }
  return evalConst(value, scope, sink);
}

/** Sizes and counts are 32-bit numbers on every device. */
const MAX_INT = 0x7fffffff;

/** What a value must be, if it is not what the parameter allows. */
export function outOfRange(v: Const, p: Parameter): string | undefined {
  if (p.choices && typeof v === 'string' && !p.choices.includes(v)) return `one of ${p.choices.join(', ')}`;
  // Later values of a schedule depend on the length of the run, but every run has a first step, so only that one is checked.
  const first = (e: Const): Const => (isRate(e) ? evalScalar(e as ScalarExpr, { step: 0, seed: 0, total: 1000 }) : e);
  const numbers = p.type === 'schedule' ? [first(v)] : p.type === 'rates' ? (v as readonly Const[]).map(first) : [v].flat();
  for (const n of numbers) {
    if (typeof n !== 'number') continue;
    if (!(Math.abs(n) <= MAX_F32) && !(p.type === 'order' && n === Infinity)) return 'a finite number';
    if (p.min !== undefined && n < p.min) return `at least ${p.min}`;
    const max = p.max ?? (p.type === 'int' || p.type === 'sizes' || p.type === 'padding' ? MAX_INT : Infinity);
    if (n > max) return `at most ${max}`;
    if (p.below !== undefined && n >= p.below) return `below ${p.below}`;
  }
  return undefined;
}
