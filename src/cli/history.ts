import { columns, showNumber } from './terminal.ts';

/** Rows of the table after training. */
export const TABLE_ROWS = 5;

/** The record of a training: losses and metrics of every step, and now and then those of the holdout. */
export class History {
  private readonly losses: number[] = [];
  private readonly metrics: ReadonlyMap<string, number[]>;
  private readonly holdout = new Map<number, Readonly<Record<string, number>>>();
  private readonly first: number;
  private readonly stepsPerEpoch: number;

  /** Starts at step `first`. */
  constructor(first: number, stepsPerEpoch: number, metrics: readonly string[]) {
    this.first = first;
    this.stepsPerEpoch = stepsPerEpoch;
    this.metrics = new Map(metrics.map((m) => [m, []]));
  }

  get last(): number {
    return this.losses.at(-1) ?? NaN;
  }

  add(from: number, losses: Float32Array, metrics: Readonly<Record<string, Float32Array>>): void {
    losses.forEach((loss, i) => {
      this.losses[from - this.first + i] = loss;
      for (const [name, values] of this.metrics) values[from - this.first + i] = metrics[name]?.[i] ?? NaN;
    });
  }

  /** Records the holdout's values after `step` steps. */
  hold(step: number, values: Readonly<Record<string, number>>): void {
    this.holdout.set(step, values);
  }

  /** Text such as `, held out: loss 0.12, accuracy 0.95`. */
  heldText(): string {
    const values = [...this.holdout.values()].at(-1);
    return values
      ? `, held out: ${Object.entries(values)
          .map(([k, v]) => `${k} ${showNumber(v)}`)
          .join(', ')}`
      : '';
  }

  /**
   * Values before the update, at evenly spaced epochs (or steps, if there are too few epochs); those of the holdout are from the end of the
   * epoch.
   */
  table(): string {
    const { first, losses, stepsPerEpoch } = this;
    const epochs = Math.ceil(losses.length / stepsPerEpoch);
    const byEpoch = first % stepsPerEpoch === 0 && epochs >= 2;
    const n = byEpoch ? epochs : losses.length;
    const every = Math.max(1, (this.holdout.size > 0 ? Math.ceil : Math.round)(n / TABLE_ROWS));
    const names = [...this.metrics.keys()];
    const heldNames = Object.keys([...this.holdout.values()][0] ?? {});
    const rows = [[byEpoch ? 'epoch' : 'step', 'loss', ...names, ...heldNames.map((h) => `held-out ${h}`)]];
    for (let i = 0; i < n; i += every) {
      const [from, to] = byEpoch ? [i * stepsPerEpoch, (i + 1) * stepsPerEpoch] : [i, i + 1];
      const mean = (values: readonly number[]): string => {
        const part = values.slice(from, to);
        return showNumber(part.reduce((a, b) => a + b, 0) / part.length);
      };
      const holdout = this.holdoutNear(first + (byEpoch ? Math.min(n, i + every) * stepsPerEpoch : i + 1));
      rows.push([
        String(byEpoch ? first / stepsPerEpoch + i : first + i),
        mean(losses),
        ...[...this.metrics.values()].map(mean),
        ...heldNames.map((h) => (holdout ? showNumber(holdout[h] ?? NaN) : '')),
      ]);
    }
    return columns(rows);
  }

  private holdoutNear(step: number): Readonly<Record<string, number>> | undefined {
    return this.holdout.get(step) ?? [...this.holdout].find(([s]) => s >= step)?.[1] ?? [...this.holdout.values()].at(-1);
  }
}
