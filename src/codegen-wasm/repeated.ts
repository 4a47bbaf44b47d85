import { isVector } from '../ir/kernel/functions.ts';
import type { Expr, Kernel } from '../ir/kernel/types.ts';
import { visitKernel } from '../ir/kernel/visit.ts';

/** A condition on floats alone, which vector instructions can test. */
export function isFloatCondition(e: Expr): boolean {
  if (e.kind !== 'call') return false;
  const { fn, args } = e;
  if (fn === 'lt' || fn === 'le' || fn === 'eq') return args[0]?.type === 'f32';
  return (fn === 'and' || fn === 'or' || fn === 'not') && args.every(isFloatCondition);
}

/**
 * Whether a scalar is computed as the first of a vector. Engines branch for the maximum of two scalars and to select one, which costs more
 * than everything else where the numbers are as good as random; on vectors they do not.
 */
export function isUnbranched(e: Expr): boolean {
  if (e.kind !== 'call' || e.type !== 'f32') return false;
  const [condition] = e.args;
  return e.fn === 'max' || e.fn === 'min' || (e.fn === 'select' && condition !== undefined && isFloatCondition(condition));
}

/** What a condition on floats compares. */
function comparedIn(e: Expr): readonly Expr[] {
  if (e.kind !== 'call') return [];
  return e.fn === 'lt' || e.fn === 'le' || e.fn === 'eq' ? e.args : e.args.flatMap(comparedIn);
}

/** The names of scalars that are kept as vectors: those that are only used splatted, and floats of which vectors are made at least as often. */
export function repeatedNames(kernel: Kernel): Set<string> {
  const repeated = new Map<string, number>();
  const used = new Map<string, number>();
  const count = (into: Map<string, number>, e: Expr | undefined): unknown =>
    e?.kind === 'ref' && into.set(e.name, (into.get(e.name) ?? 0) + 1);
  const [found, floats] = [new Set<string>(), new Set<string>()];
  visitKernel(kernel, {
    expr: (e) => {
      count(used, e);
      if (e.kind === 'call' && e.fn === 'splat') count(repeated, e.args[0]);
      if (e.kind !== 'call' || !isUnbranched(e)) return;
      const [condition, ...values] = e.args;
      (e.fn === 'select' ? values : e.args).forEach((a) => count(repeated, a));
      if (e.fn === 'select' && condition) comparedIn(condition).forEach((a) => count(repeated, a));
    },
    stmt: (s) => {
      if (s.kind !== 'let' && s.kind !== 'var') return;
      if (s.kind === 'let' && !isVector(s.value.type)) found.add(s.name);
      if (s.value.type === 'f32') floats.add(s.name);
    },
  });
  const times = (from: Map<string, number>, name: string): number => from.get(name) ?? 0;
  return new Set([
    ...[...found].filter((name) => times(repeated, name) > 0 && times(repeated, name) === times(used, name)),
    ...[...floats].filter((name) => 2 * times(repeated, name) >= Math.max(1, times(used, name))),
  ]);
}
