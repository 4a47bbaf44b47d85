import type { Model } from './sema/model.ts';
import { DEFAULT_EPOCHS } from './sema/settings.ts';

/** How many steps of which size the data gives; undefined where there is none. */
export function trainingSchedule(
  model: Model,
  options: {
    /** Examples to train on. */
    readonly rows?: number | undefined;
    /** The order of every epoch comes as data. */
    readonly givenOrder?: boolean | undefined;
    /** What overrides the program. */
    readonly batch?: number | undefined;
    readonly steps?: number | undefined;
    readonly epochs?: number | undefined;
  },
) {
  const { rows } = options;
  if (rows === undefined) return undefined;
  const batch = Math.min(rows, options.batch ?? model.train.batch ?? rows);
  const stepsPerEpoch = Math.ceil(rows / batch);
  const overridden = options.steps !== undefined || options.epochs !== undefined;
  const steps =
    options.steps ??
    (overridden ? undefined : model.train.steps) ??
    (options.epochs ?? model.train.epochs ?? DEFAULT_EPOCHS) * stepsPerEpoch;
  const shuffle = !model.train.shuffle ? false : options.givenOrder ? 'given' : true;
  const epochs = Math.ceil(steps / stepsPerEpoch);
  return { steps, tailRows: rows % batch, feed: { rows, batch, shuffle, stepsPerEpoch, epochs } as const };
}
