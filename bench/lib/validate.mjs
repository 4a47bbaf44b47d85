import { WORKLOADS } from './workloads.mjs';

/** How far a loss may be from what it must be, and from that of whom it is compared with. */
export const LOSS_TOLERANCE = 1e-3;

const apart = (a, b) => !(Math.abs(a - b) <= LOSS_TOLERANCE * Math.abs(b));

/**
 * Why a measurement says nothing about speed, or undefined. Kernels were held against float64 before they were timed, and
 * their process fails if they are wrong.
 */
export function problemOf(workload, result) {
  if (result.error !== undefined) return result.error;
  const { kind, checks } = WORKLOADS[workload];
  if (kind !== 'train') return undefined;
  for (const [step, want] of Object.entries(checks ?? {}))
    if (apart(result.losses[step], want)) return `the loss of step ${step} is ${result.losses[step]}, and it must be ${want}`;
  const losses = Object.values(result.losses);
  if (!losses.every(Number.isFinite)) return 'a loss is not finite';
  if (losses.at(-1) >= losses[0]) return `the loss does not fall: ${losses[0]} to ${losses.at(-1)}`;
  return undefined;
}

/** Why two measurements of a workload cannot be compared, or undefined. */
export function difference(workload, a, b) {
  const problem = problemOf(workload, a) ?? problemOf(workload, b);
  if (problem) return problem;
  for (const step of Object.keys(WORKLOADS[workload].checks ?? {}))
    if (apart(a.losses[step], b.losses[step])) return `the losses of step ${step} differ: ${a.losses[step]} and ${b.losses[step]}`;
  const adapters = [a.device?.adapter, b.device?.adapter].filter((name) => name !== undefined);
  if (adapters.length === 2 && adapters[0] !== adapters[1]) return `other adapters: ${adapters.join(' and ')}`;
  return undefined;
}
