import { mustBeOptions } from '../base/calls.ts';
import { mustBeModel } from './generate.ts';
import type { Model, TrainOptions, TrainResult, Weights } from './api.ts';

/** Values on the holdout after a number of steps. */
export interface Evaluation {
  readonly step: number;
  readonly values: Readonly<Record<string, number>>;
}

export interface JudgedOptions extends TrainOptions {
  /** The step of the next evaluation after `step`; without it nothing is evaluated. */
  readonly evaluateAt?: ((step: number) => number) | undefined;
  /** What is judged: `loss` (the default) or a metric. */
  readonly by?: string | undefined;
  readonly better?: 'lower' | 'higher' | undefined;
  /** Stops when so many epochs have brought nothing better. */
  readonly patience?: number | undefined;
  /** Keeps the weights of the best evaluation; by default if there is a patience. */
  readonly keepBest?: boolean | undefined;
  /** The best evaluation of an earlier part of the run. */
  readonly best?: (Evaluation & { readonly weights: Weights | undefined }) | undefined;
  /** Whether the evaluation after so many steps can be the best; by default every one can. */
  readonly judges?: ((step: number) => boolean) | undefined;
  readonly onEvaluation?: ((evaluation: Evaluation, isBest: boolean) => void | Promise<void>) | undefined;
  /** Is told of every new best: where training ends with an error, the last one is what is left of it. */
  readonly onBest?: ((best: NonNullable<JudgedResult['best']>) => void | Promise<void>) | undefined;
  /** Other moments between two steps, as for checkpoints: the next one after `step`, and what to do there. */
  readonly pauseAt?: ((step: number) => number) | undefined;
  readonly onPause?: ((step: number) => Promise<void>) | undefined;
}

export interface JudgedResult extends TrainResult {
  /** The best evaluation, and its weights if they were kept. */
  readonly best: (Evaluation & { readonly weights: Weights | undefined }) | undefined;
  /** The last evaluation. */
  readonly last: Evaluation | undefined;
  /** Whether training ended early because nothing became better. */
  readonly stoppedEarly: boolean;
}

/** Trains, evaluates the holdout now and then, remembers the best and stops when nothing becomes better. */
export async function trainJudged(model: Model, stepsPerEpoch: number, options: JudgedOptions): Promise<JudgedResult> {
  mustBeModel(model);
  mustBeOptions('trainJudged', options);
  const {
    evaluateAt,
    by = 'loss',
    better = 'lower',
    patience,
    keepBest = patience !== undefined,
    best: before,
    judges = () => true,
    onEvaluation,
    onBest,
    pauseAt,
    onPause,
    ...own
  } = options;
  const end = Math.min(own.until ?? Infinity, own.steps ?? Infinity);
  const score = ({ values }: Evaluation): number => {
    const v = values[by] ?? NaN;
    return Number.isFinite(v) ? (better === 'higher' ? -v : v) : Infinity;
  };
  const first = model.step;
  let best: JudgedResult['best'] = before;
  let last: Evaluation | undefined;
  let seconds = 0;
  let lastLoss = NaN;
  let [outcome, stoppedEarly]: [TrainResult['outcome'], boolean] = ['paused', false];
  while (model.step < end && !own.signal?.aborted) {
    const evaluation = evaluateAt?.(model.step) ?? end;
    const until = Math.min(end, evaluation, pauseAt?.(model.step) ?? end);
    // Without a number of steps, the program's own says where the run ends.
    const run = await model.train({ ...own, until: until < Infinity ? until : undefined });
    [outcome, lastLoss, seconds] = [run.outcome, run.lastLoss, seconds + run.seconds];
    const { step } = model;
    const over = step >= end || outcome === 'done';
    if (evaluateAt && (step === evaluation || over || own.signal?.aborted)) {
      last = { step, values: await model.evaluate() };
      const isBest = judges(step) && score(last) < (best ? score(best) : Infinity);
      if (isBest) best = { ...last, weights: keepBest ? await model.weights() : undefined };
      await onEvaluation?.(last, isBest);
      if (isBest && best) await onBest?.(best);
      stoppedEarly = judges(step) && patience !== undefined && best !== undefined && !over && step - best.step >= patience * stepsPerEpoch;
    }
    await onPause?.(step);
    if (stoppedEarly || over) break;
  }
  return { steps: model.step - first, seconds, lastLoss, outcome, best, last, stoppedEarly };
}
