import { fail } from '../../base/errors.ts';
import { foldsOf } from '../../data/split.ts';
import { prepared } from '../../library/prepare.ts';
import { devicesFor } from '../../lower/backends.ts';
import { RunningModel } from '../../runtime/model.ts';
import { findDevice } from '../device.ts';
import { planFor } from '../plan-cache.ts';
import { openAll, type OpenProgram } from '../program.ts';
import { LiveTable, note, print, showNumber } from '../terminal.ts';
import type { TrainFlags } from './train.ts';

/** Trains on all folds but one and judges on that one, for each of them: how good the program is, and how much is luck. */
export async function trainFolds(program: OpenProgram, folds: number, flags: TrainFlags): Promise<void> {
  const { model } = program;
  for (const name of ['init', 'checkpoint', 'log', 'profile', 'save', 'saveBest'] as const)
    if (flags[name] !== undefined)
      fail('NN501', `--${name === 'saveBest' ? 'save-best' : name} is for one net, and --folds trains ${folds}`, {
        help: 'train without --folds once you know how good it is',
      });
  const all = await openAll(program, flags.data);
  const seed = flags.seed ?? model.train.seed;
  const splits = foldsOf(all, folds, { seed, hold: model.data?.hold, target: model.inputs.length });
  const device = await findDevice(flags.device, flags);
  const names = ['loss', ...model.metrics];
  const table = new LiveTable(['fold', 'examples', 'last loss', ...names.map((n) => `held-out ${n}`)], print);
  const found: Readonly<Record<string, number>>[] = [];
  for (const [i, split] of splits.entries()) {
    const data = prepared(model, all, split);
    const { holdout } = data;
    if (!holdout) continue;
    const plan = await planFor(program, {
      adapter: device.adapter,
      devices: devicesFor(model, device),
      rows: data.rows,
      holdout: holdout.rows,
      statistics: data.statistics,
      level: flags.opt,
      batch: flags.batch,
      steps: flags.steps,
      epochs: flags.epochs,
      seed,
    });
    const session = await device.open(plan);
    try {
      if (i === 0) note(`training ${plan.name} ${folds} times on ${session.device.name}: ${session.device.reason}`);
      const running = await RunningModel.open(session, { seed });
      running.setData(...data.tensors);
      running.setHoldout(...holdout.tensors);
      const { lastLoss } = await running.train({ seed });
      const values = await running.evaluate();
      found.push(values);
      table.row([String(i + 1), String(holdout.rows), showNumber(lastLoss), ...names.map((n) => showNumber(values[n] ?? NaN))]);
    } finally {
      session.destroy();
    }
  }
  for (const name of names) {
    const values = found.map((f) => f[name] ?? NaN);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const deviation = Math.sqrt(values.reduce((a, v) => a + (v - mean) ** 2, 0) / Math.max(1, values.length - 1));
    print(`held-out ${name}: ${showNumber(mean)} +- ${showNumber(deviation)} (standard deviation over ${values.length} folds)`);
  }
}
