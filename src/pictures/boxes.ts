import type { NetBox, NetDescription, NetLayer, NetPort } from './description.ts';
import { amount, counted, fitted, tag, text, widthOf } from './svg.ts';
import { lossText } from './texts.ts';

/** Something with a place of its own, drawn from its upper left corner. */
export interface Item {
  readonly id: string;
  /** The least width that shows all of it, up to {@link WIDEST}. */
  readonly width: number;
  readonly height: number;
  /** Whether it may be made wider, so that boxes one below the other line up. */
  readonly stretches: boolean;
  readonly draw: (width: number) => string;
}

export const WIDEST = 560;
const PAD = 14;
const ROW = 22;
const LISTED = 24;
/** How far the sheets behind a box with copies look out. */
const SHEET = 5;

const clamp = (width: number): number => Math.min(WIDEST, Math.ceil(width));
const middle = { 'text-anchor': 'middle' };
const end = { 'text-anchor': 'end' };
const sized = (n: number): string => (n === 0 ? '' : amount(n));

export const itemOf = (box: NetBox): Item =>
  box.kind === 'layer' ? layer(box, box.id) : box.kind === 'block' ? block(box) : joint(box.id, box.text);

function layer(of: NetLayer, id: string): Item {
  const second = of.path !== '' || of.parameters > 0;
  const size = of.parameters === 0 ? '' : counted(of.parameters, 'parameter');
  const first = widthOf(of.text, 13.5) + widthOf(of.shape, 13) + 28;
  const height = second ? 54 : 34;
  return {
    id,
    width: clamp(2 * PAD + Math.max(first, widthOf(of.path, 12) + widthOf(size, 12) + 28)),
    height,
    stretches: true,
    draw: (width) =>
      [
        tag('rect', { class: 'card', width, height, rx: 9 }),
        text(PAD, second ? 23 : 22, fitted(of.text, 13.5, width - 2 * PAD - widthOf(of.shape, 13) - 12), {
          class: second ? 'bold' : undefined,
        }),
        text(width - PAD, second ? 23 : 22, of.shape, end),
        text(PAD, 42, of.path, { class: 'small accent' }),
        text(width - PAD, 42, size, { class: 'small soft', ...end }),
      ].join(''),
  };
}

/** A table of layers in a frame, on top of sheets if there are copies. */
function block(of: NetBox & { readonly kind: 'block' }): Item {
  const listed = of.layers.slice(0, LISTED);
  const rest = of.layers.length - listed.length;
  const widest = (what: (l: NetLayer) => string): number => Math.max(0, ...listed.map((l) => widthOf(what(l), 12)));
  const [paths, texts, shapes, sizes] = [
    widest((l) => l.path),
    widest((l) => l.text),
    widest((l) => l.shape),
    widest((l) => sized(l.parameters)),
  ];
  const column = { path: Math.min(paths, 130), shape: shapes, size: Math.max(sizes, 20) };
  const fixed = 2 * PAD + column.path + column.shape + column.size + 3 * 16;
  const copies = of.copies === 1 ? '' : `× ${of.copies}`;
  const size = of.parameters === 0 ? '' : counted(of.parameters, 'parameter');
  const head = widthOf(of.path, 13.5) + widthOf(copies, 13) + widthOf(of.shape, 13) + widthOf(size, 12) + 76;
  const height = 42 + ROW * (listed.length + (rest > 0 ? 1 : 0)) + 8;
  const sheets = of.copies === 1 ? 0 : 2;
  return {
    id: of.id,
    width: clamp(Math.max(head + 2 * PAD, fixed + texts)),
    height: height + sheets * SHEET,
    stretches: true,
    draw(width) {
      const badge = PAD + widthOf(of.path, 13.5) + 12;
      const badgeWidth = widthOf(copies, 12) + 16;
      const right = { size: width - PAD, shape: width - PAD - column.size - 16 };
      const from = PAD + column.path + 16;
      const rows = listed.flatMap((l, i) => {
        const y = 42 + ROW * i + 17;
        return [
          text(PAD, y, fitted(l.path, 12, column.path), { class: 'small accent' }),
          text(from, y, fitted(l.text, 12, right.shape - column.shape - 16 - from), { class: l.parameters > 0 ? 'small' : 'small soft' }),
          text(right.shape, y, l.shape, { class: 'small soft', ...end }),
          text(right.size, y, sized(l.parameters), { class: 'small soft', ...end }),
        ];
      });
      return [
        ...Array.from({ length: sheets }, (_, i) => (sheets - i) * SHEET).map((by) =>
          tag('rect', { class: 'card', x: by, y: by, width: width - 2 * by, height, rx: 9 }),
        ),
        tag('rect', { class: 'card', width, height, rx: 9 }),
        text(PAD, 25, of.path, { class: 'bold' }),
        ...(copies === ''
          ? []
          : [
              tag('rect', { class: 'pill', x: badge, y: 11, width: badgeWidth, height: 20, rx: 10 }),
              text(badge + badgeWidth / 2, 25, copies, { class: 'small bold accent', ...middle }),
            ]),
        text(width - PAD, 25, of.shape, end),
        text(width - PAD - widthOf(of.shape, 13) - 12, 25, size, { class: 'small soft', ...end }),
        tag('path', { class: 'rule', d: `M0 38H${width}` }),
        ...rows,
        rest > 0 ? text(from, 42 + ROW * listed.length + 17, `and ${rest} more`, { class: 'small soft' }) : '',
      ].join('');
    },
  };
}

function joint(id: string, sign: string): Item {
  const height = 26;
  const width = sign.length === 1 ? height : Math.ceil(widthOf(sign, 12)) + 22;
  return {
    id,
    width,
    height,
    stretches: false,
    draw: () =>
      tag('rect', { class: 'card', width, height, rx: height / 2 }) +
      text(width / 2, sign.length === 1 ? 18 : 17, sign, { class: sign.length === 1 ? 'bold' : 'small', ...middle }),
  };
}

/** The ends of the net: a name and a shape. */
export function port({ id, name, shape }: NetPort): Item {
  const width = clamp(widthOf(name, 13.5) + widthOf(shape, 13) + (shape === '' ? 40 : 54));
  return {
    id,
    width,
    height: 34,
    stretches: false,
    draw: () =>
      tag('rect', { class: 'pill', width, height: 34, rx: 17 }) +
      text(20, 22, fitted(name, 13.5, width - 54 - widthOf(shape, 13)), { class: 'bold' }) +
      text(width - 20, 22, shape, end),
  };
}

/** What training compares, below the output. */
export function lossItem(net: NetDescription): Item {
  const lines = net.losses.map(lossText);
  const height = 16 + 20 * lines.length;
  const width = clamp(2 * PAD + 12 + Math.max(...lines.map((l) => widthOf(l, 13))));
  return {
    id: 'loss',
    width,
    height,
    stretches: false,
    draw: () =>
      tag('rect', { class: 'pill', width, height, rx: Math.min(18, height / 2) }) +
      lines.map((l, i) => text(width / 2, 22 + 20 * i, fitted(l, 13, width - 2 * PAD), middle)).join(''),
  };
}
