import { h } from './dom.ts';
import { canvasOf } from './paint.ts';
import type { Told } from './told.ts';
import { errorText } from './error-text.ts';

/** Where an answer stands: the likeliest class with the shares of all, a number, or an image. */
export class Answer {
  private readonly head = h('p', { class: 'answer', role: 'status', id: 'answer' });
  private readonly shares = h('ul', { class: 'shares' });
  private readonly image = h('div', {});
  readonly elements = [this.head, this.shares, this.image] as const;

  /** Shows what a promise brings, or why it brings nothing. */
  async show(asked: Promise<Told>): Promise<void> {
    try {
      const { head, shares, image } = await asked;
      this.head.textContent = head;
      this.shares.replaceChildren(
        ...shares.map(([name, p]) =>
          h(
            'li',
            {},
            h('span', {}, name),
            h('meter', { min: 0, max: 1, value: p, 'aria-label': name }),
            h('span', {}, `${(100 * p).toFixed(1)}\u00a0%`),
          ),
        ),
      );
      this.image.replaceChildren(...(image ? [canvasOf(image.form, image.pixels, 'the answer')] : []));
    } catch (e) {
      this.clear();
      this.head.textContent = errorText(e);
    }
  }

  clear(): void {
    this.head.textContent = '';
    this.shares.replaceChildren();
    this.image.replaceChildren();
  }
}
