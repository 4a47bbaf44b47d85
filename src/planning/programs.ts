import { at, fail } from '../base/errors.ts';
import { LOSS, RATE_SHARE, metricOutput } from '../base/outputs.ts';
import type { ScalarExpr } from '../base/scalar.ts';
import type { Precision } from '../base/types.ts';
import type { Graph } from '../ir/graph/types.ts';
import { lowerProgram, type Lowered } from '../lower/program.ts';
import type { ArenaBuilder } from '../passes/memory/layout.ts';
import { cutRows, rowsMeet } from '../passes/graph/cut-rows.ts';
import { FILL, ROW } from '../passes/graph/row-at-a-time.ts';
import type { Twins } from '../passes/schedule/twins.ts';
import { predictPipeline, rowPipeline, runPasses, stepPipeline, watchPipeline, type Pass, type Phase } from '../passes/pipeline.ts';
import { CHUNK } from '../plan.ts';
import type { Model, Optim } from '../sema/model.ts';
import type { CompileOptions } from './options.ts';
import type { Packings } from './packings.ts';
import { checkMeasures, type TrainingSchedule } from './training-schedule.ts';
import { watchedOf } from './watched.ts';

/** The most examples and the approximate FLOPs of one prediction: even a single example pays for the whole batch. */
const PREDICT_ROWS = 256;
const PREDICT_FLOPS = 2 ** 22;
/** The same where there are many examples. */
const MANY_FLOPS = 2 ** 30;

/** Rows of a batch of held-out examples, if the training batch is smaller. */
const HOLDOUT_ROWS = 256;

/** Programs whose values grow with the training batch. */
const STEPS: ReadonlySet<string> = new Set(['train', 'tail']);

const NO_HOLDOUT = { holdout: undefined, holdoutRows: 0, judge: undefined } as const;

/** The programs of a plan, by purpose. */
export interface Programs {
  /** A training step, and the shorter last one of an epoch. */
  readonly train: Lowered | undefined;
  readonly tail: Lowered | undefined;
  readonly predict: Lowered;
  readonly predictRows: number;
  /** Loss and metrics of the holdout; or, if it is judged in batches, what they need of each row. */
  readonly holdout: Lowered | undefined;
  readonly holdoutRows: number;
  /** Loss and metrics of all rows, from what `holdout` gave. */
  readonly judge: Lowered | undefined;
  /** Values that the host may read between steps. */
  readonly watch: Lowered | undefined;
  /** One position of a text model. */
  readonly row: Lowered | undefined;
  /** All positions at once, with what the rows need. */
  readonly fill: Lowered | undefined;
}

/**
 * Whether plans are made for the processor, which also trains where the only GPU is one in software. What is done for it takes memory (tiles of
 * convolutions four times what they are made of), and would round other numbers than an f16 product.
 */
const isForProcessor = ({ devices, adapter, level = 1 }: CompileOptions, precision: Precision): boolean =>
  (devices === 'cpu' || (devices !== 'gpu' && adapter?.software === true)) && level > 0 && precision === 'f32';

/** Everything that a model runs on a device, as scheduled programs with tensors in `arenas`. */
export function programsOf(
  model: Model,
  options: CompileOptions,
  context: {
    readonly packings: Packings;
    readonly schedule: TrainingSchedule | undefined;
    readonly arenas: ArenaBuilder;
    /** Plain kernels, only to measure memory. */
    readonly plain: boolean;
    /** Without what takes memory to be faster. */
    readonly lean: boolean;
  },
): Programs {
  const { packings, schedule, arenas, plain, lean } = context;
  const { precision } = model;
  const how = { precision, processor: !lean && isForProcessor(options, precision) };
  const traces = [LOSS, ...model.metrics.map(metricOutput)];
  const twins = new Map<string, Twins>();
  const lower = (name: string, graph: Graph, passes: readonly Pass[], trace: readonly string[] = []): Lowered => {
    const { observe, level = 1, adapter, devices } = options;
    const bound = runPasses(graph, passes, observe && ((pass, g) => observe(name, pass, g)));
    return lowerProgram(name, bound, arenas, {
      level,
      trace,
      chunk: CHUNK,
      adapter,
      devices,
      plain,
      twins,
      batch: STEPS.has(name) ? schedule?.feed.batch : undefined,
    });
  };

  // At most a training batch, so that predictions need no extra memory.
  const usualRows = schedule ? Math.min(schedule.feed.batch, PREDICT_ROWS) : options.generate ? 1 : rowsAtOnce(model, options.predictions);
  const predictRows = options.predictions !== undefined && rowsMeet(model.predict) ? options.predictions : usualRows;
  const predict = (): Lowered => lower('predict', model.predict, predictPipeline(packings, predictRows, how));
  const sequence = (name: string, fills: boolean): Lowered | undefined =>
    options.generate === 'rows' ? lower(name, model.predict, rowPipeline(packings, sequenceOf(model).name, precision, fills)) : undefined;
  const [row, fill] = [sequence(ROW, false), sequence(FILL, true)];
  if (!schedule) return { train: undefined, tail: undefined, watch: undefined, ...NO_HOLDOUT, predict: predict(), predictRows, row, fill };

  checkMeasures(model, schedule);
  const { feed, tailRows } = schedule;
  const training = trainable(model);
  const phases = phasesOf(model, packings, options.settings, feed.stepsPerEpoch);
  const { uses } = model;
  const told = phases[0].optimizer.plateau ? [...traces, RATE_SHARE] : traces;
  const step = (name: string, batch: number): Lowered =>
    lower(name, training, stepPipeline({ phases, uses, feed, batch, recompute: options.recompute ?? 0, ...how }), told);
  const watched = watchedOf(model, options.watch ?? []);
  const heldOut = (): Pick<Programs, 'holdout' | 'holdoutRows' | 'judge'> => {
    const { holdout: rows = 0 } = options;
    if (rows === 0 || !model.evaluation) return NO_HOLDOUT;
    const whole = recorded(model, model.evaluation);
    const some = Math.max(feed.batch, HOLDOUT_ROWS);
    const cut = rows > some ? cutRows(whole) : undefined;
    if (!cut)
      return { holdout: lower('holdout', whole, predictPipeline(packings, rows, how), traces), holdoutRows: rows, judge: undefined };
    return {
      holdout: lower('holdout', cut.rows, predictPipeline(packings, some, how)),
      holdoutRows: some,
      judge: lower('judge', cut.all, predictPipeline(packings, rows, how), traces),
    };
  };
  return {
    train: step('train', feed.batch),
    tail: tailRows > 0 ? step('tail', tailRows) : undefined,
    predict: predict(),
    predictRows,
    ...heldOut(),
    watch: watched.length > 0 ? lower('watch', training, watchPipeline({ watched, packings, feed, precision })) : undefined,
    row,
    fill,
  };
}

/** The input of a model of text: whole numbers [B, T]; an error if it has another one. */
export function sequenceOf({ inputs, output }: Model): Model['inputs'][number] {
  const [only, ...others] = inputs;
  const { shape, dtype } = only.type;
  if (others.length > 0 || dtype !== 'i32' || shape.length !== 2 || output.shape.length !== 3)
    return fail('NN207', 'the model does not read text: it needs one input of tokens, and an output for each of them', {
      help: 'a model of text begins with: input tokens: int[64]',
    });
  return only;
}

/** The graph to train; an error if there is nothing to train. */
function trainable(model: Model): Graph {
  const training =
    model.training ?? fail('NN207', 'the program has no loss, so it cannot be trained', { help: 'add a line such as: loss mse' });
  if (!model.optim)
    fail('NN207', 'the program has no optimizer, so it cannot be trained', { help: 'add a line such as: optim adam lr=0.01' });
  if (model.params.length === 0)
    fail('NN207', 'the model has no parameters, so there is nothing to train', { help: 'add a layer that has some, such as Linear' });
  return training;
}

/** Each loss with its optimizer. */
function phasesOf(
  model: Model,
  packings: Packings,
  given: CompileOptions['settings'],
  stepsPerEpoch: number,
): readonly [Phase, ...Phase[]] {
  const update = ({ name, settings, plateau }: Optim, i: number, more: CompileOptions['settings'] = {}): Phase['optimizer'] => ({
    name,
    settings: rated({ ...settings, ...more }, i),
    plateau: plateau && { ...plateau, every: plateau.every || stepsPerEpoch },
  });
  const { optim, turns } = model;
  const { accumulate, ema } = model.train;
  return [
    { packing: packings[0], optimizer: { ...update(optim as Optim, 0, given), accumulate, ema }, loss: LOSS, record: LOSS },
    ...turns.map((t, i) => ({
      packing: at(packings, i + 1),
      optimizer: update(t.optim, i + 1),
      loss: t.output,
      record: metricOutput(t.loss),
    })),
  ];
}

/** An optimizer's settings with a named learning rate, which a run may replace. */
function rated(settings: Optim['settings'], optimizer: number): Optim['settings'] {
  const { lr } = settings;
  return lr === undefined ? settings : { ...settings, lr: ['lr', optimizer, lr as ScalarExpr] };
}

/** Renames the losses of held-out examples to the names under which they are recorded. */
function recorded({ turns }: Model, graph: Graph): Graph {
  const names = new Map(turns.map((t) => [t.output, metricOutput(t.loss)]));
  return { ...graph, outputs: Object.fromEntries(Object.entries(graph.outputs).map(([name, id]) => [names.get(name) ?? name, id])) };
}

/** The batch of predictions for a plan without data: many cheap examples, or a few expensive ones; more of them if so many are there. */
function rowsAtOnce({ stages }: Model, given = 1): number {
  const each = Math.max(
    1,
    stages.reduce((n, s) => n + s.flops, 0),
  );
  const usual = Math.floor(PREDICT_FLOPS / each);
  const together = Math.min(given, Math.floor(MANY_FLOPS / each));
  return Math.max(1, Math.min(PREDICT_ROWS, Math.max(usual, together)));
}
