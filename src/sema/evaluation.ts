import type { Code } from '../base/codes.ts';
import type { Span } from '../base/source.ts';
import type { GraphBuilder } from '../ir/graph/builder.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type { Expr, LetStatement, Name, ParamStatement } from '../parser/ast.ts';
import type { Environment } from './environment.ts';
import type { Problem } from './layers/layer.ts';
import type { ModelBuilder } from './model-builder.ts';
import type { Targets } from './targets.ts';
import type { Flow, StagePart, StageValue, Value } from './values.ts';

/** What the parts of the evaluator need from each other. */
export interface Evaluation {
  readonly m: ModelBuilder;
  readonly b: GraphBuilder;
  evaluate(e: Expr, env: Environment, flow: Flow): Value;
  /** An expression that must be a tensor; numbers become scalars. */
  tensorOf(v: Value, span: Span): NodeId;
  /** Lets a value flow through a stage. */
  apply(s: StageValue, x: Value, flow: Flow): Value;
  runPart(part: StagePart, x: Value, flow: Flow): Value;
  /** Gives the names of a `let` their values, or that of a `param` its tensor. */
  bind(s: LetStatement | ParamStatement, env: Environment, flow: Flow): void;
  /** Runs the body of a definition, with a limit on recursion. */
  deeper<T>(name: Name, body: () => T): T;
  /** More layers may follow, so a missing weight may still be declared. */
  readonly growing: boolean;
  /** What the model is compared with, if there is a model. */
  readonly targets: Targets | undefined;
  /** Warns about something that is valid but may not be intended. */
  warn(code: Code, span: Span, label: string, help: string): void;
  /** Reports an error and throws. */
  fail(code: Code, span: Span, label: string, more?: { readonly help?: string | undefined; readonly notes?: readonly string[] }): never;
  refuse(p: Problem, span: Span, notes?: readonly string[]): never;
}
