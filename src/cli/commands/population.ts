import { UserError, fail } from '../../base/errors.ts';
import { compile } from '../../compile.ts';
import type { CompileOptions } from '../../planning/options.ts';
import { writeSafetensors } from '../../data/safetensors.ts';
import { learnedMetadata } from '../../data/learned.ts';
import type { Plan } from '../../plan.ts';
import { RunningModel } from '../../runtime/model.ts';
import { Population, type Net, type NetResult } from '../../runtime/population.ts';
import type { Weights } from '../../runtime/api.ts';
import type { Session } from '../../runtime/session.ts';
import { devicesFor } from '../../lower/backends.ts';
import { findDevice, type Device, type DeviceChoice } from '../device.ts';
import { mustBeWritable, writeOutput } from '../files.ts';
import { keepRead, mustEndIn } from '../outputs.ts';
import { openData, type OpenProgram } from '../program.ts';
import type { Prepared } from '../../library/prepare.ts';
import { lastEpoch, ranked, rankingOf, type Judged, type Ranking } from '../ranking.ts';
import type { Dataset } from '../../data/needs.ts';
import { variantsOf } from '../sweep.ts';
import { inMemory } from '../../data/values.ts';
import { columns } from '../../base/show.ts';
import { note, print, progressView, showNumber, showTime } from '../terminal.ts';

export interface PopulationFlags {
  readonly data?: string;
  readonly steps?: number;
  readonly epochs?: number;
  readonly batch?: number;
  readonly seed?: number;
  readonly device: DeviceChoice;
  readonly init?: string;
  readonly save?: string;
  readonly checkpoint?: string;
  readonly log?: string;
  readonly rng: 'native' | 'torch';
  readonly opt: 0 | 1;
  readonly seeds?: number;
  readonly sweep?: readonly string[];
  readonly profile?: string | true;
  readonly deterministic?: boolean;
  readonly subgroupMatrix?: boolean;
}

/** The most nets in one call. */
const MOST_NETS = 4096;
/** The most nets in the table. */
const SHOWN = 10;

/** A net of a population, with its examples. */
interface Candidate extends Net {
  readonly data: Prepared;
}

/** Trains one net for each seed and each value of the sweep, all at once if they fit, and reports the best. */
export async function trainPopulation(program: OpenProgram, flags: PopulationFlags): Promise<void> {
  const { model } = program;
  for (const name of ['init', 'checkpoint', 'log', 'profile'] as const)
    if (flags[name] !== undefined) fail('NN501', `--${name} is for one net, and --seeds and --sweep train many`);
  if (flags.rng === 'torch') fail('NN501', '--rng torch draws for one net, and --seeds and --sweep train many');
  if (flags.steps !== undefined && flags.epochs !== undefined)
    fail('NN501', '--steps and --epochs both say how long to train', { help: 'keep one of them' });
  const variants = variantsOf(program, flags.sweep ?? []);
  const first = flags.seed ?? model.train.seed;
  const seeds = Array.from({ length: flags.seeds ?? 1 }, (_, i) => first + i);
  if (seeds.length * variants.length > MOST_NETS)
    fail('NN501', `${seeds.length * variants.length} nets are more than the ${MOST_NETS} that one call trains`);
  mustEndIn(flags.save, 'weights are written as', ['safetensors']);
  if (flags.data !== undefined) keepRead(flags.data);
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
    };
    const { plan } = compile(v.program.model, options);
    for (const seed of seeds) {
      const own = seeds.length > 1 || v.label === '' ? `seed ${seed}` : '';
      nets.push({ label: [v.label, own].filter((t) => t !== '').join(', '), seed, plan, data });
    }
  }
  const [one] = nets as [Candidate, ...Candidate[]];
  const begin = performance.now();
  const ranking = rankingOf(model, one.data.holdout !== undefined);
  const { results, best, where } = await trained(device, flags.device, nets, ranking);
  report(ranked(results, ranking), ranking, (performance.now() - begin) / 1000, where);
  if (!best || !Number.isFinite(ranking.score(best)))
    return fail('NN702', `every net diverged: none has a ${ranking.by} that is a number`, {
      help: 'try a smaller learning rate, or look for wrong values in the data',
    });
  print(`best: ${best.label} (${ranking.by} ${showNumber(ranking.score(best))})`);
  if (flags.save !== undefined) {
    await writeOutput(flags.save, writeSafetensors(best.weights, learnedMetadata(best.data.learned)));
    print(`weights of the best: ${flags.save}`);
  }
}

/** A net with its weights. */
interface Trained extends Judged {
  readonly weights: Weights;
  readonly data: Prepared;
}

/** Trains all nets in one dispatch if each fits a workgroup and there is a GPU, else one after the other. */
async function trained(
  device: Device,
  choice: DeviceChoice,
  nets: readonly Candidate[],
  ranking: Ranking,
): Promise<{ readonly results: readonly Judged[]; readonly best: Trained | undefined; readonly where: string }> {
  const [first] = nets;
  const { plan, data } = first as Candidate;
  const view = progressView(plan.train?.steps ?? 0);
  const loop = plan.backends.webgpu?.loops['train']?.wgsl;
  const together =
    choice !== 'cpu' &&
    plan.data?.window === undefined &&
    loop !== undefined &&
    nets.every((n) => n.data === data && n.plan.backends.webgpu?.loops['train']?.wgsl === loop);
  if (together) {
    const session = await device.open(plan, nets.length);
    try {
      if (session.device.kind === 'gpu') {
        note(`training ${nets.length} nets at once on ${session.device.name}: ${session.device.reason}`);
        const population = await Population.open(session, nets);
        population.setData(...data.tensors.map(inMemory));
        const runs = await population.train((step, steps) =>
          view.update({ step, steps, loss: NaN, stepsPerSecond: NaN, secondsLeft: NaN }),
        );
        view.stop();
        const weights = await population.weights();
        const all = runs.map((r, i): Trained => judged({ ...r, stepsPerEpoch: plan.train?.stepsPerEpoch ?? 1 }, weights[i] ?? {}, data));
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
    const session = await device.open(net.plan);
    try {
      if (results.length === 0)
        note(`training ${nets.length} nets one after the other on ${session.device.name}: ${session.device.reason}`);
      const { weights, data: own, ...result } = await trainedAlone(session, net);
      results.push(result);
      // Keep only the best net's weights.
      [best] = ranked([...(best ? [best] : []), { ...result, weights, data: own }], ranking);
    } finally {
      session.destroy();
    }
  }
  return { results, best, where: 'in turn' };
}

async function trainedAlone(session: Session, net: Candidate): Promise<Trained> {
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
  return judged({ ...result, stepsPerEpoch, ...(data.holdout ? { holdout: await model.evaluate() } : {}) }, await model.weights(), data);
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

const isFinite = ({ weights }: Trained): boolean => Object.values(weights).every((t) => t.data.every((v) => Number.isFinite(v)));

/** No loss has seen the weights after the last update: if they are not finite, the net has diverged, whatever its losses were. */
function judged(net: Judged, weights: Weights, data: Prepared): Trained {
  const own = { ...net, weights, data };
  if (isFinite(own)) return own;
  const lost = (values: Float32Array): Float32Array => Float32Array.from(values).fill(NaN, values.length - 1);
  const metrics = Object.fromEntries(Object.entries(net.metrics).map(([name, values]) => [name, lost(values)]));
  return { ...own, losses: lost(net.losses), metrics, holdout: undefined };
}

function report(sorted: readonly Judged[], ranking: Ranking, seconds: number, where: string): void {
  const names = Object.keys(sorted[0]?.metrics ?? {});
  const heldNames = Object.keys(sorted.find((r) => r.holdout)?.holdout ?? {});
  const epoch = (r: Judged, values: Float32Array | undefined): string => showNumber(lastEpoch(values, r.stepsPerEpoch));
  const rows = sorted
    .slice(0, SHOWN)
    .map((r) => [
      r.label,
      showNumber(r.losses[0] ?? NaN),
      epoch(r, r.losses),
      ...names.map((m) => epoch(r, r.metrics[m])),
      ...heldNames.map((h) => showNumber(r.holdout?.[h] ?? NaN)),
    ]);
  print(columns([['net', 'first loss', 'loss', ...names, ...heldNames.map((h) => `held-out ${h}`)], ...rows]));
  if (sorted.length > SHOWN)
    print(`... and ${sorted.length - SHOWN} more; the worst has ${showNumber(ranking.score(sorted.at(-1) as Judged))}`);
  print(
    `ranked by ${ranking.by}, the ${ranking.better === 'higher' ? 'highest' : 'lowest'} first; values of training are means over the last epoch`,
  );
  const steps = sorted.reduce((n, r) => n + r.losses.length, 0);
  print(
    `done: ${sorted.length} nets ${where}, ${steps} steps in ${showTime(seconds)} (${(steps / Math.max(seconds, 1e-9)).toFixed(0)} steps/s)`,
  );
}
