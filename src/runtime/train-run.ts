import type { TrainProgress, TrainResult, TrainRun } from './api.ts';

/** Chunks that may be buffered for a loop before training waits for it. */
const AHEAD = 2;

/** Connects a running training with its listener. */
export interface Watcher {
  readonly told?: ((progress: TrainProgress) => void) | undefined;
  /** Settles when the listener is ready for more; undefined if there is no need to wait. */
  readonly ready?: (() => Promise<void> | undefined) | undefined;
  readonly left?: (() => boolean) | undefined;
}

/** Starts at once. A `for await` that begins right away receives every chunk, and training waits if the loop falls behind. */
export function trainRun(start: (watcher: () => Watcher) => Promise<TrainResult>): TrainRun {
  let watcher: Watcher = {};
  // The loop begins before the first step, so the watcher is only read then.
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
