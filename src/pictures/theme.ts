export const THEMES = ['light', 'dark', 'auto'] as const;

/** `auto` follows the reader's system. */
export type Theme = (typeof THEMES)[number];

type Colours = Readonly<Record<'paper' | 'card' | 'edge' | 'ink' | 'soft' | 'wire' | 'accent' | 'tint' | 'plus' | 'minus', string>>;

/** Blue and orange are told apart by nearly everyone. Texts have a contrast of at least 4.5 to 1. */
const COLOURS: Readonly<Record<'light' | 'dark', Colours>> = {
  light: {
    paper: '#ffffff',
    card: '#f7f8fa',
    edge: '#d5dae1',
    ink: '#1b2430',
    soft: '#5c6878',
    wire: '#98a3b1',
    accent: '#1f5fbf',
    tint: '#e6effb',
    plus: '#2166c9',
    minus: '#d5660a',
  },
  dark: {
    paper: '#12161c',
    card: '#1b212a',
    edge: '#374150',
    ink: '#e8ecf1',
    soft: '#9aa7b6',
    wire: '#647182',
    accent: '#86b6ff',
    tint: '#1d3252',
    plus: '#69a5ff',
    minus: '#ff9d4d',
  },
};

const variables = (colours: Colours): string =>
  Object.entries(colours)
    .map(([name, colour]) => `--nnc-${name}:${colour}`)
    .join(';');

/** One rule a class of the drawing; `@` stands for a colour. */
const RULES: Readonly<Record<string, string>> = {
  text: 'font-family:system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;font-size:13px;fill:@ink;font-variant-numeric:tabular-nums',
  '.paper': 'fill:@paper',
  '.name': 'font-size:15px;font-weight:600',
  '.bold': 'font-weight:600',
  '.small': 'font-size:12px',
  '.soft': 'fill:@soft',
  '.accent': 'fill:@accent',
  '.card': 'fill:@card;stroke:@edge',
  '.pill': 'fill:@tint;stroke:@accent;stroke-opacity:.45',
  '.rule': 'stroke:@edge;fill:none',
  '.wire': 'stroke:@wire;stroke-width:1.5;fill:none',
  '.head': 'fill:@wire',
  '.unit': 'fill:@card;stroke:@soft;stroke-width:1.5',
  '.end': 'fill:@tint;stroke:@accent;stroke-width:1.5',
  '.link': 'stroke:@wire;stroke-width:1;stroke-opacity:.55',
  '.plus': 'stroke:@plus',
  '.minus': 'stroke:@minus',
  '.grid': 'stroke:@edge;stroke-width:1;stroke-opacity:.6',
  '.axis': 'stroke:@soft;stroke-width:1;fill:none',
  '.curve': 'stroke-width:2;fill:none;stroke-linejoin:round',
  '.train': 'stroke:@plus',
  '.held': 'stroke:@minus',
  '.thin': 'stroke-width:1;stroke-opacity:.45',
  '.dot': 'fill:@paper;stroke-width:2',
  '.point': 'fill:@plus;fill-opacity:.65',
  '.ideal': 'stroke:@soft;stroke-width:1.5;stroke-dasharray:5 4',
  '.ring': 'stroke:@paper;stroke-width:1.2',
  '.heat': 'fill:@accent',
  '.right': 'fill:@plus',
  '.wrong': 'fill:@minus',
};

/**
 * The style of a picture. All rules are for pictures of this theme only, so that pages can hold several pictures. A page may set the
 * colours itself, as custom properties of the picture.
 */
export function styleOf(theme: Theme): string {
  const own = `.nnc-picture-${theme}`;
  const rules = Object.entries(RULES).map(([what, rule]) => `${own} ${what}{${rule.replace(/@(\w+)/g, 'var(--nnc-$1)')}}`);
  const colours =
    theme === 'auto'
      ? [`${own}{${variables(COLOURS.light)}}`, `@media (prefers-color-scheme:dark){${own}{${variables(COLOURS.dark)}}}`]
      : [`${own}{${variables(COLOURS[theme])}}`];
  return [...colours, ...rules].join('\n');
}
