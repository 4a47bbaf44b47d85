import { createWriteStream } from 'node:fs';
import { fail } from '../base/errors.ts';

/** The file that `--log` names: one JSON object per step. */
export interface Log {
  /** Steps from `first` on. */
  readonly write: (first: number, losses: Float32Array, metrics: Readonly<Record<string, Float32Array>>) => void;
  /** Ends the file; throws what went wrong with it. */
  readonly close: () => Promise<void>;
}

/** One line for each step; a resumed run goes on below what is there. */
export async function openLog(path: string, append: boolean): Promise<Log> {
  const stream = createWriteStream(path, { flags: append ? 'a' : 'w' });
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
  return {
    write(first, losses, metrics) {
      losses.forEach((loss, i) => stream.write(logLine(first + i, loss, metrics, i)));
    },
    close: async () => {
      await new Promise<void>((resolve) => (stream.destroyed ? resolve() : stream.once('close', resolve).end()));
      check();
    },
  };
}

function logLine(step: number, loss: number, metrics: Readonly<Record<string, Float32Array>>, i: number): string {
  return `${JSON.stringify({ step, loss, ...Object.fromEntries(Object.entries(metrics).map(([k, v]) => [k, v[i]])) })}\n`;
}
