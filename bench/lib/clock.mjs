import { readFileSync } from 'node:fs';

export const now = () => performance.now();

/**
 * Milliseconds of processor time of this thread alone, or undefined where the system does not tell: a software adapter
 * computes on other threads of the same process, which are the device and not the host.
 */
export function hostTime() {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]) / 1e6;
  } catch {
    return undefined;
  }
}

/** The share of a time in which the host computed. The system's account is coarse, and may run ahead of the clock. */
export const hostShare = (before, after, wall) => (before === undefined ? undefined : Math.min(1, (after - before) / wall));
