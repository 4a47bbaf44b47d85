import { UserError, fail } from '../../base/errors.ts';
import { devicesFor } from '../../lower/backends.ts';
import { RunningModel } from '../../runtime/model.ts';
import type { Point } from '../../pictures/curve.ts';
import { findDevice } from '../device.ts';
import { planFor } from '../plan-cache.ts';
import { plot } from '../plot.ts';
import { openData, openWeights, learnedFor, type OpenProgram } from '../program.ts';
import { note, print } from '../terminal.ts';
import type { TrainFlags } from './train.ts';

/** The rates that are tried, from the lowest on. */
const [LOWEST, HIGHEST] = [1e-7, 10];
const STEPS = 200;
/** The share of the old value in the smoothed loss. */
const SMOOTH = 0.9;
/** A loss that is so many times the best one has left the range. */
const LOST = 4;

/** A loss at a rate, smoothed. */
export interface Tried {
  readonly rate: number;
  readonly loss: number;
}

/**
 * The range test of Smith ("Cyclical learning rates for training neural networks", 2017): trains a few steps while the rate grows from step
 * to step, and shows where the loss falls and where it breaks away.
 */
export async function findRate(program: OpenProgram, flags: TrainFlags): Promise<void> {
  const { model } = program;
  const init = flags.init === undefined ? undefined : await openWeights(flags.init);
  const data = await openData(program, flags.data, undefined, learnedFor(model, init));
  const device = await findDevice(flags.device, flags);
  const total = flags.steps ?? STEPS;
  if (total < 20) fail('NN501', `--steps ${total} is too few for --find-lr`, { help: 'give at least 20' });
  const plan = await planFor(program, {
    adapter: device.adapter,
    devices: devicesFor(model, device),
    rows: data.rows,
    statistics: data.statistics,
    level: flags.opt,
    batch: flags.batch,
    steps: total,
    seed: flags.seed,
    names: data.names,
  });
  const session = await device.open(plan);
  try {
    const running = await RunningModel.open(session, { seed: flags.seed ?? model.train.seed, weights: init?.weights, from: init?.path });
    running.setData(...data.tensors);
    note(`trying ${total} learning rates from ${LOWEST} to ${HIGHEST} on ${session.device.name}`);
    const tried = await tryRates(running, total);
    // A loss that breaks away would leave nothing to see of the others.
    const most = 1.5 * (tried[0]?.loss ?? 0);
    const points = tried.map(({ rate, loss }): Point => ({ x: rate, y: Math.min(loss, most) }));
    for (const line of plot(points, {
      x: 'learning rate',
      y: 'loss, smoothed',
      logX: true,
      width: Math.min(process.stdout.columns || 80, 100),
    }))
      print(line);
    const found = suggestRate(tried);
    if (found === undefined)
      return print('the loss falls at none of these rates: look for wrong values in the data, or add normalize to the data line');
    const last = tried.at(-1)?.rate ?? HIGHEST;
    const end = last < HIGHEST ? `; it breaks away at about lr=${showRate(last)}` : '';
    print(`the loss falls fastest around lr=${showRate(found)}${end}`);
    print(`a good beginning: optim ${model.optim?.name ?? 'adam'} lr=${showRate(found)}`);
  } finally {
    session.destroy();
  }
}

async function tryRates(model: RunningModel, total: number): Promise<Tried[]> {
  const tried: Tried[] = [];
  let [sum, weight, best] = [0, 0, Infinity];
  for (let step = 0; step < total; step++) {
    const rate = LOWEST * (HIGHEST / LOWEST) ** (step / (total - 1));
    model.set({ lr: rate });
    let loss = NaN;
    try {
      await model.train({ steps: total, until: step + 1, onLosses: (_first, losses) => (loss = losses[0] ?? NaN) });
    } catch (e) {
      // A loss that is no number is where the range ends.
      if (e instanceof UserError && e.diagnostics.some((d) => d.code === 'NN702')) break;
      throw e;
    }
    [sum, weight] = [SMOOTH * sum + (1 - SMOOTH) * loss, SMOOTH * weight + (1 - SMOOTH)];
    const smooth = sum / weight;
    tried.push({ rate, loss: smooth });
    best = Math.min(best, smooth);
    if (tried.length > 10 && smooth > LOST * best) break;
  }
  return tried;
}

/** The rate at which the smoothed loss falls fastest, by the logarithm of the rate; undefined if it never falls. */
export function suggestRate(tried: readonly Tried[]): number | undefined {
  const lowest = tried.reduce((a, b) => (b.loss < a.loss ? b : a), { rate: 0, loss: Infinity });
  const until = tried.indexOf(lowest);
  const [first] = tried;
  if (!first || until < 2 || lowest.loss > 0.99 * first.loss) return undefined;
  let [best, slope] = [tried[1] as Tried, Infinity];
  for (let i = 1; i < until; i++) {
    const [a, b] = [tried[i - 1] as Tried, tried[i + 1] as Tried];
    const mine = (b.loss - a.loss) / Math.log(b.rate / a.rate);
    if (mine < slope) [best, slope] = [tried[i] as Tried, mine];
  }
  return best.rate;
}

/** A rate with one digit: rates matter by their size. */
const showRate = (rate: number): string => String(Number(rate.toPrecision(1)));
