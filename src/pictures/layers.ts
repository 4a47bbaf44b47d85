import { at, get } from '../base/errors.ts';
import { arrowsBetween, type Placed } from './arrows.ts';
import { itemOf, lossItem, port, WIDEST, type Item } from './boxes.ts';
import type { NetArrow, NetDescription } from './description.ts';
import type { Drawing } from './picture.ts';
import { tag } from './svg.ts';

/** Between rows, where arrows are, and between boxes side by side. */
const GAP = 34;
const BESIDE = 28;
const NARROWEST = 240;

/** Boxes for layers, each below those that it takes values from. */
export function drawLayers(net: NetDescription): Drawing {
  const last = net.losses.length > 0 ? lossItem(net) : undefined;
  const items = [...net.inputs.map(port), ...net.boxes.map(itemOf), port(net.output), ...(last ? [last] : [])];
  const arrows = [...net.arrows, ...(last ? [{ from: net.output.id, to: last.id }] : [])];
  const rows = rowsOf(items, arrows);
  const alone = rows.filter((row) => row.length === 1).map((row) => at(row, 0));
  const column = Math.min(WIDEST, Math.max(NARROWEST, ...alone.filter((i) => i.stretches).map((i) => i.width)));
  const across = (row: readonly Item[]): number => row.reduce((n, i) => n + i.width, BESIDE * (row.length - 1));
  const whole = Math.max(column, ...rows.map(across));
  const places = new Map<string, Placed>();
  let y = 0;
  for (const [index, row] of rows.entries()) {
    const only = row.length === 1;
    let x = (whole - (only && at(row, 0).stretches ? column : across(row))) / 2;
    const height = Math.max(...row.map((i) => i.height));
    for (const item of row) {
      const width = only && item.stretches ? column : item.width;
      // Boxes of different heights stand on one line, so that the arrows out of a row are short.
      places.set(item.id, { x, y: y + height - item.height, width, height: item.height, row: index, alone: only });
      x += width + BESIDE;
    }
    y += height + GAP;
  }
  const { content, right } = arrowsBetween(arrows, places, whole, GAP);
  const boxes = items.map((item) => {
    const place = get(places, item.id, 'place');
    return tag('g', { transform: `translate(${Math.round(place.x * 10) / 10} ${place.y})` }, item.draw(place.width));
  });
  const counted = net.boxes.filter((b) => b.kind !== 'joint');
  const named = counted.map((b) => (b.kind === 'block' ? `${b.path}${b.copies > 1 ? ` ${b.copies} times` : ''}` : b.text));
  return {
    width: right,
    height: y - GAP,
    content: [content, ...boxes].join('\n'),
    about: `From ${net.inputs.map((i) => i.name).join(' and ')} to ${net.output.name}: ${named.join(', ')}.`,
  };
}

/** Each item in the row after the last of those that it takes values from; what takes none is right above what takes from it. */
function rowsOf(items: readonly Item[], arrows: readonly NetArrow[]): (readonly Item[])[] {
  const row = new Map<string, number>();
  const order = new Map(items.map((item, i) => [item.id, i]));
  const forward = arrows.filter((a) => (order.get(a.from) ?? 0) < (order.get(a.to) ?? 0));
  for (const { id } of items) row.set(id, Math.max(-1, ...forward.filter((a) => a.to === id).map((a) => row.get(a.from) ?? 0)) + 1);
  for (const { id } of items) {
    const next = forward.filter((a) => a.from === id).map((a) => row.get(a.to) ?? 0);
    if (next.length > 0 && !forward.some((a) => a.to === id)) row.set(id, Math.max(0, Math.min(...next) - 1));
  }
  const rows: Item[][] = [];
  for (const item of items) (rows[get(row, item.id, 'row')] ??= []).push(item);
  return rows.filter((r) => r.length > 0);
}
