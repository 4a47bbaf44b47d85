import { at } from '../../base/errors.ts';
import { call, literal, ref } from '../../ir/kernel/build.ts';
import type { Expr, Kernel, Stmt, ValueType } from '../../ir/kernel/types.ts';
import { visitExpr } from '../../ir/kernel/visit.ts';

/** Fewer rows than this are not worth a loop. */
const FEWEST = 4;
/** The most stores to one buffer in an iteration. */
const MOST_TOGETHER = 6;

type Let = Extract<Stmt, { kind: 'let' }>;
type Store = Extract<Stmt, { kind: 'store' }>;

/**
 * Turns the statements after a kernel's last loop, which repeat for each row of a tile, into a loop over the rows; accumulators become a
 * table. Results do not change, but software drivers, which take long for every load and store, compile it several times faster.
 */
export function reroll(kernel: Kernel): Kernel {
  const { body } = kernel;
  const last = body.map((s) => s.kind === 'for').lastIndexOf(true);
  const [head, tail] = [body.slice(0, last + 1), body.slice(last + 1)];
  if (!tail.every((s) => s.kind === 'let' || s.kind === 'store')) return kernel;
  for (let together = 1; together <= MOST_TOGETHER; together++) {
    const looped = loopOf(tail, together);
    if (looped) return { ...kernel, body: [...head, ...looped] };
  }
  return kernel;
}

/** The statements as a loop with `together` stores to each buffer per iteration; undefined if iterations would differ. */
function loopOf(tail: readonly (Let | Store)[], together: number): Stmt[] | undefined {
  const rounds = roundsOf(tail, together);
  if (!rounds) return undefined;
  const { common, rows } = rounds;
  const [first = []] = rows;
  const same = new Alignment(rows.length);
  const merged = first.map((_, i) => same.statement(rows.map((row) => at(row, i, 'statement'))));
  if (!merged.every((s) => s !== undefined)) return undefined;
  return [...common, ...same.tables, { kind: 'for', name: ROW, extent: rows.length, body: merged }];
}

const ROW = 'row';

/** What all iterations share, and what belongs to a single one. */
function roundsOf(
  tail: readonly (Let | Store)[],
  together: number,
): { readonly common: readonly Stmt[]; readonly rows: readonly (readonly (Let | Store)[])[] } | undefined {
  const seen = new Map<string, number>();
  const roundOf = new Map<Stmt, number>();
  for (const s of tail) {
    if (s.kind !== 'store') continue;
    const n = seen.get(s.buffer) ?? 0;
    seen.set(s.buffer, n + 1);
    roundOf.set(s, Math.floor(n / together));
  }
  const counts = new Set(seen.values());
  const [count = 0] = counts;
  if (counts.size !== 1 || count % together !== 0 || count / together < FEWEST) return undefined;
  // Backwards: a `let` belongs to the iteration that uses it, or to all if several do.
  const users = new Map<string, Set<number>>();
  const note = (value: Expr, rounds: ReadonlySet<number>): void =>
    visitExpr(value, {
      expr: (e) => {
        if (e.kind === 'ref') users.set(e.name, new Set([...(users.get(e.name) ?? []), ...rounds]));
      },
    });
  const of = new Map<Stmt, ReadonlySet<number>>();
  for (const s of [...tail].reverse()) {
    const rounds = s.kind === 'store' ? new Set([roundOf.get(s) ?? 0]) : (users.get(s.name) ?? new Set<number>());
    of.set(s, rounds);
    note(s.value, rounds);
    if (s.kind === 'store') note(s.index, rounds);
  }
  const common = tail.filter((s) => (of.get(s)?.size ?? 0) !== 1);
  const rows = Array.from({ length: count / together }, (_, r) => tail.filter((s) => of.get(s)?.size === 1 && of.get(s)?.has(r)));
  // No iteration may read what one has stored.
  const stored = new Set(tail.flatMap((s) => (s.kind === 'store' ? [s.buffer] : [])));
  let reads = false;
  for (const s of tail) visitExpr(s.value, { load: (e) => (reads ||= stored.has(e.buffer)) });
  return rows.every((row) => row.length === rows[0]?.length) && !reads ? { common, rows } : undefined;
}

/** Merges corresponding statements of all rows into one, which uses the row index where they differ. */
class Alignment {
  readonly tables: Stmt[] = [];
  private readonly names: Map<string, string>[];
  private readonly known = new Map<string, string>();

  constructor(rows: number) {
    this.names = Array.from({ length: rows }, () => new Map());
  }

  statement(all: readonly (Let | Store)[]): Let | Store | undefined {
    const [first] = all;
    if (!first || all.some((s) => s.kind !== first.kind)) return undefined;
    const value = this.expr(all.map((s) => s.value));
    if (!value) return undefined;
    if (first.kind === 'let') {
      all.forEach((s, r) => s.kind === 'let' && this.names[r]?.set(s.name, first.name));
      return { ...first, value };
    }
    const stores = all.filter((s) => s.kind === 'store');
    const index = this.expr(stores.map((s) => s.index));
    return index && stores.every((s) => s.buffer === first.buffer) ? { ...first, index, value } : undefined;
  }

  private expr(all: readonly Expr[]): Expr | undefined {
    const [first] = all;
    if (!first || all.some((e) => e.type !== first.type)) return undefined;
    // A sum omits a constant of zero, so constants are compared separately.
    if (first.type === 'u32') {
      const parts = all.map(withoutConstant);
      if (parts.some((p) => p.constant !== 0 && p.base)) {
        const base = parts.every((p) => p.base) ? this.expr(parts.map((p) => p.base as Expr)) : undefined;
        return base && call('add', base, this.number(parts.map((p) => p.constant)));
      }
    }
    if (all.every((e) => e.kind === 'literal'))
      return all.every((e) => e.value === all[0]?.value) ? first : first.type === 'u32' ? this.number(all.map((e) => e.value)) : undefined;
    if (all.every((e) => e.kind === 'ref'))
      return this.name(
        all.map((e) => e.name),
        first.type,
      );
    if (all.every((e) => e.kind === 'uniform')) return all.every((e) => e.name === all[0]?.name) ? first : undefined;
    if (all.every((e) => e.kind === 'load')) {
      const index = this.expr(all.map((e) => e.index));
      return index && first.kind === 'load' && all.every((e) => e.buffer === first.buffer) ? { ...first, index } : undefined;
    }
    if (first.kind !== 'call' || !all.every((e) => e.kind === 'call' && e.fn === first.fn && e.args.length === first.args.length))
      return undefined;
    const calls = all.filter((e) => e.kind === 'call');
    const args = first.args.map((_, i) => this.expr(calls.map((e) => at(e.args, i))));
    return args.every((a) => a !== undefined) ? { ...first, args } : undefined;
  }

  /** One number per row: linear in the row index, or from a table. */
  private number(values: readonly number[]): Expr {
    const [first = 0, second = 0] = values;
    const step = second - first;
    const row = ref('u32', ROW);
    if (step >= 0 && values.every((v, r) => v === first + r * step)) {
      const scaled = step === 1 ? row : call('mul', row, literal('u32', step));
      return step === 0 ? literal('u32', first) : first === 0 ? scaled : call('add', scaled, literal('u32', first));
    }
    return this.item(
      values.map((v) => literal('u32', v)),
      'u32',
    );
  }

  private name(names: readonly string[], type: ValueType): Expr {
    const inside = names.map((n, r) => this.names[r]?.get(n));
    const [own] = inside;
    if (own !== undefined && inside.every((n) => n === own)) return ref(type, own);
    return names.every((n) => n === names[0])
      ? ref(type, names[0] ?? '')
      : this.item(
          names.map((n) => ref(type, n)),
          type,
        );
  }

  private item(values: readonly Expr[], type: ValueType): Expr {
    const key = JSON.stringify(values);
    let table = this.known.get(key);
    if (table === undefined) {
      table = `t${this.known.size}`;
      this.known.set(key, table);
      this.tables.push({ kind: 'table', name: table, values });
    }
    return { kind: 'item', type, table, index: ref('u32', ROW) };
  }
}

/** A sum without its constant; no base if nothing else is left. */
function withoutConstant(e: Expr): { readonly base: Expr | undefined; readonly constant: number } {
  if (e.kind === 'literal') return { base: undefined, constant: e.value };
  if (e.kind !== 'call' || (e.fn !== 'add' && e.fn !== 'sub')) return { base: e, constant: 0 };
  if (e.fn === 'sub') {
    const [from, by] = [withoutConstant(at(e.args, 0)), at(e.args, 1)];
    return from.base && by.kind !== 'literal' ? { base: call('sub', from.base, by), constant: from.constant } : { base: e, constant: 0 };
  }
  const [a, b] = e.args.map(withoutConstant);
  if (!a || !b) return { base: e, constant: 0 };
  return { base: a.base && b.base ? call('add', a.base, b.base) : (a.base ?? b.base), constant: a.constant + b.constant };
}
