import type { Kernel, Stmt } from '../../ir/kernel/types.ts';
import { visitBody } from '../../ir/kernel/visit.ts';

/** Whether every lane reaches all reductions: none is in a loop, which lanes may leave at different times, or under a condition. */
export function lanesMeet({ body }: Kernel): boolean {
  return body.every((s) => !('body' in s) || !has(s, 'combine'));
}

/**
 * Lanes that go through rows together store parts of them one after the other, and later parts may read earlier ones: between them, every
 * lane waits for the others. Sums of single points are only stored at the end, by the first lane, after all have met in the last sum.
 */
export function inPhases(kernel: Kernel): Kernel {
  const { body, lanes, buffers } = kernel;
  if (lanes === 1 || !buffers.some((b) => b.access === 'update') || !body.some((s) => s.kind === 'for' && has(s, 'store'))) return kernel;
  const phased: Stmt[] = [];
  let stores = 0;
  for (const s of body) {
    const writes = has(s, 'store');
    // The first lane's stores wait for those who still read what they overwrite.
    if (stores > 0 || (writes && s.kind === 'if')) {
      if (phased.at(-1)?.kind !== 'barrier') phased.push({ kind: 'barrier', of: 'buffers' });
      stores = 0;
    }
    phased.push(s);
    if (writes) stores++;
  }
  return { ...kernel, body: phased };
}

function has(s: Stmt, kind: Stmt['kind']): boolean {
  let found = false;
  visitBody([s], { stmt: (t) => (found ||= t.kind === kind) });
  return found;
}
