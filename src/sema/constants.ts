import type { DiagnosticSink } from '../base/diagnostics.ts';
import type { Span } from '../base/source.ts';
import { hint } from '../base/suggest.ts';
import type { BinaryOperator, Expr } from '../parser/ast.ts';

/** A value that is known while compiling. */
export type Const = number | string | boolean | readonly Const[];

/** What the names of `let` stand for, and which of them were used. */
export class Scope {
  private readonly values = new Map<string, { value: Const | undefined; span: Span; used: boolean }>();

  /** False if the name is taken. `undefined` stands for a value that had an error of its own. */
  define(name: string, value: Const | undefined, span: Span): boolean {
    if (this.values.has(name)) return false;
    this.values.set(name, { value, span, used: false });
    return true;
  }

  has(name: string): boolean {
    return this.values.has(name);
  }

  lookup(name: string): Const | undefined {
    const entry = this.values.get(name);
    if (entry) entry.used = true;
    return entry?.value;
  }

  get names(): string[] {
    return [...this.values.keys()];
  }

  unused(): { name: string; span: Span }[] {
    return [...this.values].filter(([, v]) => !v.used).map(([name, v]) => ({ name, span: v.span }));
  }
}

/** The largest finite float32: everything is computed in it in the end. */
const MAX_F32 = 3.4028234663852886e38;

const ARITHMETIC: Readonly<Record<BinaryOperator, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a - b * Math.floor(a / b),
  '^': (a, b) => a ** b,
};

/** The value of an expression, or undefined with the reason in the sink. */
export function evalConst(e: Expr, scope: Scope, sink: DiagnosticSink): Const | undefined {
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
    case 'name':
      if (!scope.has(e.name))
        sink.error('NN201', e.span, `'${e.name}' is not defined`, {
          help: scope.names.length ? hint(e.name, scope.names, 'names defined so far') : `define it before: let ${e.name} = ...`,
        });
      return scope.lookup(e.name);
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
      const value = ARITHMETIC[e.operator](a, b);
      if (Math.abs(value) <= MAX_F32) return value;
      sink.error('NN206', e.span, `${a} ${e.operator} ${b} is not a finite number`);
      return undefined;
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
