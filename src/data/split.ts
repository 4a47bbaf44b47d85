import { fail } from '../base/errors.ts';
import { shuffleAt } from '../base/random.ts';
import type { Dataset, Numbers } from './needs.ts';

/** Training examples and the holdout. */
export interface Split extends Dataset {
  readonly holdout: Dataset | undefined;
}

/** Shuffles by the seed, trains on the first part and holds out the rest; a share of 1 keeps the order. */
export function splitDataset(all: Dataset, share: number, seed: number): Split {
  if (share >= 1) return { ...all, holdout: undefined };
  if (all.rows < 2) return fail('NN304', 'one example cannot be split', { help: 'take split away' });
  const train = Math.max(1, Math.min(all.rows - 1, Math.round(all.rows * share)));
  const order = Array.from({ length: all.rows }, (_, i) => shuffleAt(i, all.rows, seed, 0));
  const pick = (rows: readonly number[]): Dataset => ({ rows: rows.length, tensors: all.tensors.map((t) => rowsOf(t, all.rows, rows)) });
  return { ...all, ...pick(order.slice(0, train)), holdout: pick(order.slice(train)) };
}

function rowsOf(values: Numbers, total: number, rows: readonly number[]): Numbers {
  const width = values.length / total;
  const out = values instanceof Float32Array ? new Float32Array(rows.length * width) : new Int32Array(rows.length * width);
  rows.forEach((row, i) => out.set(values.subarray(row * width, (row + 1) * width), i * width));
  return out;
}
