import { CompilerBug } from '../../base/errors.ts';
import { isVector, isVectorFn, signatureOf } from './functions.ts';
import type { Expr, Fn, ScalarType, ValueType } from './types.ts';

export function literal(type: ScalarType, value: number): Expr {
  return { kind: 'literal', type, value };
}

export function ref(type: ValueType, name: string): Expr {
  return { kind: 'ref', type, name };
}

/** Applies a function; the type follows from the operands. If one operand is a vector, scalars are splatted. */
export function call(fn: Fn, ...operands: readonly Expr[]): Expr {
  let vectors = 0;
  for (const a of operands) if (isVector(a.type)) vectors++;
  const mixed = vectors > 0 && vectors < operands.length && !isVectorFn(fn);
  const args = mixed ? operands.map((a) => (isVector(a.type) ? a : call('splat', a))) : operands;
  const result = signatureOf(fn, args);
  if (typeof result === 'string') throw new CompilerBug(`${fn}: ${result}`);
  return { kind: 'call', type: result.type, fn, args };
}

/** The nesting depth of an expression. */
export function depth(e: Expr): number {
  if (e.kind === 'load') return 1 + depth(e.index);
  return e.kind === 'call' ? 1 + e.args.reduce((n, a) => Math.max(n, depth(a)), 0) : 0;
}
