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
      if (scope.has(e.name)) sink.error('NN204', e.span, `'${e.name}' is not known while compiling`);
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
    default:
      sink.error('NN204', e.span, 'a value that is known while compiling is needed here');
      return undefined;
  }
}

export function describeConst(v: Const): string {
  if (typeof v === 'number') return `the number ${v}`;
  if (typeof v === 'string') return `the string "${v}"`;
  if (typeof v === 'boolean') return `${v}`;
  return `a list of ${v.length}`;
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
