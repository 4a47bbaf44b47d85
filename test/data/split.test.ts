import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../src/data/needs.ts';
import { foldsOf, splitDataset } from '../../src/data/split.ts';
import { inMemory } from '../../src/data/values.ts';

/** Which examples are held out. */
const labels = Int32Array.from({ length: 40 }, (_, i) => (i % 10 === 0 ? 1 : 0));
const all: Dataset = { rows: 40, tensors: [Float32Array.from({ length: 80 }, (_, i) => Math.floor(i / 2)), labels] };
const values = (d: Dataset | undefined, k: number): readonly number[] => [...inMemory(d?.tensors[k] ?? new Float32Array(0))];
const rows = (d: Dataset | undefined): number[] => values(d, 0).filter((_, i) => i % 2 === 0);
const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);
const everything = Array.from({ length: 40 }, (_, i) => i);

describe('a split', () => {
  it('is a matter of the seed, and loses nothing', () => {
    const [a, b, c] = [1, 1, 2].map((seed) => splitDataset(all, 0.75, { seed }));
    expect([a?.rows, a?.holdout?.rows]).toEqual([30, 10]);
    expect(sorted([...rows(a), ...rows(a?.holdout)])).toEqual(everything);
    expect(rows(a)).toEqual(rows(b));
    expect(rows(a)).not.toEqual(rows(c));
  });

  it('by time holds out the last', () => {
    expect(rows(splitDataset(all, 0.9, { seed: 1, hold: 'last' }).holdout)).toEqual([36, 37, 38, 39]);
  });

  it('stratified has as many of each class on both sides', () => {
    const split = splitDataset(all, 0.75, { seed: 5, hold: 'stratified', target: 1 });
    const ones = (d: Dataset | undefined): number => values(d, 1).reduce((n, v) => n + v, 0);
    expect([ones(split), ones(split.holdout), split.holdout?.rows]).toEqual([3, 1, 10]);
    expect(() => splitDataset(all, 0.5, { seed: 1, hold: 'stratified', target: 0 })).toThrow('not one class for each example');
  });

  it('stratified keeps the order of the data, and so do its folds', () => {
    const options = { seed: 5, hold: 'stratified', target: 1 } as const;
    for (const split of [splitDataset(all, 0.75, options), ...foldsOf(all, 4, options)])
      for (const part of [split, split.holdout]) expect(rows(part)).toEqual(sorted(rows(part)));
  });

  it('keeps groups together', () => {
    const groups = Int32Array.from(everything, (i) => Math.floor(i / 5));
    const split = splitDataset({ ...all, groups }, 0.7, { seed: 3 });
    const of = (d: Dataset | undefined): Set<number> => new Set(rows(d).map((r) => Math.floor(r / 5)));
    expect([...of(split)].filter((g) => of(split.holdout).has(g))).toEqual([]);
    expect(split.rows).toBeGreaterThanOrEqual(25);
    expect(split.rows).toBeLessThanOrEqual(30);
    expect(() => splitDataset({ ...all, groups: new Int32Array(40) }, 0.5, { seed: 1 })).toThrow('something is on both sides');
  });

  it('folds hold out everything once', () => {
    const folds = foldsOf(all, 5, { seed: 2 });
    expect(folds.map((f) => [f.rows, f.holdout?.rows])).toEqual(Array.from({ length: 5 }, () => [32, 8]));
    expect(sorted(folds.flatMap((f) => rows(f.holdout)))).toEqual(everything);
    const even = foldsOf(all, 4, { seed: 2, hold: 'stratified', target: 1 });
    for (const f of even) expect(values(f.holdout, 1).reduce((a, b) => a + b, 0)).toBe(1);
    expect(() => foldsOf(all, 41, { seed: 1 })).toThrow('too few for 41 folds');
  });
});
