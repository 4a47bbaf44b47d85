import { at } from '../base/errors.ts';
import type { NetColumn, NetDescription } from './description.ts';
import type { Drawing } from './picture.ts';
import { escape, fitted, tag, text, widthOf } from './svg.ts';
import { lossText } from './texts.ts';

/** The longest column of units that is drawn one by one. */
export const LONGEST = 16;

const GAP = 128;
const FEET = 46;
/** Radius and distance of units, for columns up to a length. */
const SIZES = [
  { upTo: 4, radius: 15, step: 56 },
  { upTo: 8, radius: 12, step: 42 },
  { upTo: LONGEST, radius: 9, step: 30 },
] as const;

/** Circles for units, one column a layer, and lines for weights. */
export function drawUnits(net: NetDescription, columns: readonly NetColumn[]): Drawing {
  const longest = Math.max(...columns.map((c) => c.size));
  const { radius, step } = SIZES.find((s) => longest <= s.upTo) ?? SIZES[2];
  const tall = (longest - 1) * step + 2 * radius;
  const wide = (names: readonly string[]): number => Math.max(0, ...names.map((n) => widthOf(short(n), 13)));
  const [first, last] = [at(columns, 0), at(columns, columns.length - 1)];
  // The texts under a column are as wide as its gap, and those of the outer columns need half of that at least.
  const foot = (c: NetColumn): number => Math.min(GAP - 8, Math.max(widthOf(c.title, 13), widthOf(c.text, 12))) / 2;
  const left = Math.max(wide(first.names) + 10 + radius, foot(first), radius);
  const right = Math.max(wide(last.names) + 10 + radius, foot(last), radius);
  const x = (column: number): number => left + column * GAP;
  const y = (column: number, unit: number): number => tall / 2 + (unit - (at(columns, column).size - 1) / 2) * step;
  const name = (column: number, unit: number): string => columns[column]?.names[unit] || `unit ${unit + 1}`;
  const lines = columns.slice(1).flatMap((to, i) => {
    const { size } = at(columns, i);
    const largest = largestOf(to.weights);
    return Array.from({ length: to.size * size }, (_, k) => {
      const [unit, from] = [Math.floor(k / size), k % size];
      const ends = { x1: x(i) + radius, y1: y(i, from), x2: x(i + 1) - radius, y2: y(i + 1, unit) };
      const weight = to.weights?.[k];
      if (weight === undefined) return tag('line', { class: 'link', ...ends });
      const share = largest === 0 ? 0 : Math.abs(weight) / largest;
      return tag(
        'line',
        {
          class: weight < 0 ? 'minus' : 'plus',
          ...ends,
          'stroke-width': 0.5 + 3.5 * share,
          'stroke-opacity': 0.18 + 0.72 * share,
        },
        tag('title', {}, escape(`${name(i, from)} to ${name(i + 1, unit)}: ${shortNumber(weight)}`)),
      );
    });
  });
  const circles = columns.flatMap((c, i) =>
    Array.from({ length: c.size }, (_, unit) => {
      const [cx, cy] = [x(i), y(i, unit)];
      const bias = c.biases?.[unit];
      const note = bias === undefined ? '' : tag('title', {}, escape(`${name(i, unit)}, bias ${shortNumber(bias)}`));
      const circle = tag('circle', { class: i === 0 || i === columns.length - 1 ? 'end' : 'unit', cx, cy, r: radius }, note);
      if (i === 0) return circle + text(cx - radius - 10, cy + 4.5, short(c.names[unit] ?? ''), { 'text-anchor': 'end' });
      if (i === columns.length - 1) return circle + text(cx + radius + 10, cy + 4.5, short(c.names[unit] ?? ''));
      return circle;
    }),
  );
  const feet = columns.flatMap((c, i) => [
    text(x(i), tall + 30, fitted(c.title, 13, GAP - 8), { class: 'bold accent', 'text-anchor': 'middle' }),
    text(x(i), tall + FEET, fitted(c.text, 12, GAP - 8), { class: 'small soft', 'text-anchor': 'middle' }),
  ]);
  const weighed = columns.some((c) => c.weights !== undefined);
  const legend = weighed ? legendAt(tall + FEET + 34) : '';
  const width = Math.max(x(columns.length - 1) + right, weighed ? LEGEND : 0);
  const losses = net.losses.map((l, i) =>
    text(0, tall + FEET + (weighed ? 62 : 34) + 18 * i, fitted(lossText(l), 12, Math.max(width, 240)), { class: 'small soft' }),
  );
  const sizes = columns.map((c) => c.size).join(', ');
  return {
    width: Math.max(width, ...net.losses.map((l) => Math.min(240, widthOf(lossText(l), 12)))),
    height: tall + FEET + (weighed ? 40 : 4) + (losses.length > 0 ? 12 + 18 * losses.length : 0),
    content: [...lines, ...circles, ...feet, legend, ...losses].filter((line) => line !== '').join('\n'),
    about: `Columns of ${sizes} units, each connected with all units of the next column.${
      weighed ? ' Blue lines are positive weights, orange ones negative; the thickest line between two columns is the largest weight.' : ''
    }`,
  };
}

const LEGEND = 270;

function legendAt(y: number): string {
  const sample = (x: number, kind: string, label: string): string =>
    tag('line', { class: kind, x1: x, y1: y - 4, x2: x + 20, y2: y - 4, 'stroke-width': 3 }) +
    text(x + 27, y, label, { class: 'small soft' });
  return sample(0, 'plus', 'positive') + sample(88, 'minus', 'negative') + text(182, y, 'thicker is larger', { class: 'small soft' });
}

const short = (name: string): string => fitted(name, 13, 130);
const shortNumber = (x: number): string => String(Number(x.toPrecision(4)));

function largestOf(weights: ArrayLike<number> | undefined): number {
  let largest = 0;
  for (let i = 0; i < (weights?.length ?? 0); i++) largest = Math.max(largest, Math.abs(weights?.[i] ?? 0));
  return largest;
}
