import { CompilerBug } from '../../base/errors.ts';
import { signatureOf } from './functions.ts';
import type { Expr, Fn, ScalarType } from './types.ts';

/** Makes a literal. */
export function literal(type: ScalarType, value: number): Expr {
  return { kind: 'literal', type, value };
}

export function ref(type: ScalarType, name: string): Expr {
  return { kind: 'ref', type, name };
}

/** Applies a function; the type follows from the operands. */
export function call(fn: Fn, ...args: readonly Expr[]): Expr {
  const result = signatureOf(fn, args);
  if (typeof result === 'string') throw new CompilerBug(`${fn}: ${result}`);
  return { kind: 'call', type: result.type, fn, args };
}

/** How deep an expression nests. */
export function depth(e: Expr): number {
  if (e.kind === 'load') return 1 + depth(e.index);
  return e.kind === 'call' ? 1 + e.args.reduce((n, a) => Math.max(n, depth(a)), 0) : 0;
}
