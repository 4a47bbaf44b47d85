import type { Code } from '../base/codes.ts';
import type { Span } from '../base/source.ts';
import type { GraphBuilder } from '../ir/graph/builder.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type { Expr } from '../parser/ast.ts';
import type { Environment } from './environment.ts';
import type { Problem } from './layers/layer.ts';
import type { ModelBuilder } from './model-builder.ts';
import type { Flow, Part, StageValue, Value } from './values.ts';

/** What the parts of the evaluator need of one another. */
export interface Evaluation {
  readonly m: ModelBuilder;
  readonly b: GraphBuilder;
  evaluate(e: Expr, env: Environment, flow: Flow): Value;
  /** An expression that must be a tensor; numbers become scalars. */
  tensorOf(v: Value, span: Span): NodeId;
  /** Lets a value flow through a stage. */
  apply(s: StageValue, x: Value, flow: Flow): Value;
  runPart(part: Part, x: Value, flow: Flow): Value;
  /** Reports, and leaves what cannot go on. */
  fail(code: Code, span: Span, label: string, more?: { readonly help?: string | undefined; readonly notes?: readonly string[] }): never;
  refuse(p: Problem, span: Span, notes?: readonly string[]): never;
}
