import { messageOf } from '../base/errors.ts';
import { Curve, type Point } from '../pictures/curve.ts';
import type { Model, ModelState, Runner } from '../runtime/api.ts';
import { showFigure, showLoss, type Examples } from './figures.ts';
import { formOf } from './form.ts';

/** The page of a built folder: it trains, draws what it learns, predicts by name, and gives and takes weights. */
interface PageInfo {
  readonly name: string;
  readonly program: string;
  /** The inputs, with the number of values in one example of each. */
  readonly inputs: readonly { readonly name: string; readonly width: number }[];
  /** The targets' names in the graph. */
  readonly targets: readonly string[];
  readonly trains: boolean;
  readonly weights: boolean;
  /** Held-out examples. */
  readonly held: number;
  /** Steps of the program's training. */
  readonly steps: number;
  readonly example: readonly (readonly number[])[];
}

const element = <T extends HTMLElement>(id: string): T => {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as T;
};
const say = (text: string, wrong = false): void => {
  element('status').textContent = text;
  element('status').classList.toggle('wrong', wrong);
};
const failed = (e: unknown): void => say(`it did not work: ${messageOf(e)}`, true);
const json = async (path: string): Promise<unknown> => (await fetch(path)).json();
const bytes = async (path: string): Promise<Uint8Array> => new Uint8Array(await (await fetch(path)).arrayBuffer());
const short = (v: number): string =>
  v !== 0 && (Math.abs(v) >= 1e6 || Math.abs(v) < 1e-3) ? v.toExponential(2) : String(Number(v.toPrecision(4)));

/** Milliseconds between two looks at the held-out examples. */
const JUDGE = 250;
/** Milliseconds of training in a frame, and between two drawings of the figure. */
const FRAME = 16;
const DRAW = 100;

class Page {
  private readonly info: PageInfo;
  private readonly model: Model;
  private readonly examples: Examples | undefined;
  private begin: ModelState | undefined;
  private training = false;
  private curve = new Curve();
  private held: Point[] = [];
  private values: Readonly<Record<string, number>> = {};
  private pace = 1;
  private judged = 0;
  private drawn = 0;
  private lastLoss = NaN;

  constructor(info: PageInfo, model: Model, examples: Examples | undefined) {
    this.info = info;
    this.model = model;
    this.examples = examples;
  }

  async start(): Promise<void> {
    this.begin = await this.model.state();
    for (const [id, act] of [
      ['train', () => (this.training ? this.pause() : this.train())],
      ['step', () => this.one()],
      ['reset', () => this.reset()],
    ] as const) {
      element(id).hidden = !this.info.trains;
      element(id).addEventListener('click', () => void act().catch(failed));
    }
    document.addEventListener('visibilitychange', () => {
      if (document.hidden && this.training) void this.pause().then(() => say('paused, since the page was hidden'));
    });
    await this.show();
    say(`ready on ${this.model.device.name}: ${this.model.device.reason}`);
  }

  private setTraining(on: boolean): void {
    this.training = on;
    element('train').textContent = on ? 'Pause' : 'Train';
  }

  private pause(): Promise<void> {
    this.setTraining(false);
    say('paused');
    return Promise.resolve();
  }

  /** Trains to the end of the program's training, or as long again if that is reached. */
  private async train(): Promise<void> {
    const { model, info } = this;
    const end = (Math.floor(model.step / info.steps) + 1) * info.steps;
    const begin = performance.now();
    const from = model.step;
    this.setTraining(true);
    say('training');
    try {
      while (this.training && model.step < end) {
        const steps = Math.min(this.pace, end - model.step);
        const took = await this.advance(steps, end);
        if (steps === this.pace) this.pace = took < FRAME / 2 ? this.pace * 2 : took > 2 * FRAME ? Math.max(1, this.pace >> 1) : this.pace;
        await new Promise((resolve) => requestAnimationFrame(resolve));
      }
    } catch (e) {
      this.setTraining(false);
      throw e;
    }
    if (model.step < end) return;
    this.setTraining(false);
    const seconds = (performance.now() - begin) / 1000;
    say(`done: ${model.step - from} steps, loss ${short(this.lastLoss)}, ${seconds.toFixed(2)} s on ${model.device.name}`);
  }

  private async one(): Promise<void> {
    this.setTraining(false);
    await this.advance(1, Math.max(this.info.steps, this.model.step + 1));
    say(`step ${this.model.step}`);
  }

  private async reset(): Promise<void> {
    this.setTraining(false);
    if (this.begin) await this.model.restore(this.begin);
    [this.curve, this.held, this.values, this.lastLoss] = [new Curve(), [], {}, NaN];
    await this.show();
    say('back at the beginning');
  }

  /** Trains some steps and shows where that leads. Gives the milliseconds that training took. */
  private async advance(steps: number, end: number): Promise<number> {
    const { model, info } = this;
    const begin = performance.now();
    await model.train({
      steps: end,
      until: model.step + steps,
      onLosses: (first, chunk) => {
        chunk.forEach((loss, i) => this.curve.add(first + i, loss));
        this.lastLoss = chunk.at(-1) ?? NaN;
      },
    });
    const now = performance.now();
    const last = model.step === end || !this.training;
    if (info.held > 0 && (now - this.judged > JUDGE || model.step === end)) {
      this.judged = now;
      this.values = await model.evaluate();
      this.held.push({ x: model.step, y: this.values['loss'] ?? NaN });
    }
    // A region takes longer to draw than many steps take.
    const due = last || now - this.drawn > DRAW;
    if (due) this.drawn = now;
    await this.show(due);
    return now - begin;
  }

  private async show(withFigure = true): Promise<void> {
    const { model, info } = this;
    const rows: [string, string][] = info.trains
      ? [
          [
            'step',
            `${model.step.toLocaleString('en')} of ${(Math.ceil(Math.max(1, model.step) / info.steps) * info.steps).toLocaleString('en')}`,
          ],
          ['loss', Number.isNaN(this.lastLoss) ? '–' : short(this.lastLoss)],
          ...Object.entries(this.values).map(([name, v]): [string, string] => [`held-out ${name}`, short(v)]),
        ]
      : [];
    element('numbers').replaceChildren(
      ...rows.flatMap(([name, value]) => {
        const [box, dt, dd] = [document.createElement('div'), document.createElement('dt'), document.createElement('dd')];
        [dt.textContent, dd.textContent] = [name, value];
        box.append(dt, dd);
        return [box];
      }),
    );
    if (info.trains) showLoss(element('curve'), this.curve.points, this.held);
    if (this.examples && withFigure) await showFigure(element('figure'), model, this.examples);
  }
}

async function open(): Promise<void> {
  say('loading');
  const runner = (await import(new URL('runner.js', import.meta.url).href)) as Runner;
  const { kernels } = (await import(new URL('kernels.js', import.meta.url).href)) as { kernels: unknown[] };
  const [info, plan] = [(await json('page.json')) as PageInfo, await json('plan.json')];
  element('name').textContent = info.name;
  document.title = info.name;
  element('program').textContent = info.program;
  const wanted = new URLSearchParams(location.search).get('device');
  const model = await runner.load(plan, { kernels, device: wanted === 'cpu' || wanted === 'gpu' ? wanted : 'auto' });
  const names = [...info.inputs.map((i) => i.name), ...info.targets];
  let examples: Examples | undefined;
  if (info.trains) {
    const data = runner.readTensors(await bytes('data.safetensors'));
    const arrays = names.map((name) => data[name]?.data ?? []);
    model.setData(...arrays);
    if (info.held > 0) model.setHoldout(...names.map((name) => data[`${name}@holdout`]?.data ?? []));
    const [x, y] = [arrays[0], arrays[info.inputs.length]];
    if (info.inputs.length === 1 && info.targets.length === 1 && x && y) examples = { x, y, width: info.inputs[0]?.width ?? 0 };
  }
  const take = (w: Uint8Array): Promise<void> => model.setWeights(runner.readTensors(w) as Parameters<Model['setWeights']>[0]);
  if (info.weights) await take(await bytes('weights.safetensors'));
  formOf(model, info, { fields: element('fields'), form: element('form'), output: element('output'), shares: element('shares') });
  const page = new Page(info, model, examples);

  element('save').addEventListener('click', () => {
    model
      .weights()
      .then((w) => {
        const link = document.createElement('a');
        link.href = URL.createObjectURL(new Blob([runner.writeTensors(w) as Uint8Array<ArrayBuffer>]));
        link.download = `${info.name}.safetensors`;
        link.click();
        URL.revokeObjectURL(link.href);
      })
      .catch(failed);
  });
  const picker = element<HTMLInputElement>('weights');
  element('load').addEventListener('click', () => picker.click());
  picker.addEventListener('change', () => {
    const [file] = picker.files ?? [];
    if (!file) return;
    file
      .arrayBuffer()
      .then((b) => take(new Uint8Array(b)))
      .then(() => say(`the weights are those of ${file.name}`))
      .catch(failed);
  });
  await page.start();
}

open().catch(failed);
