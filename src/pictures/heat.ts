import { mustHave } from '../base/calls.ts';
import type { Drawing } from './picture.ts';
import { digits, tag, text } from './svg.ts';

/** Shares in a grid: row by row, who looks at whom. */
export interface HeatOptions {
  /** Row by row, each from 0 to 1. */
  readonly values: ArrayLike<number>;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** What the rows and the columns are. */
  readonly y: string;
  readonly x: string;
  /** The side of a cell. */
  readonly cell?: number;
}

/** Cells are the darker the larger the share, and show it as a percentage if there is room for it. */
export function drawHeat(options: HeatOptions): Drawing {
  mustHave('drawHeat', options, ['values', 'rows', 'columns']);
  const { values, rows, columns, x, y, cell = 40 } = options;
  const [left, top] = [76, 44];
  const [width, height] = [left + columns.length * cell + 16, top + rows.length * cell + 16];
  const cells = rows.flatMap((_, r) =>
    columns.map((_, c) => {
      const share = values[r * columns.length + c] ?? 0;
      const v = Number.isFinite(share) ? Math.max(0, Math.min(1, share)) : 0;
      const [cx, cy] = [left + c * cell, top + r * cell];
      const shown =
        cell >= 32 ? text(cx + cell / 2, cy + cell / 2 + 4, `${Math.round(100 * v)}`, { class: 'small', 'text-anchor': 'middle' }) : '';
      const box = tag('rect', {
        class: 'heat',
        x: cx,
        y: cy,
        width: cell - 2,
        height: cell - 2,
        rx: 3,
        'fill-opacity': digits(0.04 + 0.46 * v),
      });
      return box + shown;
    }),
  );
  const above = columns.map((name, c) => text(left + c * cell + cell / 2, top - 8, name, { class: 'small', 'text-anchor': 'middle' }));
  const beside = rows.map((name, r) => text(left - 8, top + r * cell + cell / 2 + 4, name, { class: 'small', 'text-anchor': 'end' }));
  const axes = [
    text(left + (columns.length * cell) / 2, 16, `${x}, in percent`, { class: 'small', 'text-anchor': 'middle' }),
    `<g transform="translate(14 ${top + (rows.length * cell) / 2}) rotate(-90)">${text(0, 0, y, { class: 'small', 'text-anchor': 'middle' })}</g>`,
  ];
  const about = rows.map((name, r) => {
    const own = Array.from(columns, (_, c) => values[r * columns.length + c] ?? 0);
    const most = own.indexOf(Math.max(...own));
    return `${name} looks most at ${columns[most] ?? ''}`;
  });
  return { width, height, content: [...axes, ...above, ...beside, ...cells].join(''), about: `${about.join('; ')}.` };
}
