import { UserError } from '../base/errors.ts';
import type { Prepared } from '../library/prepare.ts';
import type { Weights } from '../runtime/api.ts';
import { RunningModel } from '../runtime/model.ts';
import type { Net, NetResult } from '../runtime/population.ts';
import type { Session } from '../runtime/session.ts';
import type { Stop } from './interrupt.ts';
import type { Judged } from './ranking.ts';

/** One of several nets that are trained and compared, with its examples. */
export interface Candidate extends Net {
  readonly data: Prepared;
}

/** A net with its weights. */
export interface Trained extends Judged {
  readonly weights: Weights;
  readonly data: Prepared;
}

/** Trains one net on a device of its own, to its end or until it is stopped. */
export async function trainAlone(session: Session, net: Candidate, stop: Stop): Promise<Trained> {
  const { data } = net;
  const model = await RunningModel.open(session, { seed: net.seed });
  model.setData(...data.tensors);
  if (data.holdout) model.setHoldout(...data.holdout.tensors);
  const { steps = 0, metrics = [] } = net.plan.train ?? {};
  const record = (): Float32Array => new Float32Array(steps).fill(NaN);
  const result: NetResult = { label: net.label, losses: record(), metrics: Object.fromEntries(metrics.map((m) => [m, record()])) };
  await model
    .train({
      seed: net.seed,
      signal: stop,
      onLosses(from, losses, values) {
        result.losses.set(losses, from);
        for (const [name, all] of Object.entries(result.metrics)) all.set(values[name] ?? [], from);
      },
    })
    .catch((e: unknown) => {
      // A diverging net must not end the sweep: it ranks last, and the rest of its record stays NaN.
      if (!(e instanceof UserError) || !e.diagnostics.some((d) => d.code === 'NN702')) throw e;
    });
  const stepsPerEpoch = net.plan.train?.stepsPerEpoch ?? 1;
  const stopped = stop.aborted && model.step < steps;
  const known = stopped ? upTo(result, model.step) : result;
  const holdout = data.holdout ? await model.evaluate() : undefined;
  return judged({ ...known, holdout, stepsPerEpoch, steps: model.step, stopped }, await model.weights(), data);
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
