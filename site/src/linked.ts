import { h } from 'nnc/page';

/** Where a line of a dump comes from: a line and a column of the program. */
const PLACE = /program\.nn:(\d+):(\d+)|@(\d+):(\d+)$/;

/** A text of the compiler whose lines are linked with the program, both ways. */
export class Linked {
  readonly element: HTMLPreElement;

  /** A click on a line calls `go` with its place; so does Enter on the line that the arrow keys went to. */
  constructor(id: string, label: string, go: (line: number, column: number) => void) {
    this.element = h('pre', { class: 'pane linked', tabindex: 0, id, 'aria-label': label });
    this.element.addEventListener('click', (event) => {
      const { line, column } = (event.target as HTMLElement).dataset;
      if (line !== undefined) go(Number(line), Number(column));
    });
    this.element.addEventListener('keydown', (event) => {
      const lines = [...this.element.querySelectorAll<HTMLElement>('[data-line]')];
      const at = lines.findIndex((l) => l.classList.contains('current'));
      const { line, column } = lines[at]?.dataset ?? {};
      if (event.key === 'Enter' && line !== undefined) return go(Number(line), Number(column));
      const next = event.key === 'ArrowDown' ? lines[at + 1] : event.key === 'ArrowUp' ? lines[Math.max(0, at - 1)] : undefined;
      if (!next) return;
      event.preventDefault();
      lines[at]?.classList.remove('current');
      next.classList.add('current');
      next.scrollIntoView({ block: 'nearest' });
    });
  }

  /** Shows a text; lines for which `isNew` holds are marked. */
  show(text: string, isNew: (line: string) => boolean = () => false): void {
    this.element.replaceChildren(
      ...text.split('\n').map((line) => {
        const [, a, b, c = a, d = b] = PLACE.exec(line) ?? [];
        return h(isNew(line) ? 'mark' : 'span', { class: 'line', 'data-line': c, 'data-column': d }, `${line}\n`);
      }),
    );
  }

  /** Shows which lines come from a line of the program. */
  light(line: number): void {
    for (const node of this.element.querySelectorAll<HTMLElement>('.line'))
      node.classList.toggle('lit', node.dataset['line'] === String(line));
  }
}
