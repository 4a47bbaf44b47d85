import type { Nap } from './session.ts';

/** A nap lasts for this share of the time waited so far, within bounds in milliseconds. */
const SHARE = 0.1;
const SHORTEST = 0.25;
const LONGEST = 5;

/**
 * Waits with short naps between two looks: while a promise of the GPU is open, Dawn looks for its end all the time, on a core
 * that a software adapter needs. Without `nap` it just waits.
 */
export async function napping<T>(done: Promise<T>, nap: Nap | undefined): Promise<T> {
  let waiting = nap !== undefined;
  const awake = (): void => {
    waiting = false;
  };
  done.then(awake, awake);
  const begin = performance.now();
  while (waiting) {
    await nap?.(Math.min(LONGEST, Math.max(SHORTEST, SHARE * (performance.now() - begin))));
  }
  return done;
}
