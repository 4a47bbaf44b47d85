/** Texts and tags of SVG. */

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text for XML, which cannot hold control characters or halves of surrogate pairs at all. */
export function escape(text: string): string {
  return text
    .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\u{fffd}')
    .replace(/[&<>"']/g, (c) => ENTITIES[c] ?? c);
}

export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** An element; `content` is SVG already. Numbers are rounded to two digits, which no screen shows. */
export function tag(name: string, attributes: Attributes, content = ''): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? digits(value) : escape(value ?? '')}"`)
    .join('');
  return content === '' ? `<${name}${written}/>` : `<${name}${written}>${content}</${name}>`;
}

export const digits = (x: number): string => String(Math.round(x * 100) / 100);

/** Text at a point of its baseline. */
export const text = (x: number, y: number, content: string, attributes: Attributes = {}): string =>
  content === '' ? '' : tag('text', { x, y, ...attributes }, escape(content));

/** Roughly how wide characters of a system font are, as parts of the font's size; the fonts differ, so this is on the wide side. */
const WIDTHS: readonly (readonly [RegExp, number])[] = [
  [/[ilj.,:;'|!()[\]]/, 0.32],
  [/[frt1\- ]/, 0.4],
  [/[mwMW@%]/, 0.95],
  [/[0-9]/, 0.66],
  [/[A-Z_=+×−]/, 0.68],
  [/[\u{1100}-\u{10ffff}]/u, 1.05],
];

export function widthOf(content: string, size: number): number {
  let sum = 0;
  for (const c of content) sum += WIDTHS.find(([of]) => of.test(c))?.[1] ?? 0.62;
  return sum * size;
}

/** Text that fits into a width, with an ellipsis if it had to be cut. */
export function fitted(content: string, size: number, width: number): string {
  if (widthOf(content, size) <= width) return content;
  const characters = [...content];
  while (characters.length > 0 && widthOf(`${characters.join('')}…`, size) > width) characters.pop();
  return `${characters.join('').trimEnd()}…`;
}

export const amount = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ',');

export const counted = (n: number, one: string): string => `${amount(n)} ${one}${n === 1 ? '' : 's'}`;
