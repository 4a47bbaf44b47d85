import { Answer } from './answer.ts';
import { h } from './dom.ts';
import type { Field } from './scene.ts';
import type { Told } from './told.ts';

/** Fields of a form; what is beyond stays as it is. */
const MOST = 60;

/** A form with a field for each input by name, and the model's answer. */
export function formOf(fields: readonly Field[], ask: (typed: Readonly<Record<string, string>>) => Promise<Told>): HTMLElement {
  const answer = new Answer();
  const controls = fields.slice(0, MOST).map((f) => {
    const control = f.words
      ? h('select', {}, ...f.words.map((w) => h('option', { value: w }, w)))
      : h('input', { type: 'text', value: f.example, autocomplete: 'off', inputmode: f.width === 1 ? 'decimal' : undefined });
    return { name: f.name, width: f.width, control };
  });
  const labels = controls.map(({ name, width, control }) =>
    h('label', { class: width > 1 ? 'field wide' : 'field' }, width > 1 ? `${name} (${width} numbers)` : name, control),
  );
  const unseen = fields.slice(MOST).map((f) => [f.name, f.example] as const);
  const form = h(
    'form',
    { id: 'ask' },
    h('div', { class: 'controls' }, ...labels),
    h('button', { class: 'main', id: 'predict' }, 'Predict'),
    ...answer.elements,
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const typed = controls.map(({ name, control }) => [name, control.value] as const);
    void answer.show(ask(Object.fromEntries([...unseen, ...typed])));
  });
  return form;
}
