import { endsOfRounds } from '../ir/kernel/rounds.ts';
import type { Expr, Stmt } from '../ir/kernel/types.ts';
import { visitBody } from '../ir/kernel/visit.ts';
import { linearOf } from './linear.ts';

/**
 * Rounds of a product (`ir/kernel/rounds.ts`) that are written out one after the other in one basic block are no longer rounds when the engine has
 * compiled them: it orders arithmetic by what depends on what, each sum by itself, until every loaded value waits in memory. So rounds are kept
 * apart by fences: branches that are never taken, but that the engine must expect.
 */

/** Statements that copies of a round may have together. */
const STATEMENTS = 96;

/** How many rounds of a loop are written out together, which saves counting; they use its variable only for places in memory, linearly. */
export function copiesOf({ name, extent, body }: Extract<Stmt, { kind: 'for' }>): number {
  if (endsOfRounds(body).length === 0 || body.some((s) => s.kind !== 'let' && s.kind !== 'set')) return 1;
  let linear = true;
  const inPlaces = new Set<Expr>();
  visitBody(body, {
    load: ({ index }) => {
      for (const { atom } of linearOf(index).terms) if (atom.kind !== 'ref') linear &&= !mentions(atom, name);
      collect(index, inPlaces);
    },
    expr: (e) => {
      if (e.kind === 'ref' && e.name === name) linear &&= inPlaces.has(e);
    },
  });
  if (!linear) return 1;
  return [4, 3, 2].find((n) => extent % n === 0 && n * body.length <= STATEMENTS) ?? 1;
}

function collect(e: Expr, into: Set<Expr>): void {
  into.add(e);
  if (e.kind === 'call') e.args.forEach((a) => collect(a, into));
}

function mentions(e: Expr, name: string): boolean {
  if (e.kind === 'ref') return e.name === name;
  if (e.kind === 'load' || e.kind === 'item') return mentions(e.index, name);
  return e.kind === 'call' && e.args.some((a) => mentions(a, name));
}
