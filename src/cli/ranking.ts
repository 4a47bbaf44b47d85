import type { NetResult } from '../runtime/population.ts';
import type { Model } from '../sema/model.ts';

/** A net that was trained, and what is known of it in the end. */
export interface Judged extends NetResult {
  /** Loss and metrics of the held-out examples. */
  readonly holdout?: Readonly<Record<string, number>> | undefined;
}

/** What nets are compared by. */
export interface Ranking {
  /** `held-out accuracy`, `loss of the last epoch` */
  readonly by: string;
  readonly better: 'higher' | 'lower';
  readonly stepsPerEpoch: number;
  /** NaN where a net has diverged. */
  readonly score: (net: Judged) => number;
}

/**
 * The first metric that says which values are better, else the loss: of the examples that were held out, else its mean over the last
 * epoch. A single minibatch says more of its own examples than of the net.
 */
export function rankingOf(model: Pick<Model, 'better'>, holdout: boolean, stepsPerEpoch: number): Ranking {
  const [metric, better] = Object.entries(model.better)[0] ?? ['loss', 'lower' as const];
  return {
    by: holdout ? `held-out ${metric}` : `${metric} of the last epoch`,
    better,
    stepsPerEpoch,
    score: (net) =>
      holdout ? (net.holdout?.[metric] ?? NaN) : lastEpoch(metric === 'loss' ? net.losses : net.metrics[metric], stepsPerEpoch),
  };
}

/** The mean over as many steps as an epoch has, at the end of a run. */
export function lastEpoch(values: Float32Array | undefined, stepsPerEpoch: number): number {
  const part = values?.slice(-stepsPerEpoch) ?? new Float32Array(0);
  return part.reduce((a, b) => a + b, 0) / part.length;
}

/** The best first; nets that have diverged last. */
export function ranked<N extends Judged>(nets: readonly N[], { better, score }: Ranking): N[] {
  const key = (net: Judged): number => {
    const value = score(net);
    return Number.isFinite(value) ? (better === 'higher' ? -value : value) : Infinity;
  };
  // Infinity less Infinity is no order.
  const compare = (a: number, b: number): number => (a === b ? 0 : a - b);
  return [...nets].sort((a, b) => compare(key(a), key(b)));
}
