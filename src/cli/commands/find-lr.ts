import { UserError, fail } from '../../base/errors.ts';
import { devicesFor } from '../../lower/backends.ts';
import { RunningModel } from '../../runtime/model.ts';
import { pickRows } from '../../data/values.ts';
import type { Point } from '../../pictures/curve.ts';
import { beginWith } from '../begin.ts';
import { findDevice } from '../device.ts';
import { planFor } from '../plan-cache.ts';
import { plot } from '../plot.ts';
import { openData, openWeights, learnedFor, type OpenProgram } from '../program.ts';
import { note, print } from '../terminal.ts';
import type { TrainFlags } from '../train-flags.ts';

/** The rates that are tried, from the lowest on. */
const [LOWEST, HIGHEST] = [1e-7, 10];
const STEPS = 200;
/** Training examples whose loss is looked at, and so many times a batch if that is more. */
const [EXAMPLES, BATCHES] = [32, 2];
/** Steps at rate 0 for averages of a normalisation, with which these examples are seen. */
const WARM = 40;
/** A loss that is so many times the best one, and above the first one, has left the range. */
const LOST = 4;
/** The share of the first loss that the best one lies below it, at least. */
const FALLS = 0.01;
/** Where the loss is lowest it is about to break away. A tenth of that rate trained all programs well that were tried. */
const SHARE = 0.1;

/** The loss of the same examples before the first step, and after the step at each rate. */
export interface Tried {
  readonly start: number;
  readonly losses: readonly { readonly rate: number; readonly loss: number }[];
}

/**
 * The range test of Smith ("Cyclical learning rates for training neural networks", 2017): trains a few steps while the rate grows from step
 * to step, and shows where the loss falls and where it breaks away. The loss is always that of the same training examples, since those of
 * small batches differ by more than what a step changes.
 */
export async function findRate(program: OpenProgram, flags: TrainFlags): Promise<void> {
  const { model } = program;
  const init = flags.init === undefined ? undefined : await openWeights(flags.init);
  const data = await openData(program, flags.data, undefined, learnedFor(model, init));
  const device = await findDevice(flags.device, flags);
  const total = flags.steps ?? STEPS;
  if (total < 20) fail('NN501', `--steps ${total} is too few for --find-lr`, { help: 'give at least 20' });
  const batch = Math.min(data.rows, flags.batch ?? model.train.batch ?? data.rows);
  const looked = Math.min(data.rows, Math.max(EXAMPLES, BATCHES * batch));
  const plan = await planFor(program, {
    adapter: device.adapter,
    devices: devicesFor(model, device),
    rows: data.rows,
    holdout: looked,
    statistics: data.statistics,
    level: flags.opt,
    batch: flags.batch,
    steps: total + WARM,
    seed: flags.seed,
    maxMemory: flags.maxMemory,
    names: data.names,
  });
  const seed = flags.seed ?? model.train.seed;
  const begin = init && beginWith(plan, init, { rename: flags.rename, allowMissing: flags.allowMissing, seed });
  const session = await device.open(plan);
  try {
    const running = await RunningModel.open(session, { seed, weights: begin, from: init?.path });
    running.setData(...data.tensors);
    // From everywhere: a file may be in the order of its classes.
    const rows = Uint32Array.from({ length: looked }, (_, i) => Math.floor((i * data.rows) / looked));
    running.setHoldout(...data.tensors.map((t) => pickRows(t, data.rows, rows)));
    note(`trying ${total} learning rates from ${LOWEST} to ${HIGHEST} on ${session.device.name}`);
    const tried = await tryRates(running, total);
    // A loss that breaks away would leave nothing to see of the others.
    const most = tried.start + 0.5 * Math.abs(tried.start);
    const points = tried.losses.map(({ rate, loss }): Point => ({ x: rate, y: Math.min(loss, most) }));
    for (const line of plot(points, {
      x: 'learning rate',
      y: `loss of ${looked} examples`,
      logX: true,
      width: Math.min(process.stdout.columns || 80, 100),
    }))
      print(line);
    const found = suggestRate(tried);
    if (found === undefined)
      return print('the loss falls at none of these rates: look for wrong values in the data, or add normalize to the data line');
    const last = tried.losses.at(-1)?.rate ?? HIGHEST;
    const end = last < HIGHEST ? `; it breaks away at about lr=${showRate(last)}` : '';
    print(`the loss is lowest at lr=${showRate(lowestOf(tried).rate)}${end}`);
    print(`a good beginning, a tenth of that: optim ${model.optim?.name ?? 'adam'} lr=${showRate(found)}`);
  } finally {
    session.destroy();
  }
}

async function tryRates(model: RunningModel, total: number): Promise<Tried> {
  const { counters, train } = model.plan;
  const steps = train?.steps ?? total;
  if (counters.length > 0) {
    model.set({ lr: 0 });
    await model.train({ steps, until: WARM });
  }
  const first = model.step;
  const lossNow = async (): Promise<number> => (await model.evaluate())['loss'] ?? NaN;
  const start = await lossNow();
  const losses: { rate: number; loss: number }[] = [];
  let best = start;
  for (let step = 0; step < total; step++) {
    const rate = LOWEST * (HIGHEST / LOWEST) ** (step / (total - 1));
    model.set({ lr: rate });
    try {
      await model.train({ steps, until: first + step + 1 });
    } catch (e) {
      // A loss that is no number is where the range ends.
      if (e instanceof UserError && e.diagnostics.some((d) => d.code === 'NN702')) break;
      throw e;
    }
    const loss = await lossNow();
    if (!Number.isFinite(loss)) break;
    losses.push({ rate, loss });
    best = Math.min(best, loss);
    if (losses.length > 10 && loss > LOST * best && loss > start) break;
  }
  return { start, losses };
}

/** The rate to begin with; undefined if the loss does not fall. */
export function suggestRate({ start, losses }: Tried): number | undefined {
  const { rate, loss } = lowestOf({ start, losses });
  return start - loss > FALLS * Math.abs(start) ? SHARE * rate : undefined;
}

const lowestOf = ({ start, losses }: Tried): Tried['losses'][number] =>
  losses.reduce((a, b) => (b.loss < a.loss ? b : a), { rate: 0, loss: start });

/** A rate with one digit: rates matter by their size. */
const showRate = (rate: number): string => String(Number(rate.toPrecision(1)));
