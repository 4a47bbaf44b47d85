import type { Tensor } from '../runtime/api.ts';

/** Rows and columns that are shown of a large tensor. */
const ROWS = 6;
const COLUMNS = 8;
/** Characters of a line. */
const WIDE = 76;

const short = (x: number): string => {
  if (Number.isInteger(x) && Math.abs(x) < 1e6) return String(x);
  const a = Math.abs(x);
  return a >= 1e5 || a < 1e-4 ? x.toExponential(2) : String(Number(x.toPrecision(4)));
};

/** A tensor as a small matrix, as a notebook shows it; large ones are cut to their corner. */
export function matrixText({ shape, data }: Tensor, indent = '    '): string {
  if (shape.length === 0 || data.length === 1) return `${indent}${short(data[0] ?? NaN)}`;
  const width = shape.at(-1) ?? 1;
  const height = data.length / width;
  const rows = Math.min(ROWS, height);
  let columns = Math.min(COLUMNS, width);
  const cells = Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, j) => short(data[i * width + j] ?? NaN)));
  const widths = Array.from({ length: columns }, (_, j) => Math.max(...cells.map((row) => (row[j] ?? '').length)));
  const length = (n: number): number => indent.length + widths.slice(0, n).reduce((sum, w) => sum + w + 2, -2) + (n < width ? 5 : 0);
  while (columns > 1 && length(columns) > WIDE) columns--;
  const more = columns < width ? '  ...' : '';
  const lines = cells.map(
    (row) =>
      `${indent}${row
        .slice(0, columns)
        .map((c, j) => c.padStart(widths[j] ?? 0))
        .join('  ')}${more}`,
  );
  if (rows < height) lines.push(`${indent}...`);
  if (rows < height || columns < width) lines.push(`${indent}(${shape.join(' x ')} in all)`);
  return lines.join('\n');
}
