import { fail } from '../../base/errors.ts';
import { compile, type CompileOptions } from '../../compile.ts';
import { writeSafetensors } from '../../data/safetensors.ts';
import { vocabularyMetadata } from '../../data/vocabulary.ts';
import type { Plan } from '../../plan.ts';
import { RunningModel } from '../../runtime/model.ts';
import { Population, type Net, type NetResult } from '../../runtime/population.ts';
import type { Weights } from '../../runtime/api.ts';
import { devicesFor } from '../../lower/targets.ts';
import { findDevice, type Device, type DeviceChoice } from '../device.ts';
import { mustBeWritable, mustDiffer, writeFileSafely } from '../files.ts';
import { dataPath, openData, type OpenProgram } from '../program.ts';
import type { Dataset } from '../../data/dataset.ts';
import { columns, note, print, progressView, showNumber, showTime } from '../terminal.ts';

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
  readonly sweep?: string;
  readonly profile?: string | true;
  readonly deterministic?: boolean;
  readonly subgroupMatrix?: boolean;
}

/** Most nets of one call. */
const MOST_NETS = 4096;
/** Nets that the table shows. */
const SHOWN = 10;

/** What a net of a sweep has in place of the program's own number. */
interface Variant {
  readonly label: string;
  readonly settings: Readonly<Record<string, number>>;
}

/** Trains one net for each seed and each value of the sweep, at once where they fit, and tells which is the best. */
export async function trainPopulation(program: OpenProgram, flags: PopulationFlags): Promise<void> {
  const { model, path } = program;
  for (const name of ['init', 'checkpoint', 'log', 'profile'] as const)
    if (flags[name] !== undefined) fail('NN501', `--${name} is for one net, and --seeds and --sweep train many`);
  if (flags.rng === 'torch') fail('NN501', '--rng torch draws for one net, and --seeds and --sweep train many');
  if (flags.steps !== undefined && flags.epochs !== undefined)
    fail('NN501', '--steps and --epochs both say how long to train', { help: 'keep one of them' });
  const variants = flags.sweep === undefined ? [{ label: '', settings: {} }] : parseSweep(flags.sweep);
  const first = flags.seed ?? model.train.seed;
  const seeds = Array.from({ length: flags.seeds ?? 1 }, (_, i) => first + i);
  if (seeds.length * variants.length > MOST_NETS)
    fail('NN501', `${seeds.length * variants.length} nets are more than the ${MOST_NETS} that one call trains`);
  const data = await openData(program, flags.data);
  mustDiffer(flags.save, [path, dataPath(program, flags.data)]);
  await mustBeWritable(flags.save);
  const device = await findDevice(flags.device, flags);
  const options: CompileOptions = {
    rows: data.rows,
    statistics: data.statistics,
    level: flags.opt,
    adapter: device.adapter,
    devices: devicesFor(model, device),
    batch: flags.batch,
    steps: flags.steps,
    epochs: flags.epochs,
    seed: first,
  };
  const plans = variants.map((v) => compile(model, { ...options, settings: checkedSettings(program, v) }).plan);
  const nets = variants.flatMap((v, i) =>
    seeds.map((seed): Net => {
      const plan = plans[i] as Plan;
      return { label: [v.label, seeds.length > 1 || v.label === '' ? `seed ${seed}` : ''].filter((t) => t !== '').join(', '), seed, plan };
    }),
  );
  const begin = performance.now();
  const { results, weights, where } = await trained(device, flags.device, nets, data);
  report(results, (performance.now() - begin) / 1000, where);
  if (flags.save !== undefined) {
    await writeFileSafely(flags.save, writeSafetensors(await weights(best(results)), vocabularyMetadata(data.vocabulary)));
    print(`weights of the best: ${flags.save}`);
  }
}

interface Trained {
  readonly results: readonly NetResult[];
  readonly weights: (net: number) => Promise<Weights>;
  readonly where: string;
}

/** All nets in one dispatch where each fits a workgroup and a GPU is there, else one after the other. */
async function trained(device: Device, choice: DeviceChoice, nets: readonly Net[], data: Dataset): Promise<Trained> {
  const [first] = nets;
  const plan = (first as Net).plan;
  const view = progressView(plan.train?.steps ?? 0);
  const loop = plan.loops['train']?.wgsl;
  const together = choice !== 'cpu' && loop !== undefined && nets.every((n) => n.plan.loops['train']?.wgsl === loop);
  if (together) {
    const session = await device.open(plan, nets.length);
    try {
      if (session.device.kind === 'gpu') {
        note(`training ${nets.length} nets at once on ${session.device.name}: ${session.device.reason}`);
        const population = await Population.open(session, nets);
        population.setData(...data.tensors);
        const results = await population.train((step, steps) =>
          view.update({ step, steps, loss: NaN, stepsPerSecond: NaN, secondsLeft: NaN }),
        );
        view.stop();
        const b = best(results);
        const found = await population.weights(b);
        return { results, weights: () => Promise.resolve(found), where: 'at once' };
      }
    } finally {
      view.stop();
      session.destroy();
    }
  }
  const results: NetResult[] = [];
  let kept: { readonly loss: number; readonly weights: Weights } | undefined;
  for (const net of nets) {
    const session = await device.open(net.plan);
    try {
      if (results.length === 0)
        note(`training ${nets.length} nets one after the other on ${session.device.name}: ${session.device.reason}`);
      const model = await RunningModel.open(session, { seed: net.seed });
      model.setData(...data.tensors);
      const losses = new Float32Array(plan.train?.steps ?? 0);
      await model.train({ seed: net.seed, onLosses: (from, chunk) => losses.set(chunk, from) }).catch((e: unknown) => {
        // A net that diverges is the worst of the table, not the end of it.
        if (!(e instanceof Error) || !e.message.includes('NN702')) throw e;
        losses[losses.length - 1] = NaN;
      });
      results.push({ label: net.label, losses });
      const loss = losses.at(-1) ?? NaN;
      if (!kept || rank(loss) < rank(kept.loss)) kept = { loss, weights: await model.weights() };
    } finally {
      session.destroy();
    }
  }
  const found = kept?.weights ?? {};
  return { results, weights: () => Promise.resolve(found), where: 'in turn' };
}

const rank = (loss: number): number => (Number.isFinite(loss) ? loss : Infinity);
const last = (r: NetResult): number => r.losses.at(-1) ?? NaN;

function best(results: readonly NetResult[]): number {
  return results.reduce((b, r, i) => (rank(last(r)) < rank(last(results[b] as NetResult)) ? i : b), 0);
}

function report(results: readonly NetResult[], seconds: number, where: string): void {
  const sorted = [...results].sort((a, b) => rank(last(a)) - rank(last(b)));
  const rows = sorted.slice(0, SHOWN).map((r) => [r.label, showNumber(r.losses[0] ?? NaN), showNumber(last(r))]);
  print(columns([['net', 'first loss', 'last loss'], ...rows]));
  if (sorted.length > SHOWN)
    print(`... and ${sorted.length - SHOWN} more; the worst ends at ${showNumber(last(sorted.at(-1) as NetResult))}`);
  const steps = results.reduce((n, r) => n + r.losses.length, 0);
  print(
    `done: ${results.length} nets ${where}, ${steps} steps in ${showTime(seconds)} (${(steps / Math.max(seconds, 1e-9)).toFixed(0)} steps/s)`,
  );
  print(`best: ${results[best(results)]?.label ?? ''}`);
}

/** `lr=[1e-3, 3e-3, 1e-2]` */
function parseSweep(text: string): Variant[] {
  const match = /^\s*(\w+)\s*=\s*\[([^\]]*)\]\s*$/.exec(text);
  const values = (match?.[2] ?? '').split(',').map((v) => v.trim());
  if (!match || values.some((v) => v === '' || !Number.isFinite(Number(v))))
    return fail('NN501', `--sweep takes a setting and its values, not '${text}'`, { help: 'write it as --sweep "lr=[1e-3, 3e-3, 1e-2]"' });
  const name = match[1] ?? '';
  return values.map((v) => ({ label: `${name} ${v}`, settings: { [name]: Number(v) } }));
}

/** The settings of a variant, which the optimizer must have as numbers. */
function checkedSettings({ model }: OpenProgram, { settings }: Variant): Readonly<Record<string, number>> {
  const optim = model.optim;
  for (const [name, value] of Object.entries(settings)) {
    const known = optim?.settings[name];
    const numbers = Object.entries(optim?.settings ?? {}).filter(
      ([, v]) => typeof v === 'number' || (Array.isArray(v) && typeof v[0] === 'string'),
    );
    if (known === undefined || typeof known === 'boolean')
      fail('NN501', `${optim?.name ?? 'the optimizer'} has no setting '${name}' that --sweep could change`, {
        help: `it has ${numbers.map(([n]) => n).join(', ')}`,
      });
    if (value < 0) fail('NN501', `--sweep sets ${name} to ${value}, and it cannot be negative`);
  }
  return settings;
}
