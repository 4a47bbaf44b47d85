import type { NetDescription } from './description.ts';
import { drawLayers } from './layers.ts';
import { drawUnits, LONGEST } from './units.ts';
import { picture } from './picture.ts';
import { counted, tag, text } from './svg.ts';
import type { Theme } from './theme.ts';

export interface NetPictureOptions {
  /** Default: `auto`. */
  readonly theme?: Theme;
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
    text(MARGIN, MARGIN + 12, net.name, { class: 'name' }),
    text(MARGIN, MARGIN + 30, size, { class: 'small soft' }),
    tag('g', { transform: `translate(${MARGIN} ${MARGIN + HEADER})` }, `\n${drawing.content}\n`),
  ];
  return picture({ width, height, content: content.join('\n'), about: `${drawing.about} It has ${size}.` }, `The net ${net.name}`, theme);
}
