import { h } from 'nnc/page';

/** The pages of the site. */
const PAGES = [
  ['./', 'nnc'],
  ['learn/', 'Learn'],
  ['neuron/', 'Neuron'],
  ['dance/', 'The dance'],
  ['train/', 'Train'],
  ['gpt/', 'GPT'],
  ['playground/', 'Playground'],
] as const;

/** Puts the navigation on top of a page; `here` is its path. */
export function shell(here: string): void {
  const root = here === './' ? './' : '../';
  const links = PAGES.map(([path, name]) =>
    h(
      'a',
      {
        href: path === './' ? root : root + path,
        'aria-current': path === here ? 'page' : undefined,
        class: path === './' ? 'brand' : undefined,
      },
      name,
    ),
  );
  document.body.prepend(h('header', { class: 'top' }, h('nav', { 'aria-label': 'pages' }, ...links)));
}
