import type { Sleep } from './session.ts';

/** A sleep lasts for this share of the time waited so far, within these bounds in milliseconds. */
const SHARE = 0.1;
const SHORTEST = 0.25;
const LONGEST = 5;

/**
 * Waits for a promise in short sleeps: while a GPU promise is pending, Dawn polls all the time, on a core that a software adapter needs.
 * Without `sleep` it just awaits.
 */
export async function asleepUntil<T>(done: Promise<T>, sleep: Sleep | undefined): Promise<T> {
  let waiting = sleep !== undefined;
  const awake = (): void => {
    waiting = false;
  };
  done.then(awake, awake);
  const begin = performance.now();
  while (waiting) {
    await sleep?.(Math.min(LONGEST, Math.max(SHORTEST, SHARE * (performance.now() - begin))));
  }
  return done;
}
