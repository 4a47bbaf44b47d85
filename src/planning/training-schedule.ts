import { userError } from '../base/diagnostics.ts';
import { bindDim, widthOfType } from '../base/types.ts';
import type { Feed } from '../passes/graph/feed.ts';
import { BYTES, CHUNK } from '../plan.ts';
import type { Model } from '../sema/model.ts';
import { DEFAULT_EPOCHS } from '../sema/settings.ts';

/** The number and size of steps that the data gives. */
export interface TrainingSchedule {
  readonly steps: number;
  /** Rows of an epoch's last step, if they do not fill a batch; else 0. */
  readonly tailRows: number;
  readonly feed: Feed;
}

/** Bytes of examples that lie on the device: what every device can bind. */
const RESIDENT = 2 ** 27;
/** Bytes of examples that are on the device at once where not all of them are. */
const WINDOW = 2 ** 24;

/** The steps whose examples are on the device at once; undefined if all examples are. */
function windowOf({ inputs, targets }: Model, rows: number, batch: number, resident: number): number | undefined {
  const each = [...inputs, ...targets].reduce((n, t) => n + widthOfType(t.type) * BYTES, 0);
  if (rows * each <= resident || batch === rows) return undefined;
  return Math.max(1, Math.min(CHUNK, Math.floor(Math.min(WINDOW, Math.max(resident, 1)) / (batch * each))));
}

/** The steps of a training run; undefined without data. */
export function trainingSchedule(
  model: Model,
  options: {
    /** Examples to train on. */
    readonly rows?: number | undefined;
    /** `rows` is only an upper bound. */
    readonly capacity?: boolean | undefined;
    /** The order of every epoch is given as data. */
    readonly givenOrder?: boolean | undefined;
    /** Bytes of examples that may lie on the device at once. */
    readonly resident?: number | undefined;
    /** These override the program. */
    readonly batch?: number | undefined;
    readonly steps?: number | undefined;
    readonly epochs?: number | undefined;
  },
): TrainingSchedule | undefined {
  const { rows, capacity = false } = options;
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
  const window = capacity || options.givenOrder ? undefined : windowOf(model, rows, batch, options.resident ?? RESIDENT);
  return { steps, tailRows: capacity ? 0 : rows % batch, feed: { rows, capacity, batch, shuffle, stepsPerEpoch, epochs, window } };
}

/** Throws if a layer would have a single value per channel to take statistics of: its deviation is undefined, which PyTorch rejects too. */
export function checkMeasures({ measures }: Model, { feed, tailRows }: TrainingSchedule): void {
  const { rows, batch } = feed;
  const single = [batch, tailRows].find((n) => n === 1);
  const found = single === undefined ? undefined : measures.find((m) => bindDim(m.values, single) < 2);
  if (!found) return;
  const other = otherBatch(rows, batch);
  throw userError([
    {
      code: 'NN304',
      severity: 'error',
      span: found.span,
      label: `${found.text} needs more than one value for each channel, and ${batch === 1 ? 'a batch has one row' : `the last of ${rows} rows is a batch of its own (batch=${batch})`}`,
      help:
        other === undefined
          ? `give more rows than ${rows}, or use a norm that does not look at the batch, such as LayerNorm`
          : `use another batch, such as batch=${other}, ${batch === 1 ? '' : 'or leave a row out, '}or use a norm that does not look at the batch, such as LayerNorm`,
    },
  ]);
}

/** The nearest batch size that does not leave a single row over; of two, the larger. */
function otherBatch(rows: number, batch: number): number | undefined {
  for (let d = 1; d < rows; d++) {
    const found = [batch + d, batch - d].find((b) => b > 1 && b <= rows && rows % b !== 1);
    if (found !== undefined) return found;
  }
  return undefined;
}
