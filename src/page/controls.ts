import { h, short } from './dom.ts';
import type { Frame } from './training.ts';
import { wordsOf } from './words.ts';

/** What the buttons do. Each may fail, which is told. */
export interface Acts {
  /** Gets the model ready, before anything else; it may be ready already. */
  readonly ready?: () => Promise<void>;
  /** Trains until it is paused or done. */
  readonly run: () => Promise<void>;
  readonly pause: () => Promise<void>;
  readonly step: () => Promise<void>;
  readonly reset: () => Promise<void>;
  /** The device that trains. */
  readonly device: () => string;
}

/** Train (Pause while it runs), Step and Reset, with a line that tells what happens. A hidden page pauses. */
export class Controls {
  readonly buttons: readonly HTMLButtonElement[];
  readonly status = h('p', { class: 'status', role: 'status', id: 'status' });
  private readonly acts: Acts;
  private readonly trainButton = h('button', { class: 'main', type: 'button', id: 'train' }, 'Train');
  private began: { readonly step: number; readonly at: number } | undefined;
  private step = 0;
  /** What must be over before a button does something. */
  private line: Promise<void> = Promise.resolve();

  constructor(acts: Acts) {
    this.acts = acts;
    const button = (id: string, name: string, act: () => Promise<void>): HTMLButtonElement =>
      h('button', { type: 'button', id, onclick: () => void act().catch(this.failed) }, name);
    this.trainButton.addEventListener('click', () => void this.toggle().catch(this.failed));
    this.buttons = [this.trainButton, button('step', 'Step', () => this.one()), button('reset', 'Reset', () => this.reset())];
    document.addEventListener('visibilitychange', () => {
      if (document.hidden && this.training) void this.pause('paused, since the page was hidden').catch(this.failed);
    });
  }

  get training(): boolean {
    return this.began !== undefined;
  }

  say(text: string, wrong = false): void {
    this.status.textContent = text;
    this.status.classList.toggle('wrong', wrong);
  }

  readonly failed = (e: unknown): void => {
    this.stop();
    this.say(wordsOf(e), true);
  };

  /** Takes note of a moment of the training. */
  frame({ step, losses, done }: Frame): void {
    this.step = step;
    const { began } = this;
    if (!done || !began) return;
    this.stop();
    const seconds = ((performance.now() - began.at) / 1000).toFixed(2);
    const loss = losses.at(-1);
    this.say(
      `done: ${step - began.step} steps, loss ${loss === undefined ? '–' : short(loss)}, ${seconds} s on ${this.acts.device()}. Train goes on from here`,
    );
  }

  /** Does something that the buttons wait for, such as compiling. What goes wrong is told. */
  during(act: () => Promise<void>): void {
    this.line = this.line.then(act).catch(this.failed);
  }

  /** The model is another one, or as it was at the beginning. */
  begin(): void {
    this.stop();
    this.step = 0;
  }

  async start(): Promise<void> {
    await this.acts.ready?.();
    this.began = { step: this.step, at: performance.now() };
    this.trainButton.textContent = 'Pause';
    this.say('training');
    await this.acts.run();
  }

  async pause(why = 'paused'): Promise<void> {
    this.stop();
    await this.acts.pause();
    this.say(why);
  }

  private async toggle(): Promise<void> {
    await this.line;
    return this.training ? this.pause() : this.start();
  }

  private async one(): Promise<void> {
    await this.line;
    this.stop();
    await this.acts.ready?.();
    await this.acts.step();
    this.say(`step ${this.step}`);
  }

  private async reset(): Promise<void> {
    await this.line;
    this.stop();
    await this.acts.pause();
    this.step = 0;
    await this.acts.reset();
    this.say('back at the beginning');
  }

  private stop(): void {
    this.began = undefined;
    this.trainButton.textContent = 'Train';
  }
}
