import type { Span } from '../base/source.ts';

/** The syntax tree. Every node knows its source text. */
export interface Program {
  readonly statements: readonly Statement[];
  readonly span: Span;
}

export type Statement =
  | InputStatement
  | LayerStatement
  | BlockStatement
  | FnStatement
  | ParamStatement
  | LetStatement
  | LossStatement
  | MetricStatement
  | OptimStatement
  | DataStatement
  | TrainStatement
  | PrecisionStatement
  | PrintStatement
  | ImportStatement;

export interface Name {
  readonly text: string;
  readonly span: Span;
}

/** `input x: [1, 28, 28]`, `input tokens: int[64]`, `target y: int[]` */
export interface InputStatement {
  readonly kind: 'input' | 'target';
  readonly name: Name;
  /** `int` or `float`; undefined means float. */
  readonly dtype: Name | undefined;
  readonly dims: readonly Expr[];
  readonly span: Span;
}

/** `layer Linear(1, 16) -> relu` */
export interface LayerStatement {
  readonly kind: 'layer';
  readonly chain: Expr;
  readonly span: Span;
}

/** `block Mlp(d) { Linear(d, 4*d) -> gelu -> Linear(4*d, d) }` */
export interface BlockStatement {
  readonly kind: 'block';
  readonly name: Name;
  readonly parameters: readonly ParameterDecl[];
  /** Local names and parameters, in source order. */
  readonly lets: readonly (LetStatement | ParamStatement)[];
  /** The expressions of the body; a correct body has one, on its last line. */
  readonly values: readonly Expr[];
  readonly span: Span;
}

/** `fn swish(x, beta=1) = x * sigmoid(beta * x)` */
export interface FnStatement {
  readonly kind: 'fn';
  readonly name: Name;
  readonly parameters: readonly ParameterDecl[];
  readonly value: Expr;
  readonly span: Span;
}

export interface ParameterDecl {
  readonly name: Name;
  readonly value: Expr | undefined;
}

/** `param scale: [64] = ones` */
export interface ParamStatement {
  readonly kind: 'param';
  readonly name: Name;
  readonly dims: readonly Expr[];
  readonly value: Expr | undefined;
  readonly span: Span;
}

/** `let d = 128`, `let q, k, v = split(x, 3)` */
export interface LetStatement {
  readonly kind: 'let';
  readonly names: readonly Name[];
  readonly value: Expr;
  readonly span: Span;
}

/** `loss mse`, `loss huber(delta=2)` */
export interface LossStatement {
  readonly kind: 'loss';
  readonly value: Expr;
  readonly span: Span;
}

/** `metric accuracy` */
export interface MetricStatement {
  readonly kind: 'metric';
  readonly value: Expr;
  readonly span: Span;
}

/** `print y, grad(y, x)` */
export interface PrintStatement {
  readonly kind: 'print';
  readonly values: readonly Expr[];
  readonly span: Span;
}

/** `import "blocks.nn"` */
export interface ImportStatement {
  readonly kind: 'import';
  readonly path: StringExpr;
  readonly span: Span;
}

/** `optim adam lr=0.01` */
export interface OptimStatement {
  readonly kind: 'optim';
  readonly name: Name;
  readonly settings: readonly Argument[];
  readonly span: Span;
}

/** `data "house.csv" x=sqft y=price`, `data n=100 { x = uniform(); y = 2*x }` */
export interface DataStatement {
  readonly kind: 'data';
  readonly path: StringExpr | undefined;
  readonly settings: readonly Argument[];
  /** What is drawn, by name; undefined if a file is read. */
  readonly bindings: readonly Binding[] | undefined;
  readonly span: Span;
}

export interface Binding {
  readonly name: Name;
  readonly value: Expr;
  readonly span: Span;
}

/** `train epochs=500 batch=32 shuffle seed=42` */
export interface TrainStatement {
  readonly kind: 'train';
  readonly settings: readonly Argument[];
  readonly span: Span;
}

/** `precision f16` */
export interface PrecisionStatement {
  readonly kind: 'precision';
  readonly name: Name;
  readonly span: Span;
}

/** `0.1`, `lr=0.1`, or among settings a bare word such as `shuffle`. */
export interface Argument {
  readonly name: Name | undefined;
  /** `lr[head]=0.1`: the parameters it applies to. */
  readonly of?: ListExpr;
  readonly value: Expr;
  readonly span: Span;
}

export type Expr =
  | NumberExpr
  | StringExpr
  | BooleanExpr
  | NameExpr
  | CallExpr
  | ListExpr
  | UnaryExpr
  | BinaryExpr
  | PipeExpr
  | LabelExpr
  | RepeatExpr
  | IndexExpr
  | MemberExpr;

export interface NumberExpr {
  readonly kind: 'number';
  readonly value: number;
  readonly span: Span;
}
export interface StringExpr {
  readonly kind: 'string';
  readonly value: string;
  readonly span: Span;
}
export interface BooleanExpr {
  readonly kind: 'boolean';
  readonly value: boolean;
  readonly span: Span;
}
export interface NameExpr {
  readonly kind: 'name';
  readonly name: string;
  readonly span: Span;
}
export interface CallExpr {
  readonly kind: 'call';
  readonly callee: Name;
  readonly args: readonly Argument[];
  readonly span: Span;
}
/** `[a, b]` or `(a, b)` */
export interface ListExpr {
  readonly kind: 'list';
  readonly items: readonly Expr[];
  readonly span: Span;
}
export interface UnaryExpr {
  readonly kind: 'unary';
  readonly operator: '-';
  readonly operand: Expr;
  readonly span: Span;
}
export type BinaryOperator = '+' | '-' | '*' | '/' | '%' | '^' | '@' | '<' | '<=' | '>' | '>=' | '==' | '!=';
export interface BinaryExpr {
  readonly kind: 'binary';
  readonly operator: BinaryOperator;
  readonly left: Expr;
  readonly right: Expr;
  readonly span: Span;
}
/** `first -> second` */
export interface PipeExpr {
  readonly kind: 'pipe';
  readonly stages: readonly Expr[];
  readonly span: Span;
}
/** `fc1: Linear(8, 10)` */
export interface LabelExpr {
  readonly kind: 'label';
  readonly label: Name;
  readonly stage: Expr;
  readonly span: Span;
}

/** `repeat 4 Layer(128)`: copies with separate weights. */
export interface RepeatExpr {
  readonly kind: 'repeat';
  readonly times: Expr;
  readonly stage: Expr;
  readonly span: Span;
}

/** `x[0, 1:3]` */
export interface IndexExpr {
  readonly kind: 'index';
  readonly value: Expr;
  readonly items: readonly IndexItem[];
  readonly span: Span;
}
/** A single index, a range with optional ends and step, or `...` for the remaining axes. */
export interface IndexItem {
  readonly kind: 'place' | 'range' | 'rest';
  readonly from: Expr | undefined;
  readonly to: Expr | undefined;
  readonly step: Expr | undefined;
  readonly span: Span;
}

/** `fc1.weight`, `blocks.0.attn.weight`: a weight by name. With arguments it is a Python-style method call, which is rejected. */
export interface MemberExpr {
  readonly kind: 'member';
  readonly value: Expr;
  readonly name: Name;
  readonly args: readonly Argument[] | undefined;
  readonly span: Span;
}
