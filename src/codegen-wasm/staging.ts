import { at } from '../base/errors.ts';
import type { Axis, Expr, Kernel, Stmt } from '../ir/kernel/types.ts';
import { isVector } from '../ir/kernel/functions.ts';
import { visitBody } from '../ir/kernel/visit.ts';
import { isBeyond, keyOf, linearOf } from './linear.ts';

/** A load that reads from a copy. The copies of one loop iteration are contiguous. */
export interface Staged {
  readonly buffer: string;
  readonly index: Expr;
  readonly vector: boolean;
  /** Its offset within the copies of an iteration, in bytes. */
  readonly place: number;
}

/** Loads of words side by side, which are copied together: a word, two, or four. */
export interface Copy {
  readonly first: Staged;
  readonly words: 1 | 2 | 4;
}

/** What is copied for a point of an axis. */
export interface Panel {
  readonly loads: readonly Staged[];
  readonly copies: readonly Copy[];
  /** Bytes per iteration of the sum. */
  readonly round: number;
  /** Whether points are closer together in memory than iterations: columns of a matrix, of which a line has several. */
  readonly across: boolean;
}

export type Loop = Extract<Stmt, { kind: 'for' }>;

/**
 * How a matrix product is blocked for the caches. Of its two axes, one is resident: what the inner loop reads for a point of it stays in the
 * first cache, while all points of a block of the streamed axis go by, whose data stays in the second. Strided data is copied into the order
 * of its use before. A sum that is too long for the first cache is computed in parts, whose sums wait in memory.
 */
export interface Staging {
  readonly streamed: Axis;
  readonly resident: Axis;
  /** Axes that go by together with the streamed one: what is resident is the same for all of their points. */
  readonly within: readonly Axis[];
  /** The one of the two that threads divide. */
  readonly divided: Axis;
  /** The loops of the sum, innermost last. */
  readonly loops: readonly Loop[];
  /** Points (or tiles) of the streamed axis that go by together. */
  readonly block: number;
  /** Parts of the outermost loop, which they divide evenly. */
  readonly parts: number;
  /** Loads that depend on one of the axes but not on the other, if they are copied. */
  readonly ofStreamed: Panel | undefined;
  readonly ofResident: Panel | undefined;
}

/** A block of the streamed axis takes about half of a small L2 cache, what is resident about half of a small L1 cache. */
const BLOCK_BYTES = 512 * 1024;
const RESIDENT_BYTES = 16 * 1024;
/** Shorter loops find their data in the L1 cache anyway. */
const WORTH_ROUNDS = 16;
/** A copy must be used for at least this many points. */
const WORTH_USES = 4;
/** The same for data that need not be copied to be read in order; and points of the streamed axis that threads can share. */
const MANY = 16;
/** A copy that so few points use is made for the points of further axes as well, if it can be. */
const FEW = 64;
/** Bytes apart at which places take each other's lines in a small L1 cache. */
const PAGE = 4096;
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

interface Load {
  readonly buffer: string;
  readonly index: Expr;
  readonly vector: boolean;
  readonly names: ReadonlySet<string>;
}

const bytesOf = (loads: readonly Load[]): number => loads.reduce((n, l) => n + (l.vector ? 4 : 1) * WORD, 0);

/** How a kernel should be staged, if it pays. */
export function stagingOf(kernel: Kernel): Staging | undefined {
  const loops = loopChain(kernel.body) ?? [];
  const loop = loops.at(-1);
  const rounds = loops.reduce((n, l) => n * l.extent, 1);
  const long = kernel.axes.filter((a) => a.extent >= WORTH_USES);
  if (!loop || long.length < 2 || rounds < WORTH_ROUNDS) return undefined;
  const known = new Set([...kernel.axes.map((a) => a.name), ...loops.map((l) => l.name)]);
  const readOnly = new Set(kernel.buffers.filter((b) => b.access === 'read').map((b) => b.name));
  const loads = new Map<string, Load>();
  visitBody(loop.body, {
    load: ({ buffer, index, type }) => {
      const names = namesIn(index);
      if (readOnly.has(buffer) && [...names].every((n) => known.has(n)) && names.has(loop.name))
        loads.set(loadKey(buffer, index, isVector(type)), { buffer, index, vector: isVector(type), names });
    },
  });
  const isFar = ({ index, vector }: Load): boolean => {
    const term = linearOf(index).terms.find((t) => t.key === loop.name);
    return term === undefined || Math.abs(term.factor) * (vector ? 4 : 1) * WORD >= LINE;
  };
  const only = (own: Axis, other: Axis): readonly Load[] =>
    [...loads.values()].filter((l) => l.names.has(own.name) && !l.names.has(other.name));
  const columns = kernel.axes.at(-1);
  if (!columns || columns.extent < 2) return undefined;
  const others = long.filter((a) => a !== columns).sort((a, b) => b.extent - a.extent);
  const isLarge = (own: readonly Load[]): boolean => columns.extent * rounds * bytesOf(own) > BLOCK_BYTES;
  const rows =
    others.find((a) => only(columns, a).some(isFar)) ??
    others.find((a) => only(a, columns).length > 0 && a.extent >= MANY && (isLarge(only(columns, a)) || collide(only(columns, a))));
  const held = heldOf(kernel, loops, [...loads.values()].filter(isFar));
  if (!rows) return held;
  const [ofColumns, ofRows] = [only(columns, rows), only(rows, columns)];
  // In short sums the results count as well, which are written along the columns.
  const tooLong = rounds * bytesOf(ofColumns) > RESIDENT_BYTES && bytesOf(ofColumns) >= bytesOf(ofRows);
  const flipped = tooLong && (kernel.axes.length > 2 || rows.extent >= MANY);
  const [streamed, resident] = flipped ? [rows, columns] : [columns, rows];
  const [ofStreamed, ofResident] = flipped ? [ofRows, ofColumns] : [ofColumns, ofRows];
  const panel = (axis: Axis, all: readonly Load[], uses: number): Panel | undefined => {
    const far = uses >= MANY && collide(all) ? all : uses >= WORTH_USES ? all.filter(isFar) : [];
    return far.length > 0 ? panelOf(far, [axis, at(loops, loops.length - 1)]) : undefined;
  };
  // What stays is read anew for each block, so blocks of a sum that is longer than the caches are not short.
  const fitting = Math.max(flipped ? MANY : 1, Math.floor(BLOCK_BYTES / (rounds * bytesOf(ofStreamed))));
  const block = Math.min(streamed.extent, fitting);
  // So few points do not pay for a copy of what the points of further axes read as well.
  if (held && held.within.length > 0 && block < FEW) return held;
  // Parts of a sum run what stands before it once more.
  const stores = kernel.body.findIndex((s) => s.kind === 'store');
  const inOnePart = !flipped || stores < kernel.body.findIndex((s) => s.kind === 'for');
  return {
    streamed,
    resident,
    within: [],
    divided: streamed,
    loops,
    block,
    parts: inOnePart ? 1 : partsOf(loops, bytesOf(ofResident)),
    ofStreamed: panel(streamed, ofStreamed, resident.extent),
    ofResident: panel(resident, ofResident, block),
  };
}

/**
 * The sum of a product whose other operand differs along every axis: only what is resident is copied, for all points of the other axes. The
 * gradient of a convolution's weights is such a product: each weight of a channel reads the same cotangent.
 */
function heldOf(kernel: Kernel, loops: readonly Loop[], far: readonly Load[]): Staging | undefined {
  const own = (axis: Axis): readonly Load[] => far.filter((l) => kernel.axes.every((a) => l.names.has(a.name) === (a === axis)));
  const [resident] = kernel.axes.filter((a) => own(a).length > 0).sort((a, b) => bytesOf(own(b)) - bytesOf(own(a)));
  const others = kernel.axes.filter((a) => a !== resident);
  if (!resident || others.reduce((n, a) => n * a.extent, 1) < WORTH_USES) return undefined;
  // A thread copies what is resident for itself, unless its points are its own.
  const longest = others.reduce((x, y) => (y.extent > x.extent ? y : x));
  const divided = resident.extent >= Math.min(MANY, longest.extent) ? resident : longest;
  const streamed = divided === resident ? at(others, others.length - 1) : divided;
  const within = others.filter((a) => a !== streamed);
  const stores = kernel.body.findIndex((s) => s.kind === 'store');
  const parts = stores < kernel.body.findIndex((s) => s.kind === 'for') ? 1 : partsOf(loops, bytesOf(own(resident)));
  const block = streamed.extent;
  return {
    streamed,
    resident,
    within,
    divided,
    loops,
    block,
    parts,
    ofStreamed: undefined,
    ofResident: panelOf(own(resident), [resident, at(loops, loops.length - 1)]),
  };
}

function panelOf(loads: readonly Load[], [axis, loop]: readonly [Axis, Loop]): Panel {
  const stride = ({ index }: Load, name: string): number => Math.abs(linearOf(index).terms.find((t) => t.key === name)?.factor ?? Infinity);
  const staged = loads.map(({ buffer, index, vector }, i): Staged => ({ buffer, index, vector, place: bytesOf(loads.slice(0, i)) }));
  return {
    loads: staged,
    copies: sideBySide(staged),
    round: bytesOf(loads),
    across: loads.every((l) => stride(l, axis.name) < stride(l, loop.name)),
  };
}

function sideBySide([first, ...rest]: readonly Staged[]): readonly Copy[] {
  if (!first) return [];
  const after = rest.findIndex(
    ({ buffer, index, vector }, i) => vector || buffer !== first.buffer || !isBeyond(linearOf(index), linearOf(first.index), i + 1),
  );
  const length = 1 + (after < 0 ? rest.length : after);
  const words = first.vector || length >= 4 ? 4 : length >= 2 ? 2 : 1;
  return [{ first, words }, ...sideBySide(first.vector ? rest : rest.slice(words - 1))];
}

/** Whether loads of an iteration collide in the cache: rows of a matrix whose length is a multiple of a page do. */
function collide(loads: readonly Load[]): boolean {
  const places = loads.map((l) => (((linearOf(l.index).constant * (l.vector ? 4 : 1) * WORD) % PAGE) + PAGE) % PAGE);
  return new Set(places).size < places.length;
}

/**
 * Into how many equal parts the outermost loop is divided of a sum that reads so many bytes an iteration: enough for the first cache, or as many as
 * there are. The parts of a single loop have as many iterations as are best written out together.
 */
function partsOf(loops: readonly Loop[], bytes: number): number {
  const { extent } = at(loops, 0);
  const least = Math.ceil((loops.reduce((n, l) => n * l.extent, 1) * bytes) / RESIDENT_BYTES);
  for (let parts = least; parts <= 2 * least; parts++)
    if (extent % parts === 0 && (loops.length > 1 || (extent / parts) % 4 === 0)) return parts;
  return loops.length > 1 && extent < least ? extent : 1;
}

/** What a sum takes that waits for its next part. */
export const WAITING_BYTES = 16;

/** What a thread keeps in its scratch memory. */
export interface Scratch {
  /** Bytes of a copy for a point of the streamed axis; those of a block are the first. */
  readonly each: number;
  /** Where the copy for the resident point begins, and where sums wait between parts. */
  readonly resident: number;
  readonly waiting: number;
  /** The names of the sums of a point. */
  readonly sums: readonly string[];
  readonly bytes: number;
}

export function scratchOf(staging: Staging, body: readonly Stmt[]): Scratch {
  const { within, loops, block, parts, ofStreamed, ofResident } = staging;
  const rounds = loops.reduce((n, l) => n * l.extent, 1);
  // Points that are written in turn take places in the cache of their own.
  const each = rounds * (ofStreamed?.round ?? 0) + (ofStreamed?.across ? LINE : 0);
  const resident = block * each;
  const waiting = resident + (rounds / parts) * (ofResident?.round ?? 0);
  const changed = new Set<string>();
  visitBody(
    body.filter((s) => s.kind === 'for'),
    { stmt: (s) => s.kind === 'set' && changed.add(s.name) },
  );
  const sums = body.flatMap((s) => (s.kind === 'var' && changed.has(s.name) ? [s.name] : []));
  const points = within.reduce((n, a) => n * a.extent, block);
  return { each, resident, waiting, sums, bytes: waiting + (parts > 1 ? points * sums.length * WAITING_BYTES : 0) };
}
