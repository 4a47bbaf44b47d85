import { advice } from './advice.ts';
import type { DiagnosticSink } from '../base/diagnostics.ts';
import { fold, type ScalarExpr, type ScalarOp } from '../base/scalar.ts';
import type { BinaryOperator, CallExpr, Expr } from '../parser/ast.ts';
import { bindArguments } from './arguments.ts';
import { describeConst, evalConst, type Const, type ConstScope } from './constants.ts';
import { SCHEDULES } from './schedules.ts';

/** Settings that change from step to step: schedules, and arithmetic with them. */

const ARITHMETIC: Partial<Readonly<Record<BinaryOperator, ScalarOp>>> = {
  '+': 'add',
  '-': 'sub',
  '*': 'mul',
  '/': 'div',
  '%': 'mod',
  '^': 'pow',
};

/** Functions of numbers, and how many arguments they take. */
const FUNCTIONS: Readonly<Record<string, { readonly op: ScalarOp; readonly least: number; readonly most: number }>> = {
  min: { op: 'min', least: 2, most: Infinity },
  max: { op: 'max', least: 2, most: Infinity },
  sqrt: { op: 'sqrt', least: 1, most: 1 },
  cos: { op: 'cos', least: 1, most: 1 },
};

/** `step` (steps done so far) and `total` (steps of the run), unless the program defines these names. */
const isVariable = (name: string, scope: ConstScope): name is 'step' | 'total' =>
  (name === 'step' || name === 'total') && !scope.names().includes(name);

/** Whether an expression may change from step to step; others are evaluated as plain constants, with their error messages. */
function changes(e: Expr, scope: ConstScope): boolean {
  if (e.kind === 'call') return true;
  if (e.kind === 'name') return isVariable(e.name, scope);
  if (e.kind === 'unary') return changes(e.operand, scope);
  return e.kind === 'binary' && (changes(e.left, scope) || changes(e.right, scope));
}

/** The value of a setting that may be a schedule: a number, or an expression of the step. Undefined with the reason in the sink. */
export function rateOf(e: Expr, scope: ConstScope, sink: DiagnosticSink): Const | undefined {
  if (!changes(e, scope)) {
    const value = evalConst(e, scope, sink);
    // A list that starts with a word would be mistaken for an expression of the step.
    return Array.isArray(value) ? numberOf(value, e, sink) : value;
  }
  const value = scalarOf(e, scope, sink);
  if (typeof value === 'number' && !Number.isFinite(value)) {
    sink.error('NN206', e.span, 'this is not a finite number');
    return undefined;
  }
  return (typeof value === 'string' ? ['add', value, 0] : value) as Const | undefined;
}

function numberOf(value: Const | undefined, e: Expr, sink: DiagnosticSink): number | undefined {
  if (value === undefined || typeof value === 'number') return value;
  sink.error('NN204', e.span, `a number or a schedule is needed here, and this is ${describeConst(value)}`);
  return undefined;
}

function scalarOf(e: Expr, scope: ConstScope, sink: DiagnosticSink): ScalarExpr | undefined {
  if (e.kind === 'name' && isVariable(e.name, scope)) return e.name;
  if (!changes(e, scope)) return numberOf(evalConst(e, scope, sink), e, sink);
  if (e.kind === 'unary') {
    const value = scalarOf(e.operand, scope, sink);
    return value === undefined ? undefined : fold('sub', 0, value);
  }
  if (e.kind === 'binary') {
    const op = ARITHMETIC[e.operator];
    if (!op) {
      sink.error('NN204', e.span, `schedules have no '${e.operator}'`, {
        help: `they have ${Object.keys(ARITHMETIC).join(' ')}, min and max`,
      });
      return undefined;
    }
    const [a, b] = [scalarOf(e.left, scope, sink), scalarOf(e.right, scope, sink)];
    return a === undefined || b === undefined ? undefined : fold(op, a, b);
  }
  return e.kind === 'call' ? callOf(e, scope, sink) : undefined;
}

/** `cosine(3e-3, warmup=100)`, `min(0.1, 0.01*step)` */
function callOf(e: CallExpr, scope: ConstScope, sink: DiagnosticSink): ScalarExpr | undefined {
  const { text } = e.callee;
  const f = Object.hasOwn(FUNCTIONS, text) ? FUNCTIONS[text] : undefined;
  if (f) {
    const { op, least, most } = f;
    if (e.args.some((a) => a.name) || e.args.length < least || e.args.length > most) {
      const help = most === 1 ? `write: ${text}(x)` : `write: ${text}(a, b)`;
      sink.error('NN202', e.span, `${text} takes ${most === 1 ? 'one number' : 'two numbers or more'}`, { help });
      return undefined;
    }
    const args = e.args.map((a) => scalarOf(a.value, scope, sink));
    if (!args.every((a) => a !== undefined)) return undefined;
    return most === 1 ? fold(op, ...args) : args.reduce((a, b) => fold(op, a, b));
  }
  const schedule = Object.hasOwn(SCHEDULES, text) ? SCHEDULES[text] : undefined;
  if (!schedule) {
    // The host does not know plateau's value before the step, so it cannot compute with it.
    if (text === 'plateau')
      sink.error('NN202', e.callee.span, 'plateau is for lr alone, with nothing around it', { help: 'write: lr=plateau(0.1, patience=5)' });
    else {
      const known = [...Object.keys(SCHEDULES), 'plateau', ...Object.keys(FUNCTIONS)];
      sink.error('NN201', e.callee.span, `there is no schedule '${text}'`, { help: advice(text, known, 'schedules') });
    }
    return undefined;
  }
  const args = bindArguments({ callee: text, span: e.span, args: e.args }, schedule.parameters, [], scope, sink);
  if (!args) return undefined;
  const of = (name: string): never => args[name] as never;
  return schedule.value(of, of, (name) => [args[name]].flat() as number[]);
}
