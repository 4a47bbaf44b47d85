import type { NetDescription } from './description.ts';
import { drawLayers } from './layers.ts';
import { drawUnits, LONGEST } from './units.ts';
import { counted, escape, tag, text } from './svg.ts';
import { styleOf, type Theme } from './theme.ts';

export interface NetPictureOptions {
  /** Default: `auto`. */
  readonly theme?: Theme;
}

/** A part of a picture, drawn from (0, 0) on. */
export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly content: string;
  /** For readers who do not see it. */
  readonly about: string;
}

const MARGIN = 20;
const HEADER = 44;

/** A net as SVG without scripts, fonts or files of others: its units if it is a small chain, else its layers. */
export function netPicture(net: NetDescription, options: NetPictureOptions = {}): string {
  const { theme = 'auto' } = options;
  const small = net.columns !== undefined && net.columns.every((c) => c.size <= LONGEST);
  const drawing = small ? drawUnits(net, net.columns) : drawLayers(net);
  const [width, height] = [Math.ceil(drawing.width) + 2 * MARGIN, Math.ceil(drawing.height) + 2 * MARGIN + HEADER];
  const size = counted(net.parameters, 'parameter');
  const content = [
    tag('title', {}, escape(`The net ${net.name}`)),
    tag('desc', {}, escape(`${drawing.about} It has ${size}.`)),
    `<style>\n${styleOf(theme)}\n</style>`,
    tag('rect', { class: 'paper', width, height, rx: 12 }),
    text(MARGIN, MARGIN + 12, net.name, { class: 'name' }),
    text(MARGIN, MARGIN + 30, size, { class: 'small soft' }),
    tag('g', { transform: `translate(${MARGIN} ${MARGIN + HEADER})` }, `\n${drawing.content}\n`),
  ];
  return `${tag(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      class: `nnc-net-${theme}`,
      role: 'img',
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      // Narrow screens scale it down.
      style: 'max-width:100%;height:auto',
    },
    `\n${content.join('\n')}\n`,
  )}\n`;
}
