import { h } from 'nnc/page';
import { drawHeat, picture } from 'nnc/pictures';
import { numbersBehind, type Cell } from '../chapters/chapter.ts';
import type { Client } from './client.ts';
import { trainIn } from './train-in.ts';

/** A field for a program, as tall as the program. Ctrl and Enter runs it. */
export function editorOf(text: string, label: string, run: () => void): HTMLTextAreaElement {
  const field = h('textarea', { class: 'code', 'aria-label': label, spellcheck: 'false', autocapitalize: 'off' });
  const fit = (): void => void (field.rows = field.value.split('\n').length);
  field.value = text;
  fit();
  field.addEventListener('input', fit);
  field.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    run();
  });
  return field;
}

/** A program beside its PyTorch. Run shows what both print. */
export function cellOf(cell: Cell, worker: Client, signal: AbortSignal): HTMLElement {
  const said = h('pre', { class: 'output', 'aria-live': 'polite', tabindex: 0, 'aria-label': 'what nnc prints' });
  const torch = h('pre', { class: 'output', tabindex: 0, 'aria-label': 'what PyTorch prints' });
  const figure = h('div', { class: 'figure' });
  torch.textContent = cell.gives.map(({ label, numbers }) => `${label} ${numbers.join(', ')}`).join('\n');
  const both = h(
    'div',
    { class: 'both', hidden: true },
    h('div', {}, h('h2', { class: 'minor' }, 'nnc says'), said),
    h('div', {}, h('h2', { class: 'minor' }, 'PyTorch says'), torch),
  );
  const show = (lines: readonly string[]): void => {
    both.hidden = false;
    said.classList.remove('wrong');
    said.textContent = lines.join('\n');
    if (cell.heat !== undefined) figure.innerHTML = heatOf(lines, cell.heat);
  };
  const failed = (e: unknown): void => {
    both.hidden = false;
    said.classList.add('wrong');
    said.textContent = (e as Error).message;
  };
  const training = cell.trains ? trainIn(worker, () => editor.value, { likeTorch: true, signal, onDone: show }) : undefined;
  const run = (): void => {
    if (training) training.start().catch(failed);
    else worker.prints(editor.value).then(show, failed);
  };
  const editor = editorOf(cell.nn, 'the program', run);
  return h(
    'section',
    { class: 'card cell' },
    h(
      'div',
      { class: 'both' },
      h('div', {}, h('h2', { class: 'minor' }, 'nnc: change it and run it'), editor),
      h(
        'div',
        {},
        h('h2', { class: 'minor' }, 'PyTorch'),
        h('pre', { class: 'code', tabindex: 0, 'aria-label': 'the same in PyTorch' }, cell.torch),
      ),
    ),
    training ? training.element : h('div', { class: 'row' }, h('button', { class: 'main', type: 'button', onclick: run }, 'Run')),
    both,
    figure,
  );
}

/** The numbers of a printed square as shares: who looks at whom. */
function heatOf(lines: readonly string[], label: string): string {
  const from = lines.findIndex((l) => l.startsWith(label));
  const values = numbersBehind(lines.slice(from), label) ?? [];
  const side = Math.sqrt(values.length);
  if (!Number.isInteger(side)) return '';
  const words = Array.from({ length: side }, (_, i) => `word ${i + 1}`);
  return picture(drawHeat({ values, rows: words, columns: words, x: 'looks at', y: 'this word', cell: 56 }), 'Who looks at whom', 'auto');
}
