import { CompilerBug } from '../../base/errors.ts';
import { isVector, isVectorFn, signatureOf } from './functions.ts';
import type { Expr, Fn, ScalarType, ValueType } from './types.ts';

/** Makes a literal. */
export function literal(type: ScalarType, value: number): Expr {
  return { kind: 'literal', type, value };
}

export function ref(type: ValueType, name: string): Expr {
  return { kind: 'ref', type, name };
}

/** Applies a function; the type follows from the operands. Where one operand is a vector, scalars are repeated. */
export function call(fn: Fn, ...operands: readonly Expr[]): Expr {
  const wide = !isVectorFn(fn) && operands.some((a) => isVector(a.type));
  const args = wide ? operands.map((a) => (isVector(a.type) ? a : call('splat', a))) : operands;
  const result = signatureOf(fn, args);
  if (typeof result === 'string') throw new CompilerBug(`${fn}: ${result}`);
  return { kind: 'call', type: result.type, fn, args };
}

/** How deep an expression nests. */
export function depth(e: Expr): number {
  if (e.kind === 'load') return 1 + depth(e.index);
  return e.kind === 'call' ? 1 + e.args.reduce((n, a) => Math.max(n, depth(a)), 0) : 0;
}
