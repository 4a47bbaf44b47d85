import { foldsOf } from '../../data/split.ts';
import { prepared } from '../../library/prepare.ts';
import { devicesFor } from '../../lower/backends.ts';
import { findDevice } from '../device.ts';
import { placeOf } from '../history.ts';
import { untilInterrupted } from '../interrupt.ts';
import { judgeOf } from '../judge.ts';
import { trainAlone } from '../nets.ts';
import { planFor } from '../plan-cache.ts';
import { openAll, type OpenProgram } from '../program.ts';
import { LiveTable, note, print, showNumber } from '../terminal.ts';
import type { TrainFlags } from '../train-flags.ts';

/**
 * Trains on all folds but one and judges on that one, for each of them: how good the program is, and how much is luck. With `early_stop` a
 * fold's values are those of its best epoch, as those of a training are.
 */
export async function trainFolds(program: OpenProgram, flags: TrainFlags): Promise<void> {
  const { model } = program;
  const { folds = 2 } = flags;
  const all = await openAll(program, flags.data);
  const test = flags.data === undefined ? model.data?.test : undefined;
  if (test !== undefined) note(`--folds holds out a part of the data each time: the examples of test="${test}" are not looked at`);
  const seed = flags.seed ?? model.train.seed;
  const splits = foldsOf(all, folds, { seed, hold: model.data?.hold, target: model.inputs.length });
  const device = await findDevice(flags.device, flags);
  const names = ['loss', ...model.metrics];
  const judge = judgeOf(model, undefined, true);
  const loss = judge.keepBest ? 'loss' : 'last loss';
  const heads = ['fold', 'examples', loss, ...names.map((n) => `held-out ${n}`), ...(judge.keepBest ? ['best after'] : [])];
  const table = new LiveTable(heads, print);
  const found: Readonly<Record<string, number>>[] = [];
  const { stop, release } = untilInterrupted();
  try {
    for (const [i, split] of splits.entries()) {
      if (stop.aborted) break;
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
        maxMemory: flags.maxMemory,
      });
      const session = await device.open(plan);
      try {
        if (i === 0) note(`training ${plan.name} ${folds} times on ${session.device.name}: ${session.device.reason}`);
        if (i === 0 && judge.keepBest) note('each is judged after every epoch, and its values are those of its best');
        const net = await trainAlone(session, { label: `fold ${i + 1}`, seed, plan, data, judge }, stop);
        // A part of a fold says nothing about the program.
        if (net.stopped) break;
        if (net.failure && net.best === undefined) throw net.failure;
        const values = net.holdout ?? {};
        found.push(values);
        const place = judge.keepBest ? [net.best === undefined ? '-' : placeOf(net.best, net.stepsPerEpoch)] : [];
        const cells = [net.losses.at(-1) ?? NaN, ...names.map((n) => values[n] ?? NaN)].map(showNumber);
        table.row([String(i + 1), String(holdout.rows), ...cells, ...place]);
      } finally {
        session.destroy();
      }
    }
  } finally {
    release();
  }
  if (stop.aborted) process.exitCode = stop.status;
  if (found.length === 0) return;
  for (const name of names) {
    const values = found.map((f) => f[name] ?? NaN);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const deviation = Math.sqrt(values.reduce((a, v) => a + (v - mean) ** 2, 0) / Math.max(1, values.length - 1));
    print(`held-out ${name}: ${showNumber(mean)} +- ${showNumber(deviation)} (standard deviation over ${values.length} folds)`);
  }
}
