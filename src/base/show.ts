/** A number with at most seven digits. */
export function showPlain(x: number): string {
  return Number.isInteger(x) && Math.abs(x) < 1e15 ? String(x) : String(Number(x.toPrecision(7)));
}

/** `[5, 7, 9]`, nested for more axes, with one row per line. */
export function showTensor({ shape, data }: { readonly shape: readonly number[]; readonly data: ArrayLike<number> }): string {
  const level = (axis: number, from: number): string => {
    const n = shape[axis];
    if (n === undefined) return showPlain(data[from] ?? NaN);
    const size = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    const parts = Array.from({ length: n }, (_, i) => level(axis + 1, from + i * size));
    return `[${parts.join(axis === shape.length - 1 ? ', ' : `,\n${' '.repeat(axis + 1)}`)}]`;
  };
  return level(0, 0);
}

/** Text in columns; columns of numbers are right-aligned. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((r) => (r[i] ?? '').length)));
  const numeric = (text: string): boolean => /^[-\d.,e+]+$/.test(text);
  return rows
    .map((r) =>
      r
        .map((cell, i) =>
          numeric(cell) || (rows.length > 1 && rows.slice(1).every((q) => numeric(q[i] ?? '')))
            ? cell.padStart(widths[i] ?? 0)
            : cell.padEnd(widths[i] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Text without characters that command a terminal: they become their pictures, one for one. New lines and tabs stay. */
export const visible = (text: string): string =>
  text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, (c) => {
    const code = c.charCodeAt(0);
    return code < 32 ? String.fromCharCode(0x2400 + code) : code === 127 ? '\u2421' : '\ufffd';
  });
