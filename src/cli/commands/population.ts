import { fail } from '../../base/errors.ts';
import { compile } from '../../compile.ts';
import type { CompileOptions } from '../../planning/options.ts';
import { writeSafetensors } from '../../data/safetensors.ts';
import { learnedMetadata } from '../../data/learned.ts';
import { planBytes, type Plan } from '../../plan.ts';
import { RunningModel } from '../../runtime/model.ts';
import { Population } from '../../runtime/population.ts';
import { devicesFor } from '../../lower/backends.ts';
import { findDevice, type Device } from '../device.ts';
import { mustBeWritable, writeOutput } from '../files.ts';
import { placeOf } from '../history.ts';
import { judgeOf } from '../judge.ts';
import { untilInterrupted, type Stop } from '../interrupt.ts';
import { isFinite, judged, trainAlone, type Candidate, type Trained } from '../nets.ts';
import { keepRead, mustEndIn } from '../outputs.ts';
import { openData, type OpenProgram } from '../program.ts';
import type { Prepared } from '../../library/prepare.ts';
import { lastEpoch, ranked, rankingOf, type Judged, type Ranking } from '../ranking.ts';
import type { Dataset } from '../../data/needs.ts';
import { variantsOf } from '../sweep.ts';
import { inMemory } from '../../data/values.ts';
import { columns } from '../../base/show.ts';
import { printLosses } from '../plot.ts';
import type { TrainFlags } from '../train-flags.ts';
import { note, print, progressView, showNumber, showTime } from '../terminal.ts';

/** The most nets in one call. */
const MOST_NETS = 4096;
/** The most nets in the table. */
const SHOWN = 10;

/** Trains one net for each seed and each value of the sweep, all at once if they fit, and reports the best. */
export async function trainPopulation(program: OpenProgram, flags: TrainFlags): Promise<void> {
  const { model } = program;
  const variants = variantsOf(program, flags.sweep ?? []);
  const first = flags.seed ?? model.train.seed;
  const seeds = Array.from({ length: flags.seeds ?? 1 }, (_, i) => first + i);
  if (seeds.length * variants.length > MOST_NETS)
    fail('NN501', `${seeds.length * variants.length} nets are more than the ${MOST_NETS} that one call trains`);
  if (flags.data !== undefined) keepRead(flags.data);
  mustEndIn(flags.save, 'weights are written as', ['safetensors']);
  await mustBeWritable(flags.save);
  const device = await findDevice(flags.device, flags);
  // Variants of one program share its examples.
  const opened = new Map<OpenProgram, Promise<Prepared>>();
  const nets: Candidate[] = [];
  for (const v of variants) {
    const data = await (opened.get(v.program) ?? openData(v.program, flags.data));
    opened.set(v.program, Promise.resolve(data));
    const options: CompileOptions = {
      rows: data.rows,
      holdout: data.holdout?.rows,
      statistics: data.statistics,
      level: flags.opt,
      adapter: device.adapter,
      devices: devicesFor(v.program.model, device),
      batch: v.batch ?? flags.batch,
      steps: flags.steps,
      epochs: flags.epochs,
      seed: first,
      settings: v.settings,
      maxMemory: flags.maxMemory,
    };
    const judge = judgeOf(v.program.model, flags.saveBest, data.holdout !== undefined);
    const { plan } = compile(v.program.model, options);
    for (const seed of seeds) {
      const own = seeds.length > 1 || v.label === '' ? `seed ${seed}` : '';
      nets.push({ label: [v.label, own].filter((t) => t !== '').join(', '), seed, plan, data, judge });
    }
  }
  const [one] = nets as [Candidate, ...Candidate[]];
  const begin = performance.now();
  const ranking = rankingOf(model, one.data.holdout !== undefined, typeof flags.saveBest === 'string' ? flags.saveBest : undefined);
  const { stop, release } = untilInterrupted();
  const { results, best, where } = await trained(device, flags, nets, ranking, stop).finally(release);
  if (stop.aborted) process.exitCode = stop.status;
  if (stop.aborted && results.length === 0) return print('stopped before any net had a result');
  report(ranked(results, ranking), ranking, {
    seconds: (performance.now() - begin) / 1000,
    how: stop.aborted ? 'stopped' : 'done',
    where: `${where}${leftOut(nets.length - results.length)}`,
  });
  if (stop.aborted && !(best && Number.isFinite(ranking.score(best)))) return;
  // A metric may have no value for the held-out examples, though no net has diverged.
  if (best && Number.isNaN(ranking.score(best)) && Number.isFinite(best.losses.at(-1)))
    return fail('NN304', `no net has a ${ranking.by} that is a number`, {
      help: 'auc takes examples of both classes, and r2 targets that differ: hold out more, or put another metric first',
    });
  if (!best || !Number.isFinite(ranking.score(best)))
    return fail('NN702', `every net diverged: none has a ${ranking.by} that is a number`, {
      help: 'try a smaller learning rate, or look for wrong values in the data',
    });
  print(`best: ${best.label} (${ranking.by} ${showNumber(ranking.score(best))})`);
  if (flags.plot) printLosses(Array.from(best.losses, (y, x) => ({ x, y })));
  if (flags.save !== undefined) {
    await writeOutput(flags.save, writeSafetensors(best.weights, learnedMetadata(best.data.learned)));
    print(`weights of the best: ${flags.save}`);
  }
}

const leftOut = (n: number): string => (n === 0 ? '' : `, ${n} more not begun`);

/**
 * Trains all nets in one dispatch if each fits a workgroup and there is a GPU, else one after the other. So are nets that keep their best: they
 * are judged one by one, and each stops at a time of its own.
 */
async function trained(
  device: Device,
  { device: choice, maxMemory = Infinity }: TrainFlags,
  nets: readonly Candidate[],
  ranking: Ranking,
  stop: Stop,
): Promise<{ readonly results: readonly Judged[]; readonly best: Trained | undefined; readonly where: string }> {
  const [first] = nets;
  const { plan, data } = first as Candidate;
  const view = progressView(plan.train?.steps ?? 0);
  const loop = plan.backends.webgpu?.loops['train']?.wgsl;
  const together =
    choice !== 'cpu' &&
    nets.every((n) => !n.judge.keepBest) &&
    plan.data?.window === undefined &&
    planBytes(plan).total * nets.length <= maxMemory &&
    loop !== undefined &&
    nets.every((n) => n.data === data && n.plan.backends.webgpu?.loops['train']?.wgsl === loop);
  if (together) {
    const session = await device.open(plan, nets.length);
    try {
      if (session.device.kind === 'gpu') {
        note(`training ${nets.length} nets at once on ${session.device.name}: ${session.device.reason}`);
        const population = await Population.open(session, nets);
        population.setData(...data.tensors.map(inMemory));
        const runs = await population.train(
          (step, steps) => view.update({ step, steps, loss: NaN, stepsPerSecond: NaN, secondsLeft: NaN }),
          stop,
        );
        view.stop();
        const { steps: total = 0, stepsPerEpoch = 1 } = plan.train ?? {};
        const steps = runs[0]?.losses.length ?? 0;
        if (steps === 0) return { results: [], best: undefined, where: 'at once' };
        const weights = await population.weights();
        const how = { stepsPerEpoch, steps, stopped: steps < total };
        const all = runs.map((r, i): Trained => judged({ ...r, ...how }, weights[i] ?? {}, data));
        const results = data.holdout ? await examined(device, plan, all, data.holdout) : all;
        return { results, best: ranked(results, ranking)[0], where: 'at once' };
      }
    } finally {
      view.stop();
      session.destroy();
    }
  }
  const results: Judged[] = [];
  let best: Trained | undefined;
  for (const net of nets) {
    if (stop.aborted) break;
    const session = await device.open(net.plan);
    try {
      if (results.length === 0) {
        note(`training ${nets.length} nets one after the other on ${session.device.name}: ${session.device.reason}`);
        if (net.judge.keepBest) note('each is judged after every epoch, and its values are those of its best');
      }
      const { weights, data: own, ...result } = await trainAlone(session, net, stop);
      if (result.steps === 0) break;
      results.push(result);
      // Keep only the best net's weights.
      [best] = ranked([...(best ? [best] : []), { ...result, weights, data: own }], ranking);
    } finally {
      session.destroy();
    }
  }
  return { results, best, where: 'in turn' };
}

/** Evaluates each net on the holdout. */
async function examined(device: Device, plan: Plan, nets: readonly Trained[], holdout: Dataset): Promise<Trained[]> {
  const session = await device.open(plan);
  try {
    const model = await RunningModel.open(session);
    model.setHoldout(...holdout.tensors);
    const found: Trained[] = [];
    for (const net of nets) {
      if (isFinite(net)) await model.setWeights(net.weights);
      found.push({ ...net, holdout: isFinite(net) ? await model.evaluate() : undefined });
    }
    return found;
  } finally {
    session.destroy();
  }
}

function report(
  sorted: readonly Judged[],
  ranking: Ranking,
  ended: { readonly seconds: number; readonly how: string; readonly where: string },
): void {
  const { seconds, how, where } = ended;
  const names = Object.keys(sorted[0]?.metrics ?? {});
  const heldNames = Object.keys(sorted.find((r) => r.holdout)?.holdout ?? {});
  const kept = sorted.some((r) => r.best !== undefined);
  const epoch = (r: Judged, name: string): string => showNumber(lastEpoch(r, name));
  const rows = sorted
    .slice(0, SHOWN)
    .map((r) => [
      r.stopped ? `${r.label} (stopped at step ${r.steps})` : r.label,
      showNumber(r.losses[0] ?? NaN),
      epoch(r, 'loss'),
      ...names.map((m) => epoch(r, m)),
      ...heldNames.map((h) => showNumber(r.holdout?.[h] ?? NaN)),
      ...(kept ? [r.best === undefined ? '-' : placeOf(r.best, r.stepsPerEpoch)] : []),
    ]);
  print(
    columns([['net', 'first loss', 'loss', ...names, ...heldNames.map((h) => `held-out ${h}`), ...(kept ? ['best after'] : [])], ...rows]),
  );
  if (sorted.length > SHOWN)
    print(`... and ${sorted.length - SHOWN} more; the worst has ${showNumber(ranking.score(sorted.at(-1) as Judged))}`);
  print(
    `ranked by ${ranking.by}, the ${ranking.better === 'higher' ? 'highest' : 'lowest'} first; values of training are means over the ${kept ? 'epoch of the best' : 'last epoch'}`,
  );
  const steps = sorted.reduce((n, r) => n + r.steps, 0);
  print(
    `${how}: ${sorted.length} nets ${where}, ${steps} steps in ${showTime(seconds)} (${(steps / Math.max(seconds, 1e-9)).toFixed(0)} steps/s)`,
  );
}
