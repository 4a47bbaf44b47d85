import { at, get } from '../base/errors.ts';
import type { NetResult } from '../runtime/population.ts';
import type { Model } from '../sema/model.ts';

import { meanOf } from './history.ts';

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
    score: (net) => (holdout ? (net.holdout?.[metric] ?? NaN) : lastEpoch(net, metric)),
  };
}

/** The mean of the loss or a metric over the last epoch's number of steps; NaN if the net has diverged. */
export function lastEpoch({ losses, metrics, stepsPerEpoch }: Judged, name: string): number {
  // A metric that has no value in some batches is left out there, so it does not tell that a net has diverged; its loss does.
  if (Number.isNaN(losses.at(-1) ?? NaN)) return NaN;
  return meanOf(name, (name === 'loss' ? losses : metrics[name])?.slice(-stepsPerEpoch) ?? []);
}

/** The best first; diverged nets last. Of equal nets, as accuracy often has them, the lower held-out loss wins, then that of training. */
export function ranked<N extends Judged>(nets: readonly N[], { better, score }: Ranking): N[] {
  const finite = (value: number): number => (Number.isFinite(value) ? value : Infinity);
  const keys = (net: Judged): readonly number[] => {
    const value = finite(better === 'higher' ? -score(net) : score(net));
    return [value, finite(net.holdout?.['loss'] ?? NaN), finite(lastEpoch(net, 'loss'))];
  };
  const known = new Map(nets.map((n) => [n, keys(n)]));
  const compare = (a: readonly number[], b: readonly number[]): number => {
    const i = a.findIndex((x, k) => x !== b[k]);
    return i < 0 ? 0 : at(a, i) - at(b, i);
  };
  return [...nets].sort((a, b) => compare(get(known, a, 'net'), get(known, b, 'net')));
}
