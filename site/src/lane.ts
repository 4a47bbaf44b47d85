import { Board, h } from 'nnc/page';
import { startWorker } from './client.ts';
import type { DataFile, Event, Prepared } from './protocol.ts';

const same = (...values: string[]): [string, string][] => values.map((v) => [v, v]);

/** A net for house prices with its controls, its own worker and its board. */
export class Lane {
  readonly worker = startWorker();
  readonly board: Board;
  readonly controls: HTMLElement;
  readonly program = h('code');
  private readonly selects: Readonly<Record<'rate' | 'optimizer' | 'width' | 'activation' | 'seed', HTMLSelectElement>>;
  private readonly file: DataFile;

  /**
   * `changed` is called when the net is to be another one: a function prepares it. A rate is changed at once. `begin` says how it
   * begins, and what comes before the ids of its parts.
   */
  constructor(
    file: DataFile,
    changed: (how: () => Promise<void>) => void,
    rateChanged: (how: () => Promise<void>) => void,
    begin: { readonly rate?: string; readonly id?: string } = {},
  ) {
    this.file = file;
    this.board = new Board({ id: begin.id ?? '' });
    const choice = (label: string, options: readonly (readonly [string, string])[], value: string): HTMLSelectElement => {
      const select = h('select', {}, ...options.map(([v, name]) => h('option', { value: v, selected: v === value }, name)));
      this.controls.append(h('label', {}, label, select));
      return select;
    };
    this.controls = h('div', { class: 'controls' });
    this.selects = {
      rate: choice(
        'learning rate',
        [...same('0.001', '0.003', '0.01', '0.03', '0.1', '0.3'), ['1e20', '1e20: too large']],
        begin.rate ?? '0.01',
      ),
      optimizer: choice('optimizer', same('adam', 'sgd', 'adamw', 'rmsprop', 'muon'), 'adam'),
      width: choice('hidden units', same('1', '2', '4', '8', '16', '32', '64'), '16'),
      activation: choice('activation', same('relu', 'tanh', 'gelu', 'sigmoid', 'silu'), 'relu'),
      seed: choice('seed', same('1', '2', '3', '42'), '42'),
    };
    const { rate, optimizer, activation, width, seed } = this.selects;
    rate.addEventListener('change', () => {
      this.program.textContent = this.text;
      // After whatever is being prepared with the rate of before.
      rateChanged(() => this.worker.set({ lr: Number(rate.value) }));
    });
    // Weights are taken along where the shapes stay.
    for (const c of [optimizer, activation]) c.addEventListener('change', () => changed(async () => void (await this.prepare(true))));
    for (const c of [width, seed]) c.addEventListener('change', () => changed(async () => void (await this.prepare(false))));
  }

  get text(): string {
    const { rate, optimizer, width, activation, seed } = this.selects;
    return `data  "house.csv" x=sqft y=price
layer Linear(1, ${width.value}) -> ${activation.value} -> Linear(${width.value}, 1)
loss  mse
optim ${optimizer.value} lr=${rate.value}
train epochs=500 seed=${seed.value}`;
  }

  /** Compiles what the controls say; `keep` takes the weights along where their shapes allow it. */
  async prepare(keep: boolean): Promise<Prepared> {
    this.program.textContent = this.text;
    const prepared = await this.worker.prepare(this.text, this.file, { keep });
    this.board.begin(prepared);
    return prepared;
  }

  /** The losses of this net from another seed. */
  lossesFrom(seed: number): Promise<Float32Array> {
    return this.worker.lossesFrom(this.text, this.file, seed);
  }

  /** Shows what its worker tells, and passes it on. */
  listen(then: (event: Event) => void): void {
    this.worker.onEvent = (event) => {
      if (event.type === 'frame') this.board.add(event.frame);
      then(event);
    };
  }
}
