import { isRecord, mustBe } from '../base/calls.ts';
import { escape, tag } from './svg.ts';
import { styleOf, type Theme } from './theme.ts';

/** A part of a picture, drawn from (0, 0) on. */
export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly content: string;
  /** For readers who do not see it. */
  readonly about: string;
}

/** A drawing as SVG without scripts, fonts or files of others. Without `styled`, the page has the style (`styleOf`) in its own sheet. */
export function picture(drawing: Drawing, title: string, theme: Theme, styled = true): string {
  mustBe(isRecord(drawing) && typeof drawing.content === 'string', 'a picture is made of what drawChart and the like give', drawing);
  mustBe(typeof title === 'string', 'the title of a picture is a text', title);
  const { width, height, content, about } = drawing;
  const parts = [
    tag('title', {}, escape(title)),
    tag('desc', {}, escape(about)),
    ...(styled ? [`<style>\n${styleOf(theme)}\n</style>`] : []),
    tag('rect', { class: 'paper', width, height, rx: 12 }),
    content,
  ];
  return `${tag(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      class: `nnc-picture-${theme}`,
      role: 'img',
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      // Narrow screens scale it down.
      style: styled ? 'max-width:100%;height:auto' : undefined,
    },
    `\n${parts.join('\n')}\n`,
  )}\n`;
}
