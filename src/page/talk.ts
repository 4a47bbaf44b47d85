import { h } from './dom.ts';
import { errorText } from './error-text.ts';

/** How a text is asked for. */
export interface Wish {
  readonly prompt: string;
  readonly temperature: number;
  readonly tokens: number;
  readonly seed: number;
}

/** Writes the parts of a text as they come. Stops when the signal is aborted. */
export type Write = (wish: Wish, onText: (part: string) => void, signal: AbortSignal) => Promise<void>;

const TOKENS = 300;

/** A box for the beginning of a text, which the model goes on with. */
export function talkOf(write: Write): HTMLElement {
  const prompt = h('textarea', { rows: 2, id: 'prompt' });
  const temperature = h('input', { type: 'range', min: 0, max: 1.5, step: 0.1, value: 0.7, id: 'temperature' });
  const shown = h('output', { for: 'temperature' }, '0.7');
  const button = h('button', { class: 'main', id: 'write' }, 'Continue the text');
  const text = h('p', { class: 'written', id: 'written', 'aria-live': 'polite' });
  const form = h(
    'form',
    { id: 'talk' },
    h('label', { class: 'field' }, 'the beginning', prompt),
    h('label', { class: 'slider' }, h('span', {}, 'temperature'), temperature, shown),
    button,
    text,
  );
  temperature.addEventListener('input', () => (shown.textContent = temperature.value));
  let stop: AbortController | undefined;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (stop) return stop.abort();
    stop = new AbortController();
    button.textContent = 'Stop';
    const began = h('strong', {}, prompt.value);
    const rest = h('span', {});
    text.replaceChildren(began, rest);
    const wish = {
      prompt: prompt.value,
      temperature: Number(temperature.value),
      tokens: TOKENS,
      seed: Math.floor(Math.random() * 2 ** 31),
    };
    write(wish, (part) => void (rest.textContent += part), stop.signal)
      .catch((e: unknown) => text.replaceChildren(errorText(e)))
      .finally(() => {
        stop = undefined;
        button.textContent = 'Continue the text';
      });
  });
  return form;
}
