import { h } from 'nnc/page';
import { agree, numbersBehind, type Challenge } from '../chapters/chapter.ts';
import { editorOf } from './cell.ts';
import type { Client } from './client.ts';
import { trainIn } from './train-in.ts';

/** How near is near enough. */
const WITHIN = 1e-3;

/** A task with its program; the page checks what comes out. */
export function challengeOf(
  { asks, start, goal, hint, praise }: Challenge,
  worker: Client,
  signal: AbortSignal,
  onSolved: () => void,
): HTMLElement {
  const said = h('pre', { class: 'output', tabindex: 0, 'aria-label': 'what your program prints', hidden: true });
  const verdict = h('p', { class: 'verdict', role: 'status', id: 'verdict' });
  const help = h('p', { class: 'hint', hidden: true }, hint);
  const judge = (lines: readonly string[]): void => {
    said.hidden = false;
    said.textContent = lines.join('\n');
    const loss = numbersBehind(lines, 'last loss')?.[0] ?? NaN;
    const solved = 'lossBelow' in goal ? loss < goal.lossBelow : agree(numbersBehind(lines, goal.label), goal.numbers, WITHIN);
    verdict.classList.toggle('solved', solved);
    if (solved) onSolved();
    const wanted =
      'lossBelow' in goal ? `the last loss should be below ${goal.lossBelow}` : `${goal.label} should be ${goal.numbers.join(', ')}`;
    verdict.textContent = solved ? `✓ ${praise}` : `Not yet: ${wanted}.`;
  };
  const failed = (e: unknown): void => {
    verdict.classList.remove('solved');
    verdict.textContent = `It does not run: ${(e as Error).message}`;
  };
  const training =
    'lossBelow' in goal
      ? trainIn(worker, () => editor.value, { likeTorch: true, anew: true, id: 'try-', signal, onDone: judge })
      : undefined;
  const run = (): void => {
    if (training) training.start().catch(failed);
    else worker.prints(editor.value).then(judge, failed);
  };
  const editor = editorOf(start, 'your program', run);
  return h(
    'section',
    { class: 'card challenge', 'aria-label': 'challenge' },
    h('h2', {}, 'Your turn'),
    h('p', {}, asks),
    editor,
    training ? training.element : undefined,
    h(
      'div',
      { class: 'row' },
      training ? undefined : h('button', { class: 'main', type: 'button', id: 'try', onclick: run }, 'Try it'),
      h('button', { type: 'button', onclick: () => void (help.hidden = false) }, 'Show a hint'),
      h(
        'button',
        { type: 'button', onclick: () => void ((editor.value = start), editor.dispatchEvent(new Event('input'))) },
        'Undo my changes',
      ),
    ),
    help,
    said,
    verdict,
  );
}
