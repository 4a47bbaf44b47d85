import { isVector } from '../ir/kernel/functions.ts';
import type { Kernel } from '../ir/kernel/types.ts';
import { visitKernel } from '../ir/kernel/visit.ts';

/** The names of scalars that are only used splatted. */
export function repeatedNames(kernel: Kernel): Set<string> {
  const repeated = new Map<string, number>();
  const used = new Map<string, number>();
  const count = (into: Map<string, number>, name: string): unknown => into.set(name, (into.get(name) ?? 0) + 1);
  const found = new Set<string>();
  visitKernel(kernel, {
    expr: (e) => {
      if (e.kind === 'ref') count(used, e.name);
      const [arg] = e.kind === 'call' && e.fn === 'splat' ? e.args : [];
      if (arg?.kind === 'ref') count(repeated, arg.name);
    },
    stmt: (s) => s.kind === 'let' && !isVector(s.value.type) && found.add(s.name),
  });
  return new Set([...found].filter((name) => repeated.has(name) && repeated.get(name) === used.get(name)));
}
