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

/** What the parts of the evaluator need of one another. */
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
  /** Runs the body of a definition, unless definitions use one another without end. */
  deeper<T>(name: Name, body: () => T): T;
  /** Layers are still to come, so that a weight that is not there yet may come too. */
  readonly growing: boolean;
  /** What the model is compared with, where there is a model. */
  readonly targets: Targets | undefined;
  /** Tells of something that is right and may not be meant. */
  warn(code: Code, span: Span, label: string, help: string): void;
  /** Reports, and leaves what cannot go on. */
  fail(code: Code, span: Span, label: string, more?: { readonly help?: string | undefined; readonly notes?: readonly string[] }): never;
  refuse(p: Problem, span: Span, notes?: readonly string[]): never;
}
