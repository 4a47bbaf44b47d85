import { bothSides } from '../pictures/grid.ts';
import type { Model } from '../runtime/api.ts';
import { generate } from '../runtime/generate.ts';
import { probabilities } from '../runtime/probabilities.ts';
import { SIDE, type Scene } from './scene.ts';
import { errorText } from './error-text.ts';

/** A moment of a training, for a {@link Board}. */
export interface Frame {
  readonly step: number;
  /** The step of the first of the losses. */
  readonly first: number;
  readonly losses: Float32Array;
  /** The loss and the metrics on the held-out examples, if it was time to look at them. */
  readonly held: Readonly<Record<string, number>> | undefined;
  /** What the model says to what the scene asks: numbers, or shares of classes. */
  readonly seen: Float32Array | undefined;
  /** What a text model writes by itself. */
  readonly text: string | undefined;
  /** Whether the program's training is at its end. */
  readonly done: boolean;
}

export interface TrainingOptions {
  readonly model: Model;
  readonly scene: Scene;
  /** Steps of the program's training. */
  readonly steps: number;
  /** Held-out examples. */
  readonly held: number;
  readonly onFrame: (frame: Frame) => void;
  readonly onFailure: (message: string) => void;
}

/** Milliseconds of a frame, and between two looks at what is slow, at least. */
const FRAME = 16;
const JUDGE = 250;
const WRITE = 1500;
/** Frames a second at a fixed speed. */
const RATE = 30;
/** Characters that a text model writes in between. */
const LENGTH = 80;

/** Trains frame by frame, so that a page can show each of them: as many steps in a frame as fit, or so many steps a second. */
export class Training {
  private readonly o: TrainingOptions;
  /** One thing after the other; what comes ends the loop before it. */
  private line: Promise<unknown> = Promise.resolve();
  private turn = 0;
  private running = false;
  /** Ends the wait between two frames. */
  private wake: () => void = () => undefined;
  /** Steps that fill a frame. */
  private pace = 1;
  private judged = 0;
  private patience = JUDGE;
  private written = -Infinity;

  constructor(options: TrainingOptions) {
    this.o = options;
  }

  /** Trains until something else is asked, or to the end of the program's training; if that is reached, as long again. */
  run(speed?: number): Promise<void> {
    return this.next((turn) => this.loop(speed, turn));
  }

  /** Resolves when nothing runs any more. */
  pause(): Promise<void> {
    return this.next(() => Promise.resolve());
  }

  /** One step. */
  one(): Promise<void> {
    return this.next(async () => void (await this.advance(1, true)));
  }

  /** Shows what the model says now; while it trains, the next frame does. */
  async look(): Promise<void> {
    if (!this.running) await this.next(async () => void (await this.advance(0, true)));
  }

  private next(act: (turn: number) => Promise<void>): Promise<void> {
    const turn = ++this.turn;
    this.wake();
    const doing = this.line.then(() => act(turn));
    this.line = doing.catch(() => undefined);
    return doing;
  }

  private async loop(speed: number | undefined, turn: number): Promise<void> {
    const { model, steps: all, onFailure } = this.o;
    const end = (Math.floor(model.step / all) + 1) * all;
    this.running = true;
    try {
      while (this.turn === turn && model.step < end) {
        const left = end - model.step;
        const steps = Math.min(left, speed === undefined ? this.pace : Math.max(1, Math.round(speed / RATE)));
        const begin = performance.now();
        const judges = begin - this.judged > this.patience || steps === left;
        const took = await this.advance(steps, judges);
        if (judges) {
          this.judged = performance.now();
          // Looking must not take a large part of the time.
          this.patience = Math.max(JUDGE, 12 * (this.judged - begin - took));
        }
        if (steps === this.pace && speed === undefined) this.pace = paceAfter(this.pace, took);
        if (this.turn === turn) await this.wait(Math.max(0, (speed === undefined ? FRAME : (1000 * steps) / speed) - took));
      }
    } catch (e) {
      onFailure(errorText(e));
    } finally {
      this.running = false;
    }
  }

  private wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      setTimeout(resolve, ms);
      this.wake = resolve;
    });
  }

  /** Trains some steps and shows where that leads. Gives the milliseconds that training took. */
  private async advance(steps: number, judges: boolean): Promise<number> {
    const { model, scene, onFrame, held, steps: all } = this.o;
    const begin = performance.now();
    const first = model.step;
    const losses: number[] = [];
    const onLosses = (_first: number, some: Float32Array): void => void losses.push(...some);
    if (steps > 0) await model.train({ steps: Math.ceil((first + steps) / all) * all, until: first + steps, onLosses });
    const took = performance.now() - begin;
    const { step } = model;
    onFrame({
      step,
      first,
      losses: Float32Array.from(losses),
      held: held > 0 && judges && step > 0 ? await model.evaluate() : undefined,
      seen: scene.kind !== 'image' || judges ? await seen(model, scene) : undefined,
      text: await this.write(),
      done: step > 0 && step % all === 0,
    });
    return took;
  }

  /** Every now and then, a text model shows what it would write. */
  private async write(): Promise<string | undefined> {
    const { model, scene } = this.o;
    const now = performance.now();
    if (scene.kind !== 'text' || now - this.written < WRITE) return undefined;
    let text = '';
    for await (const t of generate(model, '', { tokens: LENGTH, temperature: 0.7, seed: model.step })) text += t.text;
    this.written = performance.now();
    return text;
  }
}

const paceAfter = (pace: number, took: number): number =>
  took < FRAME / 2 ? Math.min(4096, pace * 2) : took > 2 * FRAME ? Math.max(1, pace >> 1) : pace;

/** What the model says to what the scene asks. */
async function seen(model: Model, { kind, asked }: Scene): Promise<Float32Array | undefined> {
  if (!asked) return undefined;
  const said = await model.predict(asked);
  if (kind === 'fit') return said.data;
  const shares = probabilities(said) ?? said.data;
  return kind === 'region' && shares.length === SIDE * SIDE ? bothSides(shares) : shares;
}
