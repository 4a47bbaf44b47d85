import type { TrainProgress, TrainResult, TrainRun } from './api.ts';

/** Chunks that may wait for a loop to take them, before training waits for the loop. */
const AHEAD = 2;

/** What a training tells while it runs, and asks. */
export interface Watcher {
  readonly told?: ((progress: TrainProgress) => void) | undefined;
  /** Settles when whoever listens is ready for more; undefined where nobody has to be waited for. */
  readonly ready?: (() => Promise<void> | undefined) | undefined;
  readonly left?: (() => boolean) | undefined;
}

/** Starts at once; a `for await` that begins in the same moment is told of every chunk, and training does not run away from it. */
export function trainRun(start: (watcher: () => Watcher) => Promise<TrainResult>): TrainRun {
  let watcher: Watcher = {};
  // A loop begins before the first step does, so that it is asked for only then.
  const result = start(() => watcher);
  const iterate = (): AsyncIterator<TrainProgress> => {
    const chunks: TrainProgress[] = [];
    let left = false;
    let wake: () => void = () => undefined;
    let drained: () => void = () => undefined;
    let over = false;
    watcher = {
      told(progress) {
        chunks.push(progress);
        wake();
      },
      ready: () => (chunks.length < AHEAD || left ? undefined : new Promise((resolve) => (drained = resolve))),
      left: () => left,
    };
    const ended = (): void => {
      over = true;
      wake();
    };
    result.then(ended, ended);
    return {
      async next() {
        while (chunks.length === 0 && !over) await new Promise<void>((resolve) => (wake = resolve));
        const value = chunks.shift();
        drained();
        if (value) return { value, done: false };
        await result;
        return { value: undefined, done: true };
      },
      async return() {
        left = true;
        drained();
        await result;
        return { value: undefined, done: true };
      },
    };
  };
  return Object.assign(result, { [Symbol.asyncIterator]: iterate });
}
