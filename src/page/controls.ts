import { h, short } from './dom.ts';
import type { Frame } from './training.ts';
import { errorText } from './error-text.ts';

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

export interface ControlsOptions {
  /** Comes before the ids of the parts, if a page has several of them. */
  readonly id?: string;
  /** Ends them when the page goes on to something else. */
  readonly signal?: AbortSignal;
}

/** Train (Pause while it runs), Step and Reset, with a line that tells what happens. A hidden page pauses. */
export class Controls {
  readonly buttons: readonly HTMLButtonElement[];
  readonly status: HTMLElement;
  private readonly acts: Acts;
  private readonly signal: AbortSignal | undefined;
  private readonly trainButton: HTMLButtonElement;
  private began: { readonly step: number; readonly at: number } | undefined;
  private step = 0;
  /** One act after the other, also if the buttons are faster. */
  private line: Promise<void> = Promise.resolve();

  constructor(acts: Acts, { id = '', signal }: ControlsOptions = {}) {
    this.acts = acts;
    this.signal = signal;
    this.status = h('p', { class: 'status', role: 'status', id: `${id}status` });
    const button = (name: string, act: () => Promise<void>): HTMLButtonElement =>
      h('button', { type: 'button', id: id + name.toLowerCase(), onclick: () => void this.during(act) }, name);
    this.trainButton = button('Train', () => (this.training ? this.pauseNow() : this.startNow()));
    this.trainButton.classList.add('main');
    this.buttons = [this.trainButton, button('Step', () => this.one()), button('Reset', () => this.reset())];
    const hidden = (): void => {
      if (document.hidden && this.training) void this.during(() => this.pauseNow('paused, since the page was hidden'));
    };
    document.addEventListener('visibilitychange', hidden, signal ? { signal } : {});
  }

  get training(): boolean {
    return this.began !== undefined;
  }

  say(text: string, wrong = false): void {
    this.status.textContent = text;
    this.status.classList.toggle('wrong', wrong);
  }

  /** Tells what went wrong; a training goes on. */
  readonly failed = (e: unknown): void => this.say(errorText(e), true);

  /** The training itself broke. */
  readonly broke = (e: unknown): void => {
    this.stop();
    this.failed(e);
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
      `done: ${step - began.step} steps, loss ${loss === undefined ? '–' : short(loss)}, ${seconds} s on ${this.acts.device()}. Press Train to go on`,
    );
  }

  /** Does something that the buttons wait for, such as compiling. What goes wrong is told. */
  during(act: () => Promise<void>): Promise<void> {
    this.line = this.line
      .then(async () => {
        if (!this.signal?.aborted) await act();
      })
      .catch(this.failed);
    return this.line;
  }

  /** The same between pausing and going on, if it trains. */
  between(act: () => Promise<void>): Promise<void> {
    return this.during(async () => {
      const goesOn = this.training;
      if (goesOn) await this.pauseNow();
      await act();
      if (goesOn) await this.startNow();
    });
  }

  /** The model is another one, or as it was at the beginning. */
  begin(): void {
    this.stop();
    this.step = 0;
  }

  start(): Promise<void> {
    return this.during(async () => {
      if (!this.training) await this.startNow();
    });
  }

  pause(): Promise<void> {
    return this.during(() => this.pauseNow());
  }

  private async startNow(): Promise<void> {
    await this.acts.ready?.();
    if (this.signal?.aborted) return;
    this.began = { step: this.step, at: performance.now() };
    this.trainButton.textContent = 'Pause';
    this.say('training');
    // The buttons do not wait for its end.
    this.acts.run().catch(this.broke);
  }

  private async pauseNow(why = 'paused'): Promise<void> {
    this.stop();
    await this.acts.pause();
    this.say(why);
  }

  private async one(): Promise<void> {
    this.stop();
    await this.acts.ready?.();
    await this.acts.step();
    this.say(`step ${this.step}`);
  }

  private async reset(): Promise<void> {
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
