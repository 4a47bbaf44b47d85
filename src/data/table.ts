/** A table of numbers with named columns. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: number;
  /** The numbers of a column; throws at the first cell that is not a number. */
  readonly numbers: (column: string) => Float64Array;
}
