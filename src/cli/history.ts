import { LiveTable, showNumber } from './terminal.ts';

/** About how many rows a table of a training has. */
const TABLE_ROWS = 5;

/**
 * Which epochs (or steps, if there are too few epochs) the table shows: the first, the last, and some between. They are those of the whole
 * run, so that one that was interrupted goes on with the same rows.
 */
export class Rows {
  /** Whether a row is an epoch or a step. */
  readonly byEpoch: boolean;
  private readonly steps: number;
  private readonly stepsPerEpoch: number;
  private readonly every: number;
  private readonly stepsPerRow: number;

  constructor(total: number, stepsPerEpoch: number) {
    this.byEpoch = total / stepsPerEpoch >= 2;
    this.stepsPerRow = this.byEpoch ? stepsPerEpoch : 1;
    this.steps = total;
    this.stepsPerEpoch = stepsPerEpoch;
    this.every = Math.max(1, Math.round(Math.ceil(total / this.stepsPerRow) / TABLE_ROWS)) * this.stepsPerRow;
  }

  /** The end of the row that `step` is in, or of the next row after it. */
  nextEnd(step: number): number {
    const { every, stepsPerRow, steps } = this;
    const row = Math.max(0, Math.ceil((step + 1 - stepsPerRow) / every));
    return Math.min(steps, row * every + stepsPerRow);
  }

  /** When held-out examples are judged next: where a row ends, and, to find the best, after every epoch. Only the whole run decides it. */
  nextJudged(step: number, everyEpoch: boolean): number {
    const { stepsPerEpoch } = this;
    return Math.min(this.nextEnd(step), everyEpoch ? (Math.floor(step / stepsPerEpoch) + 1) * stepsPerEpoch : Infinity);
  }

  /** Whether a row of the table ends after `step` steps. */
  endsAt(step: number): boolean {
    return step === this.nextEnd(step - 1);
  }

  /** The first step of the row that ends after `step` steps, and what the row is called. */
  rowOf(step: number): { readonly from: number; readonly name: string } {
    const { stepsPerRow } = this;
    const from = Math.floor((step - 1) / stepsPerRow) * stepsPerRow;
    return { from, name: String(from / stepsPerRow) };
  }
}

/** The mean of a loss or metric over steps, as the table of a training shows it. */
export function meanOf(name: string, values: Iterable<number>): number {
  const mean = new Mean(name !== 'loss');
  for (const v of values) mean.add(v);
  return mean.value;
}

/** A mean that grows. What is not everywhere a number, such as auc where a batch has one class only, is left out where it is none. */
class Mean {
  private sum = 0;
  private count = 0;
  private readonly leavesOut: boolean;

  constructor(leavesOut: boolean) {
    this.leavesOut = leavesOut;
  }

  add(v: number): void {
    if (this.leavesOut && Number.isNaN(v)) return;
    this.sum += v;
    this.count++;
  }

  get value(): number {
    return this.sum / this.count;
  }
}

/** Where a training stands after so many steps. */
export const placeOf = (step: number, stepsPerEpoch: number): string =>
  step % stepsPerEpoch === 0 && stepsPerEpoch > 1 ? `epoch ${step / stepsPerEpoch - 1}` : `step ${step - 1}`;

/** The table of a training, which grows while it goes on: means over an epoch before each update, and the holdout at its end. */
export class History {
  private readonly table: LiveTable;
  private readonly rows: Rows;
  private readonly names: readonly string[];
  /** The loss and metrics of the row that is being gathered. */
  private means: Mean[] = [];
  private readonly waits: boolean;
  /** Rows that wait for their values on the holdout. */
  private waiting: { readonly step: number; readonly cells: readonly string[] }[] = [];
  private lastLoss = NaN;
  private firstLoss = NaN;

  /** With `heldOut`, each row ends with these values of the holdout. */
  constructor(rows: Rows, metrics: readonly string[], heldOut: readonly string[], write: (line: string) => void) {
    this.rows = rows;
    this.names = ['loss', ...metrics];
    this.waits = heldOut.length > 0;
    this.table = new LiveTable([rows.byEpoch ? 'epoch' : 'step', ...this.names, ...heldOut.map((h) => `held-out ${h}`)], write);
  }

  /** The first and the last loss. */
  get first(): number {
    return this.firstLoss;
  }

  get last(): number {
    return this.lastLoss;
  }

  add(from: number, losses: Float32Array, metrics: Readonly<Record<string, Float32Array>>): void {
    for (let i = 0; i < losses.length; i++) {
      const step = from + i + 1;
      this.lastLoss = losses[i] ?? NaN;
      if (Number.isNaN(this.firstLoss)) this.firstLoss = this.lastLoss;
      // A run that was interrupted may begin within a row.
      if (this.means.length === 0 || this.rows.rowOf(step).from === step - 1) this.means = this.names.map((n) => new Mean(n !== 'loss'));
      this.names.forEach((name, k) => {
        this.means[k]?.add((name === 'loss' ? losses : metrics[name])?.[i] ?? NaN);
      });
      if (this.rows.endsAt(step)) this.end(step);
    }
  }

  private end(step: number): void {
    const cells = [this.rows.rowOf(step).name, ...this.means.map((m) => showNumber(m.value))];
    if (this.waits) this.waiting.push({ step, cells });
    else this.table.row(cells);
  }

  /** Shows the row that training ended in, if it is none of the table's. */
  finish(step: number, values: Readonly<Record<string, number>> = {}): void {
    if (this.means.length > 0 && !this.rows.endsAt(step)) this.end(step);
    this.hold(step, values);
  }

  /** Completes the row that ends after `step` steps. */
  hold(step: number, values: Readonly<Record<string, number>>): void {
    const ready = this.waiting.filter((w) => w.step <= step);
    this.waiting = this.waiting.filter((w) => w.step > step);
    for (const { cells } of ready) this.table.row([...cells, ...Object.values(values).map(showNumber)]);
  }
}
