import { Answer } from './answer.ts';
import { fileButton, h, newest } from './dom.ts';
import { paint, pixelsOf } from './paint.ts';
import type { ImageForm } from './scene.ts';
import type { Told } from './told.ts';
import { errorText } from './error-text.ts';

/** The radius of the brush, as a share of the image's shorter side. */
const BRUSH = 0.055;

/** A pad to draw an image of the model's size on, by pointer or keys, or to drop one on, and the model's answer to it. */
export function padOf(form: ImageForm, ask: (pixels: Float32Array) => Promise<Told>): HTMLElement {
  const { width, height, channels, paper, ink } = form;
  const size = width * height;
  const pixels = new Float32Array(channels * size).fill(paper);
  const answer = new Answer();
  const canvas = h('canvas', {
    width,
    height,
    class: 'pad',
    tabindex: 0,
    role: 'application',
    'aria-label': `a pad of ${width} by ${height} pixels: arrow keys move, space draws, Delete clears`,
    id: 'pad',
  });
  /** Where the keys draw. */
  const at = { x: width / 2, y: height / 2 };
  /** Whether the keys draw, so that their place is shown. */
  let byKeys = false;
  const show = (): void => {
    paint(canvas, form, pixels);
    const context = canvas.getContext('2d');
    if (!byKeys || !context) return;
    context.fillStyle = '#e07b00';
    context.fillRect(Math.floor(at.x), Math.floor(at.y), 1, 1);
  };
  /** Counts drawings, so that an answer to one that was cleared is not shown. */
  let drawing = 0;
  const tell = newest(async () => {
    const mine = drawing;
    const said = ask(pixels.slice());
    await said.catch(() => undefined);
    if (mine === drawing) await answer.show(said);
  });
  const dab = (x: number, y: number): void => {
    const radius = Math.max(0.8, BRUSH * Math.min(width, height));
    for (let row = Math.max(0, Math.floor(y - radius - 1)); row <= Math.min(height - 1, y + radius + 1); row++)
      for (let column = Math.max(0, Math.floor(x - radius - 1)); column <= Math.min(width - 1, x + radius + 1); column++) {
        // Soft at the rim, as a pen that was scaled down.
        const cover = Math.min(1, Math.max(0, radius + 0.5 - Math.hypot(column + 0.5 - x, row + 0.5 - y)));
        for (let c = 0; c < channels; c++) {
          const i = c * size + row * width + column;
          const there = ((pixels[i] ?? paper) - paper) / (ink - paper);
          pixels[i] = paper + (ink - paper) * Math.max(there, cover);
        }
      }
  };
  const clear = (): void => {
    pixels.fill(paper);
    drawing++;
    answer.clear();
    show();
  };
  let last: { readonly x: number; readonly y: number } | undefined;
  const stroke = (event: PointerEvent): void => {
    const box = canvas.getBoundingClientRect();
    const here = { x: ((event.clientX - box.left) / box.width) * width, y: ((event.clientY - box.top) / box.height) * height };
    const from = last ?? here;
    const n = Math.ceil(2 * Math.hypot(here.x - from.x, here.y - from.y)) + 1;
    for (let i = 1; i <= n; i++) dab(from.x + ((here.x - from.x) * i) / n, from.y + ((here.y - from.y) * i) / n);
    last = here;
    show();
    void tell();
  };
  canvas.addEventListener('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = undefined;
    byKeys = false;
    stroke(event);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (event.buttons > 0) stroke(event);
  });
  const moves: Readonly<Record<string, readonly [number, number]>> = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, -1],
    ArrowDown: [0, 1],
  };
  let inked = false;
  canvas.addEventListener('keydown', (event) => {
    const [dx, dy] = moves[event.key] ?? [0, 0];
    if (event.key === 'Delete' || event.key === 'Backspace') clear();
    else if (event.key === ' ') inked = true;
    else if (dx === 0 && dy === 0) return;
    event.preventDefault();
    at.x = Math.min(width - 0.5, Math.max(0.5, at.x + dx));
    at.y = Math.min(height - 0.5, Math.max(0.5, at.y + dy));
    byKeys = true;
    if (inked) dab(at.x, at.y);
    show();
    if (inked) void tell();
  });
  canvas.addEventListener('keyup', (event) => {
    if (event.key === ' ') inked = false;
  });
  const take = (file: Blob | undefined): void => {
    if (!file) return;
    pixelsOf(file, form).then(
      (given) => {
        pixels.set(given);
        show();
        void tell();
      },
      (e: unknown) => void answer.show(Promise.reject(new Error(`this is no image that the browser can read: ${errorText(e)}`))),
    );
  };
  canvas.addEventListener('dragover', (event) => event.preventDefault());
  canvas.addEventListener('drop', (event) => {
    event.preventDefault();
    take(event.dataTransfer?.files[0]);
  });
  show();
  return h(
    'div',
    { class: 'drawn' },
    h('p', { class: 'hint' }, 'Draw here, or drop an image on it.'),
    canvas,
    h(
      'div',
      { class: 'row' },
      h('button', { type: 'button', id: 'clear', onclick: clear }, 'Clear'),
      fileButton('Choose an image', { label: 'an image', accept: 'image/*' }, take),
    ),
    ...answer.elements,
  );
}
