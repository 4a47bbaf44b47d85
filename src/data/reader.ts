import { userError } from '../base/diagnostics.ts';
import type { Needs } from './needs.ts';
import type { Table } from './table.ts';

/** A table with the rows that are left out, and what is said about it. */
export interface Reader {
  readonly path: string;
  readonly table: Table;
  readonly needs: Needs;
  readonly dropped: RowSet;
  readonly remarks: string[];
}

/** A set of rows, which may be many. */
export class RowSet {
  size = 0;
  private readonly flags: Uint8Array;

  constructor(rows: number) {
    this.flags = new Uint8Array(rows);
  }

  add(row: number): void {
    if (!this.flags[row]) this.size++;
    this.flags[row] = 1;
  }

  has(row: number): boolean {
    return this.flags[row] === 1;
  }

  /** The rows from `from` to `to` that are not in it. */
  others(from: number, to: number): Uint32Array {
    const out = new Uint32Array(to - from);
    let n = 0;
    for (let row = from; row < to; row++) if (!this.has(row)) out[n++] = row;
    return out.subarray(0, n);
  }
}

/** Throws an error at a cell. */
export function wrongCell({ table, path }: Reader, row: number, column: string, label: string, help?: string): never {
  const span = table.place?.(row, column);
  const where = span ? label : `${label}, in ${table.rowName(row)} of ${path}`;
  throw userError([{ code: 'NN303', severity: 'error', label: where, ...(span ? { span } : {}), ...(help ? { help } : {}) }]);
}
