import { at } from './errors.ts';

/** Rows of numbers, all of one length. */
export type Matrix = readonly (readonly number[])[];

export const transposed = (m: Matrix): Matrix => at(m, 0).map((_, j) => m.map((row) => at(row, j)));
