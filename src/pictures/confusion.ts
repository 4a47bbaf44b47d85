import { mustBe } from '../base/calls.ts';
import type { Drawing } from './picture.ts';
import { fitted, tag, text, widthOf } from './svg.ts';

const CELL = 46;
const WIDEST = 92;
const LABEL = 140;

/** How often each class was predicted as each: rows are real classes, columns predicted ones. */
export function drawConfusion(names: readonly string[], counts: readonly (readonly number[])[]): Drawing {
  for (const given of [names, counts]) mustBe(Array.isArray(given), 'drawConfusion takes the names and the counts as lists', given);
  const left = 30 + Math.min(LABEL, Math.max(...names.map((n) => widthOf(n, 12))));
  const top = 62;
  const wide = Math.min(WIDEST, Math.max(CELL, ...names.map((n) => widthOf(n, 12) + 12)));
  const size = names.length * CELL;
  const cells = counts.flatMap((row, r) => {
    const total = Math.max(
      1,
      row.reduce((a, b) => a + b, 0),
    );
    return row.map((n, c) => {
      const [x, y] = [left + c * wide, top + r * CELL];
      const share = n / total;
      return (
        tag('rect', {
          class: r === c ? 'right' : 'wrong',
          x,
          y,
          width: wide - 2,
          height: CELL - 2,
          rx: 5,
          'fill-opacity': n === 0 ? 0.05 : 0.12 + 0.7 * share,
        }) + text(x + wide / 2 - 1, y + CELL / 2 + 4, String(n), { class: n === 0 ? 'small soft' : 'small bold', 'text-anchor': 'middle' })
      );
    });
  });
  const across = names.map((n, c) =>
    text(left + c * wide + wide / 2 - 1, top - 8, fitted(n, 12, wide - 4), { class: 'small', 'text-anchor': 'middle' }),
  );
  const down = names.map((n, r) =>
    text(left - 8, top + r * CELL + CELL / 2 + 4, fitted(n, 12, LABEL), { class: 'small', 'text-anchor': 'end' }),
  );
  const right = counts.reduce((sum, row, i) => sum + (row[i] ?? 0), 0);
  const all = counts.flat().reduce((a, b) => a + b, 0);
  return {
    width: left + names.length * wide + 18,
    height: top + size + 18,
    content: [
      text(left, 26, 'predicted', { class: 'small soft' }),
      text(14, top + size / 2, 'real', { class: 'small soft', 'text-anchor': 'middle', transform: `rotate(-90 14 ${top + size / 2})` }),
      ...across,
      ...down,
      ...cells,
    ].join(''),
    about: `Rows are real classes, columns predicted ones: ${right} of ${all} examples are on the diagonal, which is right.`,
  };
}
