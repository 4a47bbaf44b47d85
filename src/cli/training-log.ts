import { createReadStream, createWriteStream } from 'node:fs';
import { rename, stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fail } from '../base/errors.ts';
import { whyNot } from './files.ts';
import { TensorBoard } from './tensorboard.ts';

/** Something that is told how training goes: the file of `--log`, TensorBoard. */
export interface Log {
  /** Steps from `first` on, with what `plateau` leaves of each one's learning rate. */
  readonly write: (first: number, losses: Float32Array, metrics: Readonly<Record<string, Float32Array>>, rateShares?: Float32Array) => void;
  /** Adds the holdout's values to the line of the last step. */
  readonly hold: (values: Readonly<Record<string, number>>) => void;
  /** Ends the file; throws what went wrong with it. */
  readonly close: () => Promise<void>;
}

/** The same for TensorBoard; values of the holdout belong to the last step. */
export async function openBoard(folder: string, rateAt: LogOptions['rateAt']): Promise<Log> {
  const board = await TensorBoard.open(folder);
  let last = 0;
  return {
    write(first, losses, metrics, rateShares) {
      losses.forEach((loss, i) => {
        last = first + i;
        const values = Object.fromEntries(Object.entries(metrics).map(([k, v]) => [k, v[i]]));
        board.write(last, { loss, ...values, lr: rateOf(rateAt(last), rateShares?.[i]) });
      });
    },
    hold: (values) => board.write(last, Object.fromEntries(Object.entries(values).map(([k, v]) => [`held_out/${k}`, v]))),
    close: () => board.close(),
  };
}

export interface LogOptions {
  /** The step that a resumed run goes on from: lines up to there are kept. */
  readonly from: number | undefined;
  /** The learning rate of a step, before `plateau`. */
  readonly rateAt: (step: number) => number | undefined;
}

/** One line for each step: its loss, metrics, learning rate and the seconds since the start, and values of the holdout after it. */
export async function openLog(path: string, { from, rateAt }: LogOptions): Promise<Log> {
  const begin = performance.now();
  const goesOn = from !== undefined && (await stat(path).catch(() => undefined))?.isFile() === true;
  if (goesOn) await keepUntil(path, from);
  const stream = createWriteStream(path, { flags: goesOn ? 'a' : 'w' });
  let problem: Error | undefined;
  await new Promise<void>((resolve) => {
    stream.once('open', () => resolve());
    stream.on('error', (e) => {
      problem ??= e;
      resolve();
    });
  });
  const check = (): void => {
    if (problem) fail('NN403', `${path} cannot be written: ${problem.message}`);
  };
  check();
  // The last line waits, since the holdout may be evaluated after it.
  let waiting: Readonly<Record<string, unknown>> | undefined;
  const flush = (more: Readonly<Record<string, unknown>> = {}): void => {
    if (waiting) stream.write(`${JSON.stringify({ ...waiting, ...more })}\n`);
    waiting = undefined;
  };
  return {
    write(first, losses, metrics, rateShares) {
      const time = Number(((performance.now() - begin) / 1000).toFixed(3));
      losses.forEach((loss, i) => {
        flush();
        const values = Object.fromEntries(Object.entries(metrics).map(([k, v]) => [k, v[i]]));
        waiting = { step: first + i, loss, ...values, lr: rateOf(rateAt(first + i), rateShares?.[i]), time };
      });
    },
    hold: (values) => flush({ held_out: values }),
    close: async () => {
      flush();
      await new Promise<void>((resolve) => (stream.destroyed ? resolve() : stream.once('close', resolve).end()));
      check();
    },
  };
}

/** The share is of float32: digits beyond its own would be noise. */
const rateOf = (rate: number | undefined, share: number | undefined): number | undefined =>
  rate === undefined || share === undefined ? rate : Number((rate * share).toPrecision(7));

/** Takes away the lines of steps that will be done again, and a line that was cut off. */
async function keepUntil(path: string, step: number): Promise<void> {
  const part = `${path}.${process.pid}.part`;
  const out = createWriteStream(part);
  try {
    for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
      const known = stepOf(line);
      if (known !== undefined && known < step) out.write(`${line}\n`);
    }
    await new Promise<void>((resolve, reject) => out.once('error', reject).once('close', resolve).end());
    await rename(part, path);
  } catch (e) {
    fail('NN403', `${path} cannot be written: ${whyNot(e)}`);
  }
}

function stepOf(line: string): number | undefined {
  try {
    const { step } = JSON.parse(line) as { readonly step?: unknown };
    return typeof step === 'number' ? step : undefined;
  } catch (e) {
    if (e instanceof SyntaxError) return undefined;
    throw e;
  }
}
