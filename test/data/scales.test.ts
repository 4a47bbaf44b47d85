import { encode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import type { KnownLearned, Scale } from '../../src/base/learned.ts';
import { readDataset } from '../../src/data/dataset.ts';
import { readImages } from '../../src/data/images.ts';
import { learnedIn, learnedMetadata } from '../../src/data/learned.ts';
import type { Dataset } from '../../src/data/needs.ts';
import { floats, idx, npy } from '../support/arrays.ts';
import { f32, message, needs } from '../support/data.ts';

/** Pixels are divided by 255 if they are bytes, and taken as they are if they are numbers: weights know which. */
const nothing = (path: string): Uint8Array => {
  throw new Error(path);
};
type Read = (known?: KnownLearned) => Dataset;
const file =
  (name: string, bytes: Uint8Array): Read =>
  (known) =>
    readDataset(name, bytes, needs(f32(1, 1, 2), undefined, { known }), nothing);
const png = encode({ width: 2, height: 1, channels: 1, data: Uint8Array.of(0, 255) });
const READS: Readonly<Record<Scale | 'either', readonly Read[]>> = {
  shares: [
    file('x.npy', npy('|u1', [1, 1, 2], Uint8Array.of(0, 255).buffer)),
    file('x-idx3-ubyte', idx([1, 1, 2], [0, 255])),
    (known) => readImages('x.png', [{ name: 'x.png', label: '', read: () => png }], needs(f32(1, 1, 2), undefined, { known })),
  ],
  numbers: [
    file('x.npy', floats([1, 1, 2], 0, 217)),
    file('x.npy', npy('<i4', [1, 1, 2], Int32Array.of(217, 0).buffer)),
    file('x.csv', new TextEncoder().encode('a,b\n0,217\n')),
  ],
  either: [file('x.npy', floats([1, 1, 2], 0, 1)), file('x.csv', new TextEncoder().encode('a,b\n0.5,1\n'))],
};
const trainedOn = (scale: Scale): KnownLearned => ({ columns: {}, classes: {}, scales: { x: scale }, from: 'w.safetensors' });

describe('the scale of pixels', () => {
  it('is learned from the data, and lies with the weights', () => {
    for (const read of READS.shares) expect(read().learned?.scales).toEqual({ x: 'shares' });
    for (const read of READS.numbers) expect(read().learned?.scales).toEqual({ x: 'numbers' });
    for (const read of READS.either) expect(read().learned?.scales).toBeUndefined();
    const learned = { columns: {}, classes: {}, scales: { x: 'shares' } } as const;
    expect(learnedIn(learnedMetadata(learned), 'w')).toEqual({ ...learned, vocabulary: undefined, from: 'w' });
    expect(() => learnedIn({ 'nnc.learned': '{"columns":{},"classes":{},"scales":{"x":"kilos"}}' }, 'w')).toThrow('cannot be read');
  });

  it('may not be another one with the weights', () => {
    for (const read of READS.shares)
      expect(message(() => read(trainedOn('numbers')))).toMatch(
        /^error\[NN304\]: the data does not fit the model\n {2}= x[\w.-]+ holds bytes, which are divided by the largest, so that they lie between 0 and 1; in training \(w.safetensors\) numbers were taken as they are, and did not\n {2}= help: train with images or .npy of uint8 too, or give numbers as in training: a .csv file, or .npy of float32$/,
      );
    for (const read of READS.numbers)
      expect(message(() => read(trainedOn('shares')))).toMatch(
        /^error\[NN304\]: the data does not fit the model\n {2}= x[\w.-]+ holds 217; in training \(w.safetensors\) the input was bytes, divided so that they lie between 0 and 1\n {2}= help: give bytes, as images or .npy of uint8, or divide the numbers by 255$/,
      );
  });

  it('may be the same, or one that could be either, or of weights that do not say', () => {
    for (const scale of ['shares', 'numbers'] as const)
      for (const read of [...READS[scale], ...READS.either]) expect(read(trainedOn(scale)).learned?.scales).toEqual({ x: scale });
    const old = { columns: {}, classes: {}, from: 'old.safetensors' };
    for (const read of [...READS.shares, ...READS.numbers]) expect(read(old).rows).toBe(1);
  });
});
