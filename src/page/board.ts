import { drawChart } from '../pictures/chart.ts';
import { Curve, type Point } from '../pictures/curve.ts';
import { picture, type Drawing } from '../pictures/picture.ts';
import { h, perFrame, short } from './dom.ts';
import { figureOf } from './figure.ts';
import { canvasOf } from './paint.ts';
import type { Scene } from './scene.ts';
import type { Frame } from './training.ts';

/** What a run is about, besides its scene. */
export interface RunInfo {
  readonly scene: Scene;
  readonly rows: number;
  readonly held: number;
  /** Steps of the program's training. */
  readonly steps: number;
}

/** Moments of a run that are kept. */
const MOMENTS = 400;
/** Milliseconds between two drawings of a region, which takes longer than many steps. */
const DRAW = 100;

/** Shows a training: the figure that fits the program, the loss with axes, and the numbers of the moment. */
export class Board {
  readonly element: HTMLElement;
  private readonly figure: HTMLElement;
  private readonly loss: HTMLElement;
  private readonly numbers: HTMLElement;
  private readonly back: HTMLInputElement;
  private readonly scrub: HTMLElement;
  private readonly styled: boolean;
  private info: RunInfo | undefined;
  private curve = new Curve();
  private held: Point[] = [];
  /** What was found when it was looked at last; it stays until then. */
  private last: Pick<Frame, 'held' | 'seen' | 'text'> = { held: undefined, seen: undefined, text: undefined };
  private history: Frame[] = [];
  /** Every loss of the run, in the order of the steps. */
  private losses: Float32Array[] = [];
  private drawn = 0;
  private readonly draw = perFrame((frame: Frame) => this.show(frame));

  /** Without `styled`, the page has the style of pictures in its own sheet. `id` comes before the ids of the parts, if a page has two boards. */
  constructor({ styled = true, id = '' }: { readonly styled?: boolean; readonly id?: string } = {}) {
    this.styled = styled;
    this.figure = h('div', { class: 'figure', id: `${id}figure` });
    this.loss = h('div', { class: 'figure', id: `${id}loss` });
    this.numbers = h('dl', { class: 'numbers', id: `${id}numbers`, 'aria-live': 'off' });
    this.back = h('input', { type: 'range', min: 0, max: 0, value: 0, id: `${id}back`, 'aria-label': 'look back through the run' });
    this.scrub = h('label', { class: 'scrub', hidden: true }, h('span', {}, 'look back'), this.back);
    this.element = h('div', { class: 'board' }, this.numbers, this.figure, this.loss, this.scrub);
    this.back.addEventListener('input', () => {
      const frame = this.history[Number(this.back.value)];
      if (frame) this.show(frame, true);
    });
  }

  /** Begins a new run. */
  begin(info: RunInfo): void {
    this.info = info;
    [this.curve, this.held, this.history, this.losses] = [new Curve(), [], [], []];
    this.last = { held: undefined, seen: undefined, text: undefined };
    this.scrub.hidden = true;
    this.drawn = 0;
    this.show({ step: 0, first: 0, losses: new Float32Array(), held: undefined, seen: undefined, text: undefined, done: false });
  }

  add(frame: Frame): void {
    frame.losses.forEach((loss, i) => this.curve.add(frame.first + i, loss));
    if (frame.losses.length > 0) this.losses.push(frame.losses);
    if (frame.held) this.held.push({ x: frame.step, y: frame.held['loss'] ?? NaN });
    const { held, seen, text } = this.last;
    this.last = { held: frame.held ?? held, seen: frame.seen ?? seen, text: frame.text ?? text };
    this.remember(frame);
    this.draw(frame);
  }

  /** The loss of each step as a table. */
  csv(): string {
    const all = this.losses.flatMap((part) => [...part]);
    return `step,loss\n${all.map((loss, step) => `${step},${loss}\n`).join('')}`;
  }

  /** Keeps some hundred moments of the run, evenly. */
  private remember(frame: Frame): void {
    this.history.push(frame);
    if (this.history.length > MOMENTS) this.history = this.history.filter((_, i) => i % 2 === 0 || i === this.history.length - 1);
    const kind = this.info?.scene.kind;
    this.scrub.hidden = this.history.length < 3 || (kind !== 'fit' && kind !== 'region');
    this.back.max = String(this.history.length - 1);
    this.back.value = this.back.max;
  }

  private show(frame: Frame, past = false): void {
    const { info } = this;
    if (!info) return;
    const now = performance.now();
    const slow = info.scene.kind === 'region' && !past && !frame.done && frame.losses.length > 0;
    if (!slow || now - this.drawn > DRAW) {
      this.drawn = now;
      this.showFigure(info.scene, past ? frame : this.last);
    }
    const chart = drawChart({
      series: [
        { name: 'training', role: 'train', points: this.curve.points },
        { name: 'held out', role: 'held', points: this.held },
      ],
      x: 'step',
      y: 'loss',
      width: Math.max(300, Math.min(760, this.element.clientWidth)),
      height: 240,
    });
    this.loss.hidden = this.curve.points.length === 0;
    this.put(this.loss, chart, 'The loss');
    const loss = frame.losses.at(-1) ?? this.losses.at(-1)?.at(-1);
    const cells: [string, string][] = [
      [
        past ? 'step (looking back)' : 'step',
        `${frame.step.toLocaleString('en')} of ${(Math.ceil(Math.max(1, frame.step) / info.steps) * info.steps).toLocaleString('en')}`,
      ],
      ['loss', loss === undefined ? '–' : short(loss)],
      ...Object.entries((past ? frame.held : this.last.held) ?? {}).map(([name, v]): [string, string] => [
        `held-out ${name.replace(/\(.*\)$/, '')}`,
        short(v),
      ]),
      ['examples', info.held > 0 ? `${info.rows} + ${info.held} held out` : String(info.rows)],
    ];
    this.numbers.replaceChildren(...cells.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', { 'data-name': name }, value))));
  }

  private put(place: HTMLElement, drawing: Drawing, title: string): void {
    place.innerHTML = picture(drawing, title, 'auto', this.styled);
  }

  private showFigure(scene: Scene, { seen, text }: Pick<Frame, 'seen' | 'text'>): void {
    const drawing = figureOf(scene, seen, this.element.clientWidth);
    const images = drawing ? [] : imagesOf(scene, seen);
    this.figure.hidden = !drawing && images.length === 0 && text === undefined;
    if (drawing) this.put(this.figure, drawing, scene.kind === 'fit' ? 'What it learned' : 'What it says everywhere');
    else if (text !== undefined)
      this.figure.replaceChildren(h('p', { class: 'hint' }, 'What it writes by itself:'), h('p', { class: 'written' }, text));
    else this.figure.replaceChildren(...(images.length > 0 ? [h('div', { class: 'images' }, ...images)] : []));
  }
}

/** Images with what the model says to each of them: a class with its probability, or an image. */
function imagesOf({ image, asked, truth, names }: Scene, seen: Float32Array | undefined): HTMLElement[] {
  if (!image || !asked) return [];
  const size = image.channels * image.width * image.height;
  const n = asked.length / size;
  const each = seen ? seen.length / n : 0;
  return Array.from({ length: n }, (_, i) => {
    const own = seen?.subarray(i * each, (i + 1) * each);
    const canvas = canvasOf(image, asked.subarray(i * size, (i + 1) * size), `image ${i + 1}`);
    if (own && names.length === 0 && each === size) return h('figure', {}, canvas, canvasOf(image, own, `the answer to image ${i + 1}`));
    if (!own || names.length === 0 || each > 1000) return h('figure', {}, canvas);
    const shares = each === 1 ? [1 - (own[0] ?? 0), own[0] ?? 0] : [...own];
    const best = shares.indexOf(Math.max(...shares));
    const right = truth?.[i] === undefined ? undefined : truth[i] === best;
    const name = names[best] ?? String(best);
    const percent = `${(100 * (shares[best] ?? 0)).toFixed(0)}\u00a0%`;
    const mark = right === undefined ? '' : right ? '✓ ' : '✗ ';
    return h(
      'figure',
      { class: right === false ? 'wrong' : undefined },
      canvas,
      h('figcaption', {}, `${mark}${name}`, h('small', {}, percent)),
    );
  });
}
