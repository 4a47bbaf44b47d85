import { userError } from '../base/diagnostics.ts';
import type { Needs } from './needs.ts';
import type { Table } from './table.ts';

/** A table with the rows that are left out, and what is said about it. */
export interface Reader {
  readonly path: string;
  readonly table: Table;
  readonly needs: Needs;
  readonly dropped: Set<number>;
  readonly remarks: string[];
}

/** Throws an error at a cell. */
export function wrongCell({ table, path }: Reader, row: number, column: string, label: string, help?: string): never {
  const span = table.place?.(row, column);
  const where = span ? label : `${label}, in ${table.rowName(row)} of ${path}`;
  throw userError([{ code: 'NN303', severity: 'error', label: where, ...(span ? { span } : {}), ...(help ? { help } : {}) }]);
}
