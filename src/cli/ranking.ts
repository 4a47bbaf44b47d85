import type { NetResult } from '../runtime/population.ts';
import type { Model } from '../sema/model.ts';

/** A trained net and its results: those of its best if that was kept, else of the end or of when it was stopped. */
export interface Judged extends NetResult {
  /** Steps done. */
  readonly steps: number;
  /** Whether it was stopped before its end. */
  readonly stopped: boolean;
  /** The step of its best. */
  readonly best?: number | undefined;
  /** Loss and metrics on the holdout. */
  readonly holdout?: Readonly<Record<string, number>> | undefined;
  readonly stepsPerEpoch: number;
}

/** How nets are compared. */
export interface Ranking {
  /** `held-out accuracy`, `loss of the last epoch` */
  readonly by: string;
  readonly better: 'higher' | 'lower';
  /** NaN if a net has diverged. */
  readonly score: (net: Judged) => number;
}

/**
 * Ranks by what the call names, or by the first metric with a known direction, else by the loss: on the holdout, else as a mean over the last epoch, since a single
 * minibatch depends too much on its examples.
 */
export function rankingOf(model: Pick<Model, 'better'>, holdout: boolean, named?: string): Ranking {
  const known = Object.entries(model.better);
  const [metric, better] = (named === undefined ? known[0] : known.find(([m]) => m === named)) ?? [named ?? 'loss', 'lower' as const];
  return {
    by: holdout ? `held-out ${metric}` : `${metric} of the last epoch`,
    better,
    score: (net) =>
      holdout ? (net.holdout?.[metric] ?? NaN) : lastEpoch(metric === 'loss' ? net.losses : net.metrics[metric], net.stepsPerEpoch),
  };
}

/** The mean over the last epoch's number of steps. */
export function lastEpoch(values: Float32Array | undefined, stepsPerEpoch: number): number {
  const part = values?.slice(-stepsPerEpoch) ?? new Float32Array(0);
  return part.reduce((a, b) => a + b, 0) / part.length;
}

/** The best first; diverged nets last. */
export function ranked<N extends Judged>(nets: readonly N[], { better, score }: Ranking): N[] {
  const key = (net: Judged): number => {
    const value = score(net);
    return Number.isFinite(value) ? (better === 'higher' ? -value : value) : Infinity;
  };
  // inf - inf would be NaN.
  const compare = (a: number, b: number): number => (a === b ? 0 : a - b);
  return [...nets].sort((a, b) => compare(key(a), key(b)));
}
