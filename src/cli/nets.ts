import { UserError } from '../base/errors.ts';
import type { Prepared } from '../library/prepare.ts';
import type { Weights } from '../runtime/api.ts';
import { trainJudged, type JudgedResult } from '../runtime/judged.ts';
import { RunningModel } from '../runtime/model.ts';
import type { Net, NetResult } from '../runtime/population.ts';
import type { Session } from '../runtime/session.ts';
import { Rows } from './history.ts';
import type { Stop } from './interrupt.ts';
import type { Judge } from './judge.ts';
import type { Judged } from './ranking.ts';

/** One of several nets that are trained and compared, with its examples. */
export interface Candidate extends Net {
  readonly data: Prepared;
  readonly judge: Judge;
}

/** A net with its weights. */
export interface Trained extends Judged {
  readonly weights: Weights;
  readonly data: Prepared;
  /** The loss that was no number. */
  readonly failure?: UserError | undefined;
}

/** Trains one net on a device of its own, to its end or until it is stopped, as it would be trained alone. Gives its best if that is kept. */
export async function trainAlone(session: Session, net: Candidate, stop: Stop): Promise<Trained> {
  const { data, judge, label, seed } = net;
  const model = await RunningModel.open(session, { seed });
  model.setData(...data.tensors);
  if (data.holdout) model.setHoldout(...data.holdout.tensors);
  const { steps = 0, stepsPerEpoch = 1, metrics = [] } = net.plan.train ?? {};
  const record = (): Float32Array => new Float32Array(steps).fill(NaN);
  const result: NetResult = { label, losses: record(), metrics: Object.fromEntries(metrics.map((m) => [m, record()])) };
  const rows = new Rows(steps, stepsPerEpoch);
  const judgedAfter = (step: number): number => rows.nextJudged(step, true);
  let best: JudgedResult['best'];
  let failure: UserError | undefined;
  try {
    await trainJudged(model, stepsPerEpoch, {
      ...judge,
      steps,
      seed,
      signal: stop,
      evaluateAt: judge.keepBest ? judgedAfter : undefined,
      judges: (step) => judgedAfter(step - 1) === step,
      onBest: (found) => void (best = found),
      onLosses(from, losses, values) {
        result.losses.set(losses, from);
        for (const [name, all] of Object.entries(result.metrics)) all.set(values[name] ?? [], from);
      },
    });
  } catch (e) {
    // A diverging net must not end the sweep: it ranks last, and the rest of its record stays NaN.
    if (!(e instanceof UserError) || !e.diagnostics.some((d) => d.code === 'NN702')) throw e;
    failure = e;
  }
  const how = { stepsPerEpoch, steps: model.step, stopped: stop.aborted && model.step < steps, failure };
  if (best?.weights) return { ...upTo(result, best.step), ...how, best: best.step, holdout: best.values, weights: best.weights, data };
  const holdout = data.holdout ? await model.evaluate() : undefined;
  return { ...judged({ ...upTo(result, failure ? steps : model.step), ...how, holdout }, await model.weights(), data), failure };
}

/** The first steps of a record. */
function upTo<R extends NetResult>(result: R, steps: number): R {
  const part = (values: Float32Array): Float32Array => values.subarray(0, steps);
  return {
    ...result,
    losses: part(result.losses),
    metrics: Object.fromEntries(Object.entries(result.metrics).map(([name, values]) => [name, part(values)])),
  };
}

/** Whether all weights are numbers. */
export const isFinite = ({ weights }: Trained): boolean => Object.values(weights).every((t) => t.data.every((v) => Number.isFinite(v)));

/** No loss has seen the weights after the last update: if they are not finite, the net has diverged, whatever its losses were. */
export function judged(net: Judged, weights: Weights, data: Prepared): Trained {
  const own = { ...net, weights, data };
  if (isFinite(own)) return own;
  const lost = (values: Float32Array): Float32Array => Float32Array.from(values).fill(NaN, values.length - 1);
  const metrics = Object.fromEntries(Object.entries(net.metrics).map(([name, values]) => [name, lost(values)]));
  return { ...own, losses: lost(net.losses), metrics, holdout: undefined };
}
