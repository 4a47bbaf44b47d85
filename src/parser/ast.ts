import type { Span } from '../base/source.ts';

/** The syntax tree. Every node knows the exact text it came from. */
export interface Program {
  readonly statements: readonly Statement[];
  readonly span: Span;
}

export type Statement = InputStatement | LayerStatement | LetStatement | LossStatement | OptimStatement | DataStatement | TrainStatement;

export interface Name {
  readonly text: string;
  readonly span: Span;
}

/** `input x: [1, 28, 28]`, `input tokens: int[64]` */
export interface InputStatement {
  readonly kind: 'input';
  readonly name: Name;
  /** `int` or `float`; float where it is not said. */
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

/** `let d = 128` */
export interface LetStatement {
  readonly kind: 'let';
  readonly name: Name;
  readonly value: Expr;
  readonly span: Span;
}

/** `loss mse`, `loss huber(delta=2)` */
export interface LossStatement {
  readonly kind: 'loss';
  readonly value: Expr;
  readonly span: Span;
}

/** `optim adam lr=0.01` */
export interface OptimStatement {
  readonly kind: 'optim';
  readonly name: Name;
  readonly settings: readonly Argument[];
  readonly span: Span;
}

/** `data "house.csv" x=sqft y=price` */
export interface DataStatement {
  readonly kind: 'data';
  readonly path: StringExpr;
  readonly settings: readonly Argument[];
  readonly span: Span;
}

/** `train epochs=500 batch=32 shuffle seed=42` */
export interface TrainStatement {
  readonly kind: 'train';
  readonly settings: readonly Argument[];
  readonly span: Span;
}

/** `0.1`, `lr=0.1`, or a bare word such as `shuffle` where settings stand. */
export interface Argument {
  readonly name: Name | undefined;
  readonly value: Expr;
  readonly span: Span;
}

export type Expr = NumberExpr | StringExpr | BooleanExpr | NameExpr | CallExpr | ListExpr | UnaryExpr | BinaryExpr | PipeExpr | LabelExpr;

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
export type BinaryOperator = '+' | '-' | '*' | '/' | '%' | '^';
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
