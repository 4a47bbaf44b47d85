import type { DiagnosticSink } from '../base/diagnostics.ts';
import type { BinaryOperator, Expr } from '../parser/ast.ts';
import { advice, foreign } from './advice.ts';

/** A value that is known while compiling. */
export type Const = number | string | boolean | readonly Const[];

/** Names that stand for constants. */
export interface ConstScope {
  has(name: string): boolean;
  constant(name: string): Const | undefined;
  names(): string[];
}

/** The largest finite float32, since everything is computed in float32 in the end. */
export const MAX_F32 = 3.4028234663852886e38;

const ARITHMETIC: Partial<Readonly<Record<BinaryOperator, (a: number, b: number) => number | boolean>>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  // The JavaScript remainder is exact; the result takes the sign of b, as in Python.
  '%': (a, b) => (a % b !== 0 && a % b < 0 !== b < 0 ? (a % b) + b : a % b),
  '^': (a, b) => a ** b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
};

/** The result for numbers; undefined if it is not a finite float32, or if the operator is not for numbers. */
export function arithmetic(op: BinaryOperator, a: number, b: number): number | boolean | undefined {
  const value = ARITHMETIC[op]?.(a, b);
  return typeof value === 'number' && !(Math.abs(value) <= MAX_F32) ? undefined : value;
}

/** Round half to even, as PyTorch does. */
const roundEven = (x: number): number => {
  const down = Math.floor(x);
  return x - down === 0.5 ? down + (down % 2 === 0 ? 0 : 1) : Math.round(x);
};

/** Functions of known numbers, so that sizes may be computed. */
const FUNCTIONS: Readonly<Record<string, { readonly takes: number; readonly of: (...xs: readonly number[]) => number }>> = {
  max: { takes: 2, of: Math.max },
  min: { takes: 2, of: Math.min },
  int: { takes: 1, of: Math.trunc },
  floor: { takes: 1, of: Math.floor },
  ceil: { takes: 1, of: Math.ceil },
  round: { takes: 1, of: roundEven },
  sqrt: { takes: 1, of: Math.sqrt },
  abs: { takes: 1, of: Math.abs },
};

const UNKNOWN = `sizes and settings are numbers, names that a let gives them, elements of lists, arithmetic, or ${Object.keys(FUNCTIONS).join(', ')} of those`;

/** The value of an expression, or undefined with the reason in the sink. */
export function evalConst(e: Expr, scope: ConstScope, sink: DiagnosticSink): Const | undefined {
  const number = (x: Expr): number | undefined => {
    const v = evalConst(x, scope, sink);
    if (v === undefined || typeof v === 'number') return v;
    sink.error('NN204', x.span, `a number is needed here, and this is ${describeConst(v)}`);
    return undefined;
  };
  switch (e.kind) {
    case 'number':
      if (Math.abs(e.value) <= MAX_F32) return e.value;
      sink.error('NN206', e.span, `${e.value} is more than float32 holds`);
      return undefined;
    case 'string':
    case 'boolean':
      return e.value;
    case 'name': {
      const value = scope.constant(e.name);
      if (value !== undefined) return value;
      if (scope.has(e.name)) sink.error('NN204', e.span, `'${e.name}' is not known while compiling`, { help: UNKNOWN });
      else if (e.name === 'pi') return Math.PI;
      else {
        const help = advice(e.name, scope.names(), 'names defined so far');
        sink.error('NN201', e.span, `'${e.name}' is not defined`, {
          help: foreign(e.name) ?? (scope.names().length ? help : `define it before: let ${e.name} = ...`),
        });
      }
      return undefined;
    }
    case 'list': {
      const items = e.items.map((item) => evalConst(item, scope, sink));
      return items.every((i) => i !== undefined) ? items : undefined;
    }
    case 'unary': {
      const v = number(e.operand);
      return v === undefined ? undefined : -v;
    }
    case 'binary': {
      const [a, b] = [number(e.left), number(e.right)];
      if (a === undefined || b === undefined) return undefined;
      const value = arithmetic(e.operator, a, b);
      if (value === undefined) sink.error('NN206', e.span, `${a} ${e.operator} ${b} is not a finite number`);
      return value;
    }
    case 'call': {
      const f = !scope.has(e.callee.text) && Object.hasOwn(FUNCTIONS, e.callee.text) ? FUNCTIONS[e.callee.text] : undefined;
      if (f?.takes !== e.args.length || e.args.some((a) => a.name)) break;
      const given = e.args.map((a) => number(a.value)).filter((x) => x !== undefined);
      if (given.length < f.takes) return undefined;
      const value = f.of(...given);
      if (Math.abs(value) <= MAX_F32) return value;
      sink.error('NN206', e.span, `${e.callee.text} of ${given.join(' and ')} is not a finite number`);
      return undefined;
    }
    case 'index': {
      const [only] = e.items;
      if (e.items.length !== 1 || only?.kind !== 'place' || !only.from) break;
      const from = evalConst(e.value, scope, sink);
      const place = number(only.from);
      if (from === undefined || place === undefined) return undefined;
      const found = Array.isArray(from) ? (from as readonly Const[]).at(place) : undefined;
      if (found === undefined || !Number.isInteger(place)) sink.error('NN206', e.span, `${describeConst(from)} has no place ${place}`);
      else return found;
      return undefined;
    }
    default:
      break;
  }
  sink.error('NN204', e.span, 'a value that is known while compiling is needed here', { help: UNKNOWN });
  return undefined;
}

export function describeConst(v: Const): string {
  if (typeof v === 'number') return `the number ${v}`;
  if (typeof v === 'string') return `the string "${v}"`;
  if (typeof v === 'boolean') return `${v}`;
  return `a list of ${v.length}`;
}

/** `a list with rows of 2 and 1 numbers`, if these are rows of several lengths. */
export function ragged(v: Const): string | undefined {
  if (!Array.isArray(v) || !v.every((row) => Array.isArray(row) && row.every((x) => typeof x === 'number'))) return undefined;
  const lengths = [...new Set((v as readonly (readonly number[])[]).map((row) => row.length))];
  return lengths.length < 2 ? undefined : `a list with rows of ${lengths.join(' and ')} numbers`;
}

/** A constant list as a dense array; undefined if it is not evenly nested numbers. */
export function arrayOf(v: Const): { readonly data: readonly number[]; readonly shape: readonly number[] } | undefined {
  if (typeof v === 'number') return { data: [v], shape: [] };
  if (!Array.isArray(v) || v.length === 0) return undefined;
  const parts = v.map(arrayOf);
  const [first] = parts;
  if (!first || !parts.every((p) => p !== undefined && p.shape.join() === first.shape.join())) return undefined;
  return { data: parts.flatMap((p) => p?.data ?? []), shape: [v.length, ...first.shape] };
}
