import { fail } from '../base/errors.ts';
import { hint } from '../base/suggest.ts';
import type { Model } from '../sema/model.ts';

/** What held-out examples decide in a training: which weights are kept, and when it ends. */
export interface Judge {
  /** `loss`, or a metric. */
  readonly by: string;
  readonly better: 'lower' | 'higher';
  /** Epochs without anything better after which training stops. */
  readonly patience: number | undefined;
  readonly keepBest: boolean;
}

/** As `early_stop` of the program and `--save-best` say; the latter may name a metric. */
export function judgeOf({ better, metrics, data, train }: Model, saveBest: true | string | undefined, heldOut: boolean): Judge {
  if (saveBest !== undefined && !heldOut)
    fail('NN501', '--save-best looks at held-out examples, and the program holds none out', {
      // The file of held-out examples goes with the program's own data.
      help:
        data?.test === undefined
          ? 'add split=0.9 to its data line'
          : `with --data, test="${data.test}" is not read: write split=0.9 for it`,
    });
  const how = { patience: heldOut ? train.earlyStop : undefined, keepBest: heldOut && (train.earlyStop ?? saveBest) !== undefined };
  if (typeof saveBest !== 'string' || saveBest === 'loss') return { by: 'loss', better: 'lower', ...how };
  if (!metrics.includes(saveBest))
    fail('NN501', `the program has no metric '${saveBest}'`, { help: hint(saveBest, ['loss', ...metrics], 'it has') });
  return { by: saveBest, better: better[saveBest] ?? 'lower', ...how };
}
