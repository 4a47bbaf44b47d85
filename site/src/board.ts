import { Curve, drawChart, drawFit, drawRegion, lineOver, picture, rangeOf, type Drawing, type Point } from 'nnc/pictures';
import { h, perFrame, short } from './dom.ts';
import type { Frame, Prepared } from './protocol.ts';

/** Shows a training: the figure that fits the program, the loss with axes, and the numbers of the moment. */
export class Board {
  readonly element: HTMLElement;
  private readonly figure = h('div', { class: 'figure', id: 'figure' });
  private readonly loss = h('div', { class: 'figure', id: 'loss' });
  private readonly numbers = h('dl', { class: 'numbers', 'aria-live': 'off' });
  private readonly back = h('input', { type: 'range', min: 0, max: 0, value: 0, id: 'back', 'aria-label': 'look back through the run' });
  private readonly scrub = h('label', { class: 'scrub', hidden: true }, h('span', {}, 'look back'), this.back);
  private prepared: Prepared | undefined;
  private curve = new Curve();
  private held: Point[] = [];
  /** What was found on the held-out examples last; it stays until they are looked at again. */
  private lastHeld: Frame['held'];
  private history: Frame[] = [];
  /** Every loss of the run, in the order of the steps. */
  private losses: Float32Array[] = [];
  private readonly draw = perFrame((frame: Frame) => this.show(frame));

  constructor() {
    this.element = h('div', { class: 'board' }, this.numbers, this.figure, this.loss, this.scrub);
    this.back.addEventListener('input', () => {
      const frame = this.history[Number(this.back.value)];
      if (frame) this.show(frame, true);
    });
  }

  /** Begins a new run. */
  begin(prepared: Prepared): void {
    this.prepared = prepared;
    [this.curve, this.held, this.history, this.losses] = [new Curve(), [], [], []];
    this.lastHeld = undefined;
    this.scrub.hidden = true;
    this.show({ step: 0, first: 0, losses: new Float32Array(), held: undefined, seen: undefined, done: false });
  }

  add(frame: Frame): void {
    frame.losses.forEach((loss, i) => this.curve.add(frame.first + i, loss));
    this.losses.push(frame.losses);
    if (frame.held) {
      this.held.push({ x: frame.step, y: frame.held['loss'] ?? NaN });
      this.lastHeld = frame.held;
    }
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
    if (this.history.length > 400) this.history = this.history.filter((_, i) => i % 2 === 0 || i === this.history.length - 1);
    this.scrub.hidden = this.history.length < 3 || this.prepared?.kind === 'other';
    this.back.max = String(this.history.length - 1);
    this.back.value = this.back.max;
  }

  private show(frame: Frame, past = false): void {
    const { prepared } = this;
    if (!prepared) return;
    const drawing = figureOf(prepared, frame.seen, this.element.clientWidth);
    this.figure.hidden = drawing === undefined;
    if (drawing) this.figure.innerHTML = picture(drawing, prepared.kind === 'fit' ? 'What it learned' : 'What it says everywhere', 'auto');
    const points = this.curve.points;
    const chart = drawChart({
      series: [
        { name: 'training', role: 'train', points },
        { name: 'held out', role: 'held', points: this.held },
      ],
      x: 'step',
      y: 'loss',
      width: Math.max(300, Math.min(640, this.element.clientWidth)),
      height: 240,
    });
    this.loss.innerHTML = picture(chart, 'The loss', 'auto');
    const loss = frame.losses.at(-1);
    const cells: [string, string][] = [
      [
        past ? 'step (looking back)' : 'step',
        `${frame.step.toLocaleString('en')} of ${Math.max(prepared.steps, frame.step).toLocaleString('en')}`,
      ],
      ['loss', loss === undefined ? '–' : short(loss)],
      ...Object.entries((past ? frame.held : (frame.held ?? this.lastHeld)) ?? {}).map(([name, v]): [string, string] => [
        `held-out ${name}`,
        short(v),
      ]),
      ['examples', prepared.held > 0 ? `${prepared.rows} + ${prepared.held} held out` : String(prepared.rows)],
    ];
    this.numbers.replaceChildren(...cells.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', { 'data-name': name }, value))));
  }
}

function figureOf({ kind, points, names, fields, target }: Prepared, seen: Float32Array | undefined, room: number): Drawing | undefined {
  if (!points) return undefined;
  const width = Math.max(300, Math.min(kind === 'fit' ? 640 : 480, room));
  const [a = 'x', b = ''] =
    fields.length === 2
      ? fields.map((f) => f.name)
      : [`${fields[0]?.name ?? 'x'}${kind === 'region' ? '[0]' : ''}`, `${fields[0]?.name ?? 'x'}[1]`];
  const each = kind === 'fit' ? 2 : 3;
  const rows = Array.from({ length: points.length / each }, (_, i) => points.subarray(i * each, (i + 1) * each));
  const [across, up] = [rangeOf(points, each, 0), rangeOf(points, each, 1)];
  if (kind === 'fit') {
    const places = lineOver(across, seen?.length ?? 2);
    return drawFit({
      points: rows.map((r) => ({ x: r[0] ?? 0, y: r[1] ?? 0 })),
      curve: Array.from(seen ?? [], (y, i) => ({ x: places[i] ?? 0, y })),
      x: a,
      y: target,
      width,
      height: 320,
    });
  }
  const side = 40;
  const classes = Math.max(2, names.length);
  return drawRegion({
    points: rows.map((r) => ({ x: r[0] ?? 0, y: r[1] ?? 0, group: r[2] ?? 0 })),
    x: a,
    y: b,
    names: names.length > 1 ? names : ['0', '1'],
    shares: seen ?? new Float32Array(side * side * classes).fill(1 / classes),
    columns: side,
    rows: side,
    low: [across[0], up[0]],
    high: [across[1], up[1]],
    width,
    height: Math.min(440, width * 0.92),
  });
}
