import { SingleBar } from 'cli-progress';
import { visible } from '../base/show.ts';
import type { Progress } from '../runtime/api.ts';

/** Results go to stdout, messages to stderr. Names from files may hold anything, also what would command the terminal. */
export const print = (text = ''): void => void process.stdout.write(`${visible(text)}\n`);
export const note = (text: string): void => void process.stderr.write(`${visible(text)}\n`);

/** A number with few digits: `1234.5`, `1.2e-7`. */
export function showNumber(x: number): string {
  if (x === 0 || !Number.isFinite(x)) return String(x);
  const a = Math.abs(x);
  if (a >= 1e7 || a < 1e-4) return x.toExponential(4);
  return a >= 1000 ? x.toFixed(1) : x.toPrecision(6);
}

export function showBytes(n: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB'];
  const i = n < 1024 ? 0 : Math.min(3, Math.floor(Math.log2(n) / 10));
  return i === 0 ? `${n} bytes` : `${(n / 1024 ** i).toFixed(1)} ${units[i] ?? ''}`;
}

export function showTime(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** A table that is printed row by row, so that its columns are as wide as their heads and any number. */
export class LiveTable {
  private readonly widths: readonly number[];
  private readonly heads: readonly string[];
  private readonly write: (line: string) => void;
  private begun = false;

  constructor(heads: readonly string[], write: (line: string) => void) {
    this.heads = heads;
    this.widths = heads.map((h, i) => Math.max(h.length, i === 0 ? 5 : WIDEST));
    this.write = write;
  }

  row(cells: readonly string[]): void {
    if (!this.begun) this.line(this.heads);
    this.begun = true;
    this.line(cells);
  }

  private line(cells: readonly string[]): void {
    this.write(cells.map((c, i) => c.padStart(this.widths[i] ?? 0)).join('  '));
  }
}

/** Characters of most numbers of {@link showNumber}. */
const WIDEST = 11;

/** Shows the progress of training: a bar on a terminal, a line every few seconds in a pipe. */
export interface ProgressView {
  readonly update: (p: Progress) => void;
  /** Prints a line of the result above the bar. */
  readonly print: (line: string) => void;
  readonly stop: () => void;
}

const LINE_EVERY_MS = 5000;

export function progressView(steps: number): ProgressView {
  if (!process.stderr.isTTY) {
    let last = performance.now();
    return {
      update(p) {
        const now = performance.now();
        if (now - last < LINE_EVERY_MS || p.step === steps) return;
        last = now;
        note(
          `step ${p.step}/${p.steps}  loss ${showNumber(p.loss)}  ${p.stepsPerSecond.toFixed(0)} steps/s  ${showTime(p.secondsLeft)} left`,
        );
      },
      print,
      stop: () => undefined,
    };
  }
  const bar = new SingleBar({
    format: '{bar} {percentage}%  step {value}/{total}  loss {loss}  {rate} steps/s  {left} left',
    // A line that is as wide as the terminal would wrap and could not be cleared.
    barsize: Math.max(4, Math.min(40, process.stderr.columns - 70)),
    hideCursor: true,
    clearOnComplete: true,
    gracefulExit: false,
    stream: process.stderr,
  });
  bar.start(steps, 0, { loss: '-', rate: '-', left: '?' });
  return {
    update: (p) => bar.update(p.step, { loss: showNumber(p.loss), rate: p.stepsPerSecond.toFixed(0), left: showTime(p.secondsLeft) }),
    print(line) {
      process.stderr.write('\r\x1b[K');
      print(line);
    },
    stop: () => bar.stop(),
  };
}
