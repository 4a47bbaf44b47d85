import { fail } from '../base/errors.ts';
import { orderOf } from '../base/random.ts';
import type { Dataset } from './needs.ts';
import { firstRows, pickRows } from './values.ts';

/** Training examples and the holdout. */
export interface Split extends Dataset {
  readonly holdout: Dataset | undefined;
}

/** Which examples are held out: some at random, the last ones (of data in order of time), or as many of each class. */
export const HOLDS = ['random', 'last', 'stratified'] as const;

export interface SplitOptions {
  readonly seed: number;
  readonly hold?: (typeof HOLDS)[number] | undefined;
  /** The place of the target among the tensors, for `stratified`. */
  readonly target?: number | undefined;
}

/** Trains on a share of the examples and holds out the rest; a share of 1 keeps all, in their order. */
export function splitDataset(all: Dataset, share: number, options: SplitOptions): Split {
  if (share >= 1) return { ...all, holdout: undefined };
  if (all.rows < 2) return fail('NN304', 'one example cannot be split', { help: 'take split away' });
  const { train, held } = parts(all, share, options);
  if (train.length === 0 || held.length === 0)
    return fail('NN304', `${all.rows} examples cannot be split so that something is on both sides`, { help: 'use another split' });
  return { ...all, ...picked(all, train), holdout: picked(all, held) };
}

/** How many of some examples are trained on: at least one, and one less than all. */
export const trainedOf = (rows: number, share: number): number => Math.max(1, Math.min(rows - 1, Math.round(rows * share)));

interface Parts {
  readonly train: Uint32Array;
  readonly held: Uint32Array;
}

function parts(all: Dataset, share: number, { seed, hold = 'random', target }: SplitOptions): Parts {
  const cut = (rows: Uint32Array): Parts => {
    const n = trainedOf(rows.length, share);
    return { train: rows.subarray(0, n), held: rows.subarray(n) };
  };
  if (all.groups) return byGroup(all.groups, share, seed);
  const order = shuffled(all.rows, seed);
  if (hold === 'last') return cut(Uint32Array.from({ length: all.rows }, (_, i) => i));
  if (hold === 'random') return cut(order);
  const classes = [...classesOf(all, target, order).values()].map((rows) => cut(Uint32Array.from(rows)));
  // In the order of the data: one class after the other, a net would forget those before.
  return { train: joined(classes.map((c) => c.train)).sort(), held: joined(classes.map((c) => c.held)).sort() };
}

function shuffled(n: number, seed: number): Uint32Array {
  const at = orderOf(n, seed, 0);
  return Uint32Array.from({ length: n }, (_, i) => at(i));
}

function joined(parts: readonly Uint32Array[]): Uint32Array {
  const out = new Uint32Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

/** Rows by the value of their target, in the given order. */
function classesOf({ tensors, rows }: Dataset, target: number | undefined, order: Uint32Array): Map<number, number[]> {
  const values = tensors[target ?? -1];
  if (values?.length !== rows)
    return fail('NN304', 'hold=stratified takes as many of each class, and the target is not one class for each example', {
      help: 'take hold=stratified away',
    });
  const labels = firstRows(values, rows, rows);
  const found = new Map<number, number[]>();
  for (const row of order) {
    const label = labels[row] ?? 0;
    const known = found.get(label);
    if (known) known.push(row);
    else found.set(label, [row]);
  }
  return found;
}

/** Whole groups are trained on or held out, so that nothing of a group is on both sides. */
function byGroup(groups: Int32Array, share: number, seed: number): Parts {
  const names = [...new Set(groups)];
  const sizes = new Map<number, number>();
  for (const g of groups) sizes.set(g, (sizes.get(g) ?? 0) + 1);
  const trained = new Set<number>();
  let rows = 0;
  for (const i of shuffled(names.length, seed)) {
    const name = names[i] ?? 0;
    const size = sizes.get(name) ?? 0;
    if (trained.size > 0 && rows + size / 2 > share * groups.length) continue;
    trained.add(name);
    rows += size;
  }
  const all = Uint32Array.from(groups, (_, i) => i);
  return { train: all.filter((i) => trained.has(groups[i] ?? 0)), held: all.filter((i) => !trained.has(groups[i] ?? 0)) };
}

/** Cuts the examples into parts of nearly equal size, and holds out each of them once. */
export function foldsOf(all: Dataset, folds: number, options: SplitOptions): Split[] {
  if (all.rows < folds) return fail('NN304', `${all.rows} examples are too few for ${folds} folds`);
  const order = shuffled(all.rows, options.seed);
  const rows = options.hold === 'stratified' ? Uint32Array.from([...classesOf(all, options.target, order).values()].flat()) : order;
  const key = (i: number): number => (all.groups ? (all.groups[rows[i] ?? 0] ?? 0) : i) % folds;
  return Array.from({ length: folds }, (_, fold) => {
    const some = (held: boolean): Uint32Array => rows.filter((_row, i) => (key(i) === fold) === held);
    // One class after the other, a net would forget those before.
    const mine = (held: boolean): Uint32Array => (options.hold === 'stratified' ? some(held).sort() : some(held));
    return { ...all, ...picked(all, mine(false)), holdout: picked(all, mine(true)) };
  });
}

const picked = (all: Dataset, rows: Uint32Array): Dataset => ({
  rows: rows.length,
  tensors: all.tensors.map((t) => pickRows(t, all.rows, rows)),
});
