import { h, newest, short } from 'nnc/page';
import { drawHistogram, picture } from 'nnc/pictures';
import type { Client } from './client.ts';

/** Numbers that are shown one by one. */
const SHOWN = 60;
/** Milliseconds between two looks while it trains. */
const PAUSE = 300;

/** Any value or gradient of the next step, while it trains: its numbers, and how they are spread. */
export class ValuesPane {
  readonly element: HTMLElement;
  private readonly worker: Client;
  private readonly names = h('select', { id: 'watched' });
  private readonly numbers = h('dl', { class: 'numbers' });
  private readonly figure = h('div', { class: 'figure', id: 'spread' });
  private readonly list = h('pre', { class: 'pane', tabindex: 0, id: 'values', 'aria-label': 'the numbers' });
  private looked = 0;

  constructor(worker: Client, failed: (e: unknown) => void) {
    this.worker = worker;
    this.names.addEventListener('change', () => void this.look().catch(failed));
    this.element = h(
      'div',
      {},
      h('p', { class: 'hint' }, 'Values and gradients of the examples of the next step.'),
      h('label', { class: 'field' }, 'value', this.names),
      this.numbers,
      this.figure,
      this.list,
    );
  }

  /** Offers the values of another program. */
  offer(names: readonly string[]): void {
    const before = this.names.value;
    this.names.replaceChildren(...names.map((n) => h('option', { value: n, selected: n === before }, n)));
  }

  /** Looks again, if that is some time ago. */
  async again(): Promise<void> {
    if (performance.now() - this.looked > PAUSE && this.element.offsetParent !== null) await this.look();
  }

  readonly look = newest(async () => {
    const name = this.names.value;
    if (name === '') return;
    const found = (await this.worker.look([name]))[name];
    if (found) this.show(name, found.shape, Array.from(found.data));
    this.looked = performance.now();
  });

  private show(name: string, shape: readonly number[], values: readonly number[]): void {
    const n = Math.max(1, values.length);
    const mean = values.reduce((a, b) => a + b, 0) / n;
    const deviation = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / n);
    const zeros = values.filter((v) => v === 0).length;
    const rows: [string, string][] = [
      ['shape', `[${shape.join(', ')}]`],
      ['mean', short(mean)],
      ['deviation', short(deviation)],
      ['zeros', `${((100 * zeros) / n).toFixed(0)}\u00a0%`],
    ];
    this.numbers.replaceChildren(...rows.map(([key, value]) => h('div', {}, h('dt', {}, key), h('dd', {}, value))));
    const width = Math.max(300, Math.min(600, this.element.clientWidth));
    this.figure.innerHTML = picture(drawHistogram({ values, x: name, width }), `How ${name} is spread`, 'auto');
    const more = values.length > SHOWN ? `\n... and ${(values.length - SHOWN).toLocaleString('en')} more` : '';
    this.list.textContent = `${values.slice(0, SHOWN).map(short).join(', ')}${more}`;
  }
}
