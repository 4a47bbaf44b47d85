import { byId, h } from 'nnc/page';
import { CHAPTERS } from '../chapters/all.ts';
import type { Chapter } from '../chapters/chapter.ts';
import { cellOf } from './cell.ts';
import { challengeOf } from './challenge.ts';
import { startWorker } from './client.ts';
import { ownText } from './own-text.ts';
import { shell } from './shell.ts';
import './style.css';

/** From neuron to GPT: a chapter at a time, with programs that run beside their PyTorch. */
shell('learn/');

const worker = startWorker();
const SOLVED = 'nnc-solved';
/** Challenges that the reader has solved; a browser that keeps nothing for pages forgets them. */
const solved = new Set<string>(read());

function read(): string[] {
  try {
    return (JSON.parse(localStorage.getItem(SOLVED) ?? '[]') as string[]) ?? [];
  } catch {
    // Nothing was kept, or the browser keeps nothing.
    return [];
  }
}

function solve(id: string): void {
  solved.add(id);
  list(id);
  try {
    localStorage.setItem(SOLVED, JSON.stringify([...solved]));
  } catch {
    // The mark stands for this visit.
  }
}

const chapterNow = (): Chapter => CHAPTERS.find((c) => `#${c.id}` === location.hash) ?? (CHAPTERS[0] as Chapter);

/** The list of chapters; those that are solved have a mark. */
function list(here: string): void {
  byId('chapters').replaceChildren(
    h(
      'ol',
      {},
      ...CHAPTERS.map(({ id, title }) =>
        h(
          'li',
          {},
          h(
            'a',
            { href: `#${id}`, 'aria-current': id === here ? 'page' : undefined },
            title,
            solved.has(id) ? h('span', { class: 'done' }, ' ✓') : undefined,
          ),
        ),
      ),
    ),
  );
}

/** Ends what the chapter before has begun. */
let leaving = new AbortController();

function show(): void {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const chapter = chapterNow();
  const at = CHAPTERS.indexOf(chapter);
  const next = CHAPTERS[at + 1];
  void worker.pause();
  list(chapter.id);
  const heading = h('h1', { tabindex: -1 }, chapter.title);
  byId('chapter').replaceChildren(
    h('p', { class: 'hint' }, `Chapter ${at + 1} of ${CHAPTERS.length}`),
    heading,
    ...chapter.parts.map((part) => (typeof part === 'string' ? h('p', { class: 'prose' }, part) : cellOf(part, worker, signal))),
    ...(chapter.own === 'text' ? [ownText(worker, signal)] : []),
    challengeOf(chapter.challenge, worker, signal, () => solve(chapter.id)),
    h(
      'p',
      { class: 'row' },
      next
        ? h('a', { class: 'next', href: `#${next.id}` }, `Next: ${next.title} →`)
        : h('a', { class: 'next', href: '../gpt/' }, 'One more: a GPT that learns to add →'),
    ),
  );
  document.title = `${chapter.title}: from neuron to GPT, with nnc`;
}

addEventListener('hashchange', () => {
  show();
  scrollTo(0, 0);
  byId('chapter').querySelector('h1')?.focus();
});
show();
