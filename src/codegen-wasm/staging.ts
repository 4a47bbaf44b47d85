import type { Axis, Expr, Kernel, Stmt } from '../ir/kernel/types.ts';
import { isVector } from '../ir/kernel/functions.ts';
import { visitBody } from '../ir/kernel/visit.ts';
import { keyOf, linearOf } from './linear.ts';

/** A load that reads from a copy. The copies of one loop iteration are contiguous. */
export interface Staged {
  readonly buffer: string;
  readonly index: Expr;
  readonly vector: boolean;
  /** Its offset within the copies of an iteration, in bytes. */
  readonly place: number;
}

export interface Panel {
  readonly loads: readonly Staged[];
  /** Bytes per iteration, and of all iterations. */
  readonly round: number;
  readonly bytes: number;
}

export type Loop = Extract<Stmt, { kind: 'for' }>;

/**
 * How a matrix product is blocked for the caches. Strided data that the inner loop reads is first copied into the order of its use: columns
 * once per block of columns, a row once in each block. Between copy and use the data stays in the caches.
 */
export interface Staging {
  readonly columns: Axis;
  readonly rows: Axis;
  /** The loops of the sum, innermost last. */
  readonly loops: readonly Loop[];
  /** Columns (or tiles of columns) that are copied together. */
  readonly block: number;
  /** Loads that depend on the column but not on the row, and the other way round. */
  readonly ofColumns: Panel;
  readonly ofRows: Panel | undefined;
  /** Bytes of both copies. */
  readonly bytes: number;
}

/** A block of columns takes about half of a small L2 cache. */
const BLOCK_BYTES = 512 * 1024;
/** About half of a small L1 cache. */
const LARGE = 16 * 1024;
/** Shorter loops find their data in the L1 cache anyway. */
const WORTH_ROUNDS = 16;
/** A copy must be used for at least this many rows or columns. */
const WORTH_USES = 4;
/** Loads that move by less than a cache line per iteration share lines already. */
const LINE = 64;
const WORD = 4;

export function loadKey(buffer: string, index: Expr, vector: boolean): string {
  return `${buffer}/${String(vector)}/${keyOf(index)}`;
}

/** The nested loops of a body, if each contains only the next one; undefined if there are other loops or branches. */
function loopChain(body: readonly Stmt[]): readonly Loop[] | undefined {
  const [only, ...more] = body.filter((s) => s.kind === 'for' || s.kind === 'if');
  if (more.length > 0 || only?.kind === 'if') return undefined;
  if (!only) return [];
  const inner = loopChain(only.body);
  return inner && [only, ...inner];
}

function namesIn(e: Expr, into = new Set<string>()): Set<string> {
  if (e.kind === 'ref') into.add(e.name);
  else if (e.kind === 'load') into.add('[').add(e.buffer);
  else if (e.kind === 'uniform') into.add('[');
  else if (e.kind === 'call') e.args.forEach((a) => namesIn(a, into));
  return into;
}

/** How a kernel should be staged, if it pays. */
export function stagingOf(kernel: Kernel): Staging | undefined {
  const loops = loopChain(kernel.body) ?? [];
  const loop = loops.at(-1);
  const rounds = loops.reduce((n, l) => n * l.extent, 1);
  const long = kernel.axes.filter((a) => a.extent >= WORTH_USES);
  if (!loop || long.length < 2 || rounds < WORTH_ROUNDS) return undefined;
  const known = new Set([...kernel.axes.map((a) => a.name), ...loops.map((l) => l.name)]);
  const readOnly = new Set(kernel.buffers.filter((b) => b.access === 'read').map((b) => b.name));
  const loads = new Map<string, { readonly buffer: string; readonly index: Expr; readonly vector: boolean; readonly names: Set<string> }>();
  visitBody(loop.body, {
    load: ({ buffer, index, type }) => {
      const names = namesIn(index);
      if (readOnly.has(buffer) && [...names].every((n) => known.has(n)) && names.has(loop.name))
        loads.set(loadKey(buffer, index, isVector(type)), { buffer, index, vector: isVector(type), names });
    },
  });
  const far = [...loads.values()].filter(({ index, vector }) => {
    const term = linearOf(index).terms.find((t) => t.key === loop.name);
    return term === undefined || Math.abs(term.factor) * (vector ? 4 : 1) * WORD >= LINE;
  });
  const columns = kernel.axes.at(-1);
  const rows =
    columns &&
    long
      .filter((a) => a !== columns)
      .sort((a, b) => b.extent - a.extent)
      .find((a) => far.some((l) => l.names.has(columns.name) && !l.names.has(a.name)));
  if (!columns || !rows || columns.extent < 2) return undefined;
  const panel = (own: Axis, other: Axis): Panel | undefined => {
    let round = 0;
    const staged = far
      .filter((l) => l.names.has(own.name) && !l.names.has(other.name))
      .map(({ buffer, index, vector }): Staged => {
        const place = round;
        round += vector ? 4 * WORD : WORD;
        return { buffer, index, vector, place };
      });
    return staged.length > 0 ? { loads: staged, round, bytes: round * rounds } : undefined;
  };
  const ofColumns = panel(columns, rows);
  if (!ofColumns) return undefined;
  const ofRows = columns.extent >= WORTH_USES ? panel(rows, columns) : undefined;
  // What the inner loop reads more of should stay in the first cache: the panel of the row.
  return ofRows && ofRows.round < ofColumns.round
    ? staging(rows, columns, loops, ofRows, ofColumns)
    : staging(columns, rows, loops, ofColumns, ofRows);
}

function staging(columns: Axis, rows: Axis, loops: readonly Loop[], ofColumns: Panel, ofRows: Panel | undefined): Staging {
  // If rows are read where they are, going through them again costs nothing, and one large column at a time stays in the first cache.
  const most = ofRows || ofColumns.bytes < LARGE ? BLOCK_BYTES : 1;
  const block = Math.max(1, Math.min(columns.extent, Math.floor(most / ofColumns.bytes)));
  return { columns, rows, loops, block, ofColumns, ofRows, bytes: block * ofColumns.bytes + (ofRows?.bytes ?? 0) };
}
