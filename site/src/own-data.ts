import { fileButton, h } from 'nnc/page';
import type { DataFile } from './protocol.ts';

export interface OwnData {
  /** Says which examples there are. */
  readonly tell: (text: string) => void;
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
/** The side of the square on which points are drawn, and its range. */
const SIZE = 260;
const RANGE = 5;

/** The reader's own examples: a file that is dropped or chosen, a table that is pasted, or points that are drawn. */
export function ownDataIn(place: HTMLElement, take: (file: DataFile) => void, wrong: (text: string) => void): OwnData {
  const told = h('p', { class: 'status data-told' }, 'Drop a .csv, .json, .parquet, .npy or .txt file here, choose one, or paste a table.');
  const pasted = h('textarea', {
    rows: 4,
    'aria-label': 'paste a table',
    placeholder: 'city,sqm,price\nParis,80,410000\nLyon,95,320000',
    id: 'paste',
  });
  const read = async (file: File | undefined): Promise<void> => {
    if (file) take({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) });
  };
  const use = (): void => {
    const text = pasted.value.trim();
    if (text === '') return wrong('paste a table into the field first: one line a row, the names of the columns on top');
    take({ name: 'table.csv', bytes: bytesOf(`${text}\n`) });
  };
  const drawn = pointsOf((rows) => {
    pasted.value = `across,up,group\n${rows.join('\n')}`;
  });
  drawn.hidden = true;
  const drawButton = h('button', { type: 'button', id: 'draw', 'aria-expanded': 'false' }, 'Draw points');
  drawButton.addEventListener('click', () => {
    drawn.hidden = !drawn.hidden;
    drawButton.setAttribute('aria-expanded', String(!drawn.hidden));
  });
  place.append(
    h('h2', {}, 'Your data'),
    told,
    pasted,
    h(
      'div',
      { class: 'row spaced' },
      h('button', { type: 'button', id: 'use', onclick: use }, 'Write a program for it'),
      fileButton('Choose a file', { label: 'a file of examples' }, (chosen) => void read(chosen)),
      drawButton,
    ),
    drawn,
  );
  for (const [name, over] of [
    ['dragover', true],
    ['dragleave', false],
    ['drop', false],
  ] as const)
    place.addEventListener(name, (event) => {
      event.preventDefault();
      place.classList.toggle('over', over);
      if (name === 'drop') void read((event as DragEvent).dataTransfer?.files[0]);
    });
  return { tell: (text) => void (told.textContent = text) };
}

/** A square on which a click or a stroke puts points of one of two groups, as rows of a table. */
function pointsOf(changed: (rows: readonly string[]) => void): HTMLElement {
  const rows: string[] = [];
  const group = h('select', { id: 'group' }, h('option', { value: 'sun' }, '● sun'), h('option', { value: 'moon' }, '▲ moon'));
  const canvas = h('canvas', {
    width: SIZE,
    height: SIZE,
    class: 'points',
    id: 'points',
    role: 'img',
    'aria-label': 'a square to draw points on; the same points stand in the table above, where they can be typed',
  });
  const context = canvas.getContext('2d');
  let last = { x: -99, y: -99 };
  const put = (event: PointerEvent): void => {
    const box = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    // A stroke leaves a point every few pixels.
    if (Math.hypot(x - last.x, y - last.y) < 12 || !context) return;
    last = { x, y };
    const at = (v: number, size: number): string => (RANGE * ((2 * v) / size - 1)).toFixed(2);
    rows.push(`${at(x, box.width)},${at(box.height - y, box.height)},${group.value}`);
    const style = getComputedStyle(canvas);
    const [cx, cy] = [(x * SIZE) / box.width, (y * SIZE) / box.height];
    context.beginPath();
    if (group.value === 'sun') {
      context.fillStyle = style.getPropertyValue('--backward');
      context.arc(cx, cy, 4.5, 0, 2 * Math.PI);
    } else {
      context.fillStyle = style.getPropertyValue('--forward');
      context.moveTo(cx, cy - 6);
      context.lineTo(cx + 5.5, cy + 4);
      context.lineTo(cx - 5.5, cy + 4);
    }
    context.fill();
    changed(rows);
  };
  canvas.addEventListener('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = { x: -99, y: -99 };
    put(event);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (event.buttons > 0) put(event);
  });
  const clear = (): void => {
    rows.length = 0;
    context?.clearRect(0, 0, SIZE, SIZE);
    changed(rows);
  };
  return h(
    'div',
    { class: 'spaced' },
    h('p', { class: 'hint' }, 'Draw some of each group, then press Write a program for it.'),
    canvas,
    h('div', { class: 'row' }, h('label', { class: 'field' }, 'group', group), h('button', { type: 'button', onclick: clear }, 'Clear')),
  );
}
