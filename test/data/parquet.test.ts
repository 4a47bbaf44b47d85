import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { loadDataset, loadTable, readDataset } from '../../src/data/dataset.ts';
import type { Needs } from '../../src/data/needs.ts';
import { f32, lists, message, needs } from '../support/data.ts';

/** Parquet files, as pandas and others write them. */
const file = (compressed = true): Uint8Array =>
  new Uint8Array(
    parquetWriteBuffer({
      codec: compressed ? 'SNAPPY' : 'UNCOMPRESSED',
      columnData: [
        { name: 'size', data: [1.5, 2, null, 4], type: 'DOUBLE' },
        { name: 'city', data: ['Rome', 'Nice', 'Rome', null], type: 'STRING' },
        { name: 'rooms', data: [1n, 2n, 3n, 4n], type: 'INT64' },
        { name: 'sold', data: [true, false, true, true], type: 'BOOLEAN' },
        { name: 'day', data: ['2026-01-01', '2026-01-02', '2026-02-01', '2026-03-01'].map((d) => new Date(d)), type: 'TIMESTAMP' },
        { name: 'price', data: [10, 20, 30, 40], type: 'INT32' },
      ],
    }),
  );
const read = (bytes: Uint8Array, how: Needs) => loadDataset('a.parquet', bytes, how, () => new Uint8Array());
const columns = (x: readonly string[]): ReadonlyMap<string, readonly string[]> => new Map([['x', x]]);

describe('a Parquet file', () => {
  it.each([true, false])('is a table of numbers, words, gaps and dates (compressed: %s)', async (compressed) => {
    const how = needs(f32(7), f32(1), { missing: 'flag', dates: true, columns: columns(['size', 'city', 'rooms', 'sold']) });
    const d = await read(file(compressed), how);
    expect(lists(d)).toEqual([
      [1.5, 0, 0, 1, 0, 1, 1, 2, 0, 1, 0, 0, 2, 0, 2.5, 1, 0, 1, 0, 3, 1, 4, 0, 0, 0, 1, 4, 1],
      [10, 20, 30, 40],
    ]);
    const days = await read(file(), needs(f32(1), f32(1), { dates: true, columns: columns(['day']) }));
    expect(lists(days)[0]?.map((d) => d - 20_454)).toEqual([0, 1, 31, 59]);
    expect((await loadTable('a.parquet', file(), needs(f32(1)))).columns).toEqual(['size', 'city', 'rooms', 'sold', 'day', 'price']);
  });

  it('tells what is wrong with it', async () => {
    await expect(read(file().subarray(0, 40), needs(f32(1), f32(1)))).rejects.toThrow('a.parquet cannot be read as a Parquet file');
    await expect(read(file(), needs(f32(1), f32(1), { columns: columns(['size']) }))).rejects.toThrow("column 'size' has no value here");
    await expect(read(file(), needs(f32(1), f32(1), { columns: columns(['sze']) }))).rejects.toThrow("did you mean 'size'?");
    expect(message(() => readDataset('a.parquet', file(), needs(f32(1)), () => new Uint8Array()))).toContain(
      'use loadData instead of readData',
    );
  });
});
