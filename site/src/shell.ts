import { h } from 'nnc/page';

declare const __BUILD__: string;

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
  keepForLater(root);
}

/** Without a network, the pages are as they were the last time. A browser without service workers, or that forbids them, lacks only that. */
function keepForLater(root: string): void {
  const workers = (navigator as Partial<Navigator>).serviceWorker;
  if (!workers) return;
  addEventListener('load', () => void workers.register(`${root}offline.js?build=${__BUILD__}`).catch(() => undefined));
  // What came before the worker was there is asked for once more, so that it is kept too.
  if (workers.controller) return;
  void workers.ready.then(() => {
    const seen = performance.getEntriesByType('resource').map((r) => r.name);
    for (const address of new Set([location.href, ...seen]))
      if (address.startsWith(location.origin))
        void fetch(address)
          .then((r) => r.arrayBuffer())
          .catch(() => undefined);
  });
}
