import type { Sleep } from './session.ts';

/** A sleep lasts for this share of the time waited so far, within bounds in milliseconds. */
const SHARE = 0.1;
const SHORTEST = 0.25;
const LONGEST = 5;

/**
 * Waits with short sleeps between two looks: while a promise of the GPU is open, Dawn looks for its end all the time, on a core
 * that a software adapter needs. Without `sleep` it just waits.
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
