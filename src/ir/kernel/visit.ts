import type { Expr, Kernel, Stmt } from './types.ts';

type Load = Extract<Expr, { kind: 'load' }>;
type Store = Extract<Stmt, { kind: 'store' }>;

/** Called for the expressions and statements of a kernel, in the order of its text. */
export interface Visitor {
  readonly expr?: (e: Expr) => unknown;
  readonly load?: (e: Load) => unknown;
  readonly store?: (s: Store) => unknown;
  readonly stmt?: (s: Stmt) => unknown;
}

/** Visits an expression. */
export function visitExpr(e: Expr, v: Visitor): void {
  v.expr?.(e);
  if (e.kind === 'load') {
    v.load?.(e);
    visitExpr(e.index, v);
  } else if (e.kind === 'item') visitExpr(e.index, v);
  else if (e.kind === 'call') for (const a of e.args) visitExpr(a, v);
}

/** Visits statements and the expressions in them. */
export function visitBody(body: readonly Stmt[], v: Visitor): void {
  for (const s of body) {
    v.stmt?.(s);
    if ('value' in s) visitExpr(s.value, v);
    if ('values' in s) for (const e of s.values) visitExpr(e, v);
    if ('index' in s) visitExpr(s.index, v);
    if ('condition' in s) visitExpr(s.condition, v);
    if (s.kind === 'product') for (const operand of [s.left, s.right]) visitExpr(operand.index, v);
    if (s.kind === 'store') v.store?.(s);
    if ('body' in s) visitBody(s.body, v);
  }
}

export function visitKernel(kernel: Kernel, v: Visitor): void {
  visitBody(kernel.body, v);
}
