import { fail } from '../base/errors.ts';
import { shuffleAt } from '../base/random.ts';
import type { Dataset, Numbers } from './needs.ts';

/** Training examples and the holdout. */
export interface Split extends Dataset {
  readonly holdout: Dataset | undefined;
}

/** Which examples are held out: any, the last ones (of data in order of time), or as many of each class. */
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

interface Parts {
  readonly train: readonly number[];
  readonly held: readonly number[];
}

function parts(all: Dataset, share: number, { seed, hold = 'random', target }: SplitOptions): Parts {
  const cut = (rows: readonly number[]): Parts => {
    const n = Math.max(1, Math.min(rows.length - 1, Math.round(rows.length * share)));
    return { train: rows.slice(0, n), held: rows.slice(n) };
  };
  if (all.groups) return byGroup(all.groups, share, seed);
  const order = shuffled(all.rows, seed);
  if (hold === 'last') return cut(Array.from({ length: all.rows }, (_, i) => i));
  if (hold === 'random') return cut(order);
  const classes = [...classesOf(all, target, order).values()].map(cut);
  return { train: classes.flatMap((c) => c.train), held: classes.flatMap((c) => c.held) };
}

const shuffled = (n: number, seed: number): number[] => Array.from({ length: n }, (_, i) => shuffleAt(i, n, seed, 0));

/** Rows by the value of their target, in the given order. */
function classesOf({ tensors, rows }: Dataset, target: number | undefined, order: readonly number[]): Map<number, number[]> {
  const labels = tensors[target ?? -1];
  if (labels?.length !== rows)
    return fail('NN304', 'hold=stratified takes as many of each class, and the target is not one class for each example', {
      help: 'take hold=stratified away',
    });
  const found = new Map<number, number[]>();
  for (const row of order) {
    const label = labels[row] ?? 0;
    found.set(label, [...(found.get(label) ?? []), row]);
  }
  return found;
}

/** Whole groups are trained on or held out, so that nothing of a group is on both sides. */
function byGroup(groups: Int32Array, share: number, seed: number): Parts {
  const names = [...new Set(groups)];
  const order = shuffled(names.length, seed).map((i) => names[i] ?? 0);
  const trained = new Set<number>();
  let rows = 0;
  for (const name of order) {
    const size = groups.reduce((n, g) => n + (g === name ? 1 : 0), 0);
    if (trained.size > 0 && rows + size / 2 > share * groups.length) continue;
    trained.add(name);
    rows += size;
  }
  const all = Array.from(groups, (_, i) => i);
  return { train: all.filter((i) => trained.has(groups[i] ?? 0)), held: all.filter((i) => !trained.has(groups[i] ?? 0)) };
}

/** Cuts the examples into parts of nearly equal size, and holds out each of them once. */
export function foldsOf(all: Dataset, folds: number, options: SplitOptions): Split[] {
  if (all.rows < folds) return fail('NN304', `${all.rows} examples are too few for ${folds} folds`);
  const order = shuffled(all.rows, options.seed);
  const rows = options.hold === 'stratified' ? [...classesOf(all, options.target, order).values()].flat() : order;
  const key = (i: number): number => (all.groups ? (all.groups[rows[i] ?? 0] ?? 0) : i) % folds;
  return Array.from({ length: folds }, (_, fold) => {
    const mine = (held: boolean): number[] => rows.filter((_row, i) => (key(i) === fold) === held);
    return { ...all, ...picked(all, mine(false)), holdout: picked(all, mine(true)) };
  });
}

const picked = (all: Dataset, rows: readonly number[]): Dataset => ({
  rows: rows.length,
  tensors: all.tensors.map((t) => rowsOf(t, all.rows, rows)),
});

function rowsOf(values: Numbers, total: number, rows: readonly number[]): Numbers {
  const width = values.length / total;
  const out = values instanceof Float32Array ? new Float32Array(rows.length * width) : new Int32Array(rows.length * width);
  rows.forEach((row, i) => out.set(values.subarray(row * width, (row + 1) * width), i * width));
  return out;
}
