import { gunzipSync } from 'fflate';
import { fail, messageOf } from '../base/errors.ts';
import type { Raw } from '../base/learned.ts';
import { gather, type Reading, type Table } from './table.ts';

/** Rows that are taken over at once. */
const SLICE = 50_000;

/** Reads a Parquet file, compressed by snappy or gzip or not at all, as a table. Nested columns are an error if they are used. */
export async function readParquet(name: string, bytes: Uint8Array, how: Reading): Promise<Table> {
  // Only whoever reads such a file needs the library.
  const { parquetMetadata, parquetRead } = await import('hyparquet');
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  const bad = (e: unknown): never =>
    fail('NN301', `${name} cannot be read as a Parquet file: ${messageOf(e)}`, {
      help: 'write it with snappy or without compression, as pandas.DataFrame.to_parquet does',
    });
  let metadata: ReturnType<typeof parquetMetadata>;
  try {
    metadata = parquetMetadata(file);
  } catch (e) {
    return bad(e);
  }
  const columns = metadata.schema.flatMap((s, i) => (i > 0 && (s.num_children ?? 0) === 0 ? [s.name] : []));
  const rows = Number(metadata.num_rows);
  if (rows === 0) return fail('NN301', `${name} has no rows`);
  const slices: unknown[][][] = [];
  for (let rowStart = 0; rowStart < rows; rowStart += SLICE) {
    const rowEnd = Math.min(rows, rowStart + SLICE);
    try {
      await parquetRead({
        file,
        metadata,
        rowStart,
        rowEnd,
        columns,
        compressors: { GZIP: (input) => gunzipSync(input) },
        onComplete: (some) => void slices.push(some as unknown[][]),
      });
    } catch (e) {
      return bad(e);
    }
  }
  const cells = gather(columns, how, (add) => {
    slices.forEach((some, s) => some.forEach((row, i) => add(row.map((v, k) => raw(name, v, s * SLICE + i, columns[k] ?? '')))));
  });
  return {
    columns,
    rows,
    cells: (column) => cells.get(column) ?? fail('NN302', `${name} has no column '${column}'`),
    rowName: (row) => `row ${row + 1}`,
  };
}

/** A value as other files have it: dates as text. */
function raw(name: string, value: unknown, row: number, column: string): Raw {
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean')
    return value;
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Date) return value.toISOString().replace(/T00:00:00\.000Z$/, '');
  return fail('NN303', `column '${column}' of ${name} holds a list or a record in row ${row + 1}, and nnc reads numbers and words`);
}
