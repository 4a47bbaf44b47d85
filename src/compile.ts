import { DiagnosticSink, type Diagnostic } from './base/diagnostics.ts';
import { at, fail, get, invariant } from './base/errors.ts';
import type { ScalarExpr } from './base/scalar.ts';
import type { Source } from './base/source.ts';
import { fixedShape } from './base/types.ts';
import { checkWhole } from './base/whole.ts';
import type { Graph } from './ir/graph/types.ts';
import { dataOf, featuresOf, identityOf, outputOf, planProgram, stateShapes } from './lower/describe.ts';
import { collectScalars, generate } from './lower/generate.ts';
import { loopsOf } from './lower/loop.ts';
import { lowerProgram, type Lowered } from './lower/program.ts';
import type { Adapter, Devices } from './lower/targets.ts';
import { parse } from './parser/parse.ts';
import { usesOf } from './passes/graph/phases.ts';
import { PARAMS, packing, type Packing } from './passes/graph/pack.ts';
import { ArenaBuilder } from './passes/memory/layout.ts';
import { predictPipeline, runPasses, stepPipeline, type Observer } from './passes/pipeline.ts';
import { stateTensor } from './passes/schedule/schedule.ts';
import type { Level } from './passes/schedule/types.ts';
import { TICK_COUNT, planBytes, type Plan, type PlanCounter, type PlanParam, type PlanTensor } from './plan.ts';
import { analyze } from './sema/analyze.ts';
import type { Model, Optim, Script } from './sema/model.ts';
import { checkMeasures, trainingSchedule } from './training-schedule.ts';

/** What {@link check} finds. */
export interface Checked {
  /** Undefined if something is wrong, or if the program has no model. */
  readonly model: Model | undefined;
  /** The `print` lines; undefined if something is wrong. */
  readonly script: Script | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/** Gives the text of an imported file, or says why it cannot be read. */
export type Reader = (path: string, from: Source) => Source | string;

/** Text to model and script; the diagnostics say what is wrong, and hold warnings either way. `read` serves imports. */
export function check(source: Source, read: Reader = () => 'there are no files here'): Checked {
  const sink = new DiagnosticSink();
  const { program } = parse(source, sink);
  if (sink.errors.length > 0) return { model: undefined, script: undefined, diagnostics: sink.all };
  const found = analyze(source, program, sink, (path, from) => {
    const other = read(path.value, from);
    if (typeof other !== 'string') return parse(other, sink).program;
    sink.error('NN218', path.span, `${path.value} cannot be read: ${other}`);
    return undefined;
  });
  return { ...found, diagnostics: sink.all };
}

export interface CompileOptions {
  /** Examples to train on; undefined compiles for prediction alone. */
  readonly rows?: number | undefined;
  /** Examples that are held out, to be evaluated from time to time. */
  readonly held?: number | undefined;
  /** The order of every epoch is uploaded as data, one after the other, instead of being computed from the seed. */
  readonly givenOrder?: boolean | undefined;
  /** Values that states start with, from the data: means and deviations. */
  readonly statistics?: ReadonlyMap<string, readonly number[]> | undefined;
  readonly level?: Level;
  /** What the GPU kernels are made for; for any GPU where it is not said. */
  readonly adapter?: Adapter | undefined;
  /** Which devices the plan is for; for all where it is not said. */
  readonly devices?: Devices | undefined;
  /** Override what the program says. */
  readonly batch?: number | undefined;
  readonly steps?: number | undefined;
  readonly epochs?: number | undefined;
  readonly seed?: number | undefined;
  /** Numbers of the optimizer in place of the program's. */
  readonly settings?: Readonly<Record<string, number>> | undefined;
  /** Bytes of device memory that the plan may take: the forward pass is computed again in parts until it fits. */
  readonly maxMemory?: number | undefined;
  /** In how many parts the forward pass is computed again by the backward pass; 0 keeps everything that is worth it. */
  readonly recompute?: number | undefined;
  /** What the data calls things. */
  readonly names?: Names | undefined;
  /** Sees every graph after every pass of every program. */
  readonly observe?: (program: string, ...args: Parameters<Observer>) => void;
}

/** What the program and its data call things, for people. */
export interface Names {
  readonly program?: string | undefined;
  /** Columns of each input and target, by name. */
  readonly columns?: ReadonlyMap<string, readonly string[]> | undefined;
  readonly classes?: readonly string[] | undefined;
  readonly vocabulary?: readonly string[] | undefined;
}

export interface Compiled {
  readonly plan: Plan;
  readonly programs: readonly Lowered[];
}

/** Steps that one submit may hold. */
const CHUNK = 512;
/** Elements of one buffer: index arithmetic is 32 bits wide, in bytes too. */
const MAX_ELEMENTS = 2 ** 30;
/** Examples that one prediction takes at the most, and about how much work it may be: a single example pays for all of its batch. */
const PREDICT_ROWS = 256;
const PREDICT_FLOPS = 2 ** 22;

/** Parts of the forward pass that are tried, one after the other, where memory is short. */
const SEGMENTS = [2, 3, 4, 6, 8, 12, 16];

/** What numbers of the options must be whole, and at least how large. */
const WHOLE = { rows: 1, held: 0, batch: 1, steps: 1, epochs: 1, seed: 0, recompute: 0 } as const satisfies Partial<
  Record<keyof CompileOptions, number>
>;

/** Model to plan. Pure: no files, no device, no clock. */
export function compile(model: Model, options: CompileOptions = {}): Compiled {
  const { maxMemory } = options;
  checkWhole(WHOLE, options);
  if (maxMemory === undefined) return compileOnce(model, options);
  // How kernels go through their points makes no difference to what they need.
  const { observe: _observe, ...quiet } = options;
  const bytesWith = (recompute: number): number => planBytes(compileOnce(model, { ...quiet, recompute }, true).plan).total;
  let best = { recompute: 0, bytes: bytesWith(0) };
  for (const recompute of SEGMENTS) {
    if (best.bytes <= maxMemory) break;
    const bytes = bytesWith(recompute);
    if (bytes < best.bytes) best = { recompute, bytes };
  }
  if (best.bytes <= maxMemory) {
    const compiled = compileOnce(model, { ...options, recompute: best.recompute });
    invariant(planBytes(compiled.plan).total === best.bytes, 'plain kernels need other memory');
    return compiled;
  }
  return fail('NN603', `the program needs ${best.bytes} bytes of device memory, and ${maxMemory} are allowed`, {
    help: 'allow more with --max-memory, or use a smaller batch',
  });
}

/** The parameters of each optimizer in a vector of their own; what nobody trains lies with the first's. */
function packingsOf(model: Model, optims: readonly (Optim | undefined)[]): readonly [Packing, ...Packing[]] {
  const [first, ...rest] = optims;
  if (rest.length === 0) return [packing(model.params, first)];
  const later = rest.map((o, i) => {
    const mine = model.params.filter((p) => o?.trains?.has(p.name));
    return packing(mine, o, `${PARAMS}.${i + 1}`);
  });
  const taken = new Set(later.flatMap((p) => p.params.map((q) => q.name)));
  return [
    packing(
      model.params.filter((p) => !taken.has(p.name)),
      first,
    ),
    ...later,
  ];
}

/** What each counter gains in a step: a layer that is used by several losses in turn sees a batch for each of them. */
function countersOf({ counters, training, turns, uses }: Model): PlanCounter[] {
  const moved = !training || turns.length === 0 ? uses : ['loss', ...turns.map((t) => t.output)].flatMap((l) => usesOf(training, l, uses));
  return counters.map(({ name, state, each }) => ({ name, perStep: each * moved.filter((u) => u.state === state).length }));
}

/** The losses of held-out examples by the names under which they are recorded. */
function recorded(model: Model): Graph {
  const graph = model.evaluation ?? model.predict;
  const names = new Map(model.turns.map((t) => [t.output, `metric:${t.loss}`]));
  return { ...graph, outputs: Object.fromEntries(Object.entries(graph.outputs).map(([name, id]) => [names.get(name) ?? name, id])) };
}

function aboutOf(model: Model, { program, columns, classes, vocabulary }: Names = {}): Plan['about'] {
  return {
    program,
    inputs: model.inputs.map(({ name, type }) => ({ name, shape: fixedShape(type.shape.slice(1)), columns: columns?.get(name) })),
    targets: model.targets.map(({ shown }) => ({ name: shown, columns: columns?.get(shown) })),
    classes,
    vocabulary,
  };
}

/** Examples that a plan without data predicts at once: what is cheap by the hundred, what is dear one by one. */
function rowsAtOnce(model: Model): number {
  const each = model.stages.reduce((n, s) => n + s.flops, 0);
  return Math.max(1, Math.min(PREDICT_ROWS, Math.floor(PREDICT_FLOPS / Math.max(1, each))));
}

/** Settings of an optimizer whose rate a run may replace. */
function rated(settings: Optim['settings'], optimizer: number): Optim['settings'] {
  const { lr } = settings;
  return lr === undefined ? settings : { ...settings, lr: ['lr', optimizer, lr as ScalarExpr] };
}

/** One compilation; `plain` is for its memory alone. */
function compileOnce(model: Model, options: CompileOptions, plain = false): Compiled {
  const level = options.level ?? 1;
  const { precision } = model;
  const optims = [model.optim, ...model.turns.map((t) => t.optim)];
  const packings = packingsOf(model, optims);
  const [packed] = packings;
  const size = packings.reduce((n, p) => n + p.size, 0);
  if (size > MAX_ELEMENTS)
    fail('NN217', `the model has ${size} parameters, and nnc holds at most ${MAX_ELEMENTS} in one buffer`, {
      help: 'make the layers smaller',
    });
  const arenas = new ArenaBuilder();
  const programs: Lowered[] = [];
  const add = (name: string, graph: Graph, trace: readonly string[]): Lowered => {
    const lowered = lowerProgram(name, graph, arenas, {
      level,
      trace,
      chunk: CHUNK,
      adapter: options.adapter,
      devices: options.devices,
      plain,
    });
    programs.push(lowered);
    return lowered;
  };
  const observer = (name: string): Observer | undefined => options.observe && ((pass, graph) => options.observe?.(name, pass, graph));

  const traces = ['loss', ...model.metrics.map((m) => `metric:${m}`)];
  const schedule = trainingSchedule(model, options);
  if (schedule) {
    checkMeasures(model, schedule);
    const training =
      model.training ?? fail('NN207', 'the program has no loss, so it cannot be trained', { help: 'add a line such as: loss mse' });
    const optim =
      model.optim ??
      fail('NN207', 'the program has no optimizer, so it cannot be trained', { help: 'add a line such as: optim adam lr=0.01' });
    if (size === 0)
      fail('NN207', 'the model has no parameters, so there is nothing to train', { help: 'add a layer that has some, such as Linear' });
    const update = (o: Optim, i: number, given: CompileOptions['settings'] = {}) => ({
      name: o.name,
      settings: rated({ ...o.settings, ...given }, i),
      plateau: o.plateau && { ...o.plateau, every: o.plateau.every || schedule.feed.stepsPerEpoch },
    });
    const step = (name: string, batch: number): Lowered => {
      const passes = stepPipeline({
        phases: [
          { packing: packed, optimizer: update(optim, 0, options.settings), loss: 'loss', record: 'loss' },
          ...model.turns.map((t, i) => ({
            packing: at(packings, i + 1),
            optimizer: update(t.optim, i + 1),
            loss: t.output,
            record: `metric:${t.loss}`,
          })),
        ],
        uses: model.uses,
        feed: schedule.feed,
        batch,
        recompute: options.recompute ?? 0,
        precision,
      });
      return add(name, runPasses(training, passes, observer(name)), traces);
    };
    step('train', schedule.feed.batch);
    if (schedule.tailRows > 0) step('tail', schedule.tailRows);
  }
  // No more at once than in training, so that predictions need no memory of their own.
  const predictRows = schedule ? Math.min(schedule.feed.batch, PREDICT_ROWS) : rowsAtOnce(model);
  const predict = add('predict', runPasses(model.predict, predictPipeline(packings, predictRows, precision), observer('predict')), []);
  const held =
    options.held && model.evaluation && schedule
      ? add('held', runPasses(recorded(model), predictPipeline(packings, options.held, precision), observer('held')), traces)
      : undefined;

  // A model without parameters still has a state vector of its own size: nothing.
  const state = (name: string, shape: readonly number[]): PlanTensor => ({
    name,
    ...arenas.place(
      'state',
      stateTensor(name),
      'f32',
      shape.reduce((a, b) => a * b, 1),
    ),
    shape,
    dtype: 'f32',
  });
  const homes = new Map(
    packings.flatMap((p) => {
      const home = state(p.vector, [p.size]);
      return p.params.map((q) => [q.name, { home, offset: q.offset }] as const);
    }),
  );
  const own = new Set([...packings.map((p) => p.vector), ...model.states.map((s) => s.name)]);
  const slots = stateShapes(programs)
    .filter(([name]) => !own.has(name))
    .map(([name, shape]) => state(name, shape));
  const scalars = collectScalars(programs);
  const large = arenas.arenas().find((a) => a.words > MAX_ELEMENTS);
  if (large)
    fail('NN217', `the arena '${large.name}' needs ${large.words} numbers, and nnc holds at most ${MAX_ELEMENTS} in one buffer`, {
      help: 'use a smaller batch, or smaller layers',
    });
  invariant(scalars.length < TICK_COUNT - 1, `a step has ${scalars.length} scalars, more than a tick holds`);
  const code = generate(programs, scalars, { arenas: arenas.arenas(), chunk: CHUNK });
  const [train] = programs;
  const names = model.inputs.map((i) => i.name);
  const compared = [...names, ...model.targets.map((t) => t.name)];
  const order = schedule?.feed.shuffle === 'given';
  const plan: Omit<Plan, 'identity'> = {
    format: 'nnc-plan',
    version: 5,
    name: model.name,
    level,
    features: featuresOf(code.kernels, arenas.arenas()),
    arenas: arenas.arenas(),
    kernels: code.kernels,
    cpu: code.cpu,
    wasm: code.wasm,
    programs: Object.fromEntries(programs.map((p, i) => [p.name, planProgram(p, code.dispatches[i] ?? [], code.calls[i] ?? [])])),
    loops: level > 0 ? loopsOf(programs, arenas.arenas(), scalars) : {},
    scalars,
    params: [
      ...model.params.map((p): PlanParam => {
        const { home, offset } = get(homes, p.name, 'parameter');
        return { name: p.name, arena: home.arena, offset: home.offset + offset, shape: p.shape, dtype: 'f32', init: p.init };
      }),
      ...model.states.map((s): PlanParam => {
        const values = options.statistics?.get(s.name);
        return { ...state(s.name, s.shape), init: values ? { kind: 'values', values } : s.init };
      }),
    ],
    counters: countersOf(model),
    slots,
    data: schedule &&
      train && { rows: schedule.feed.rows, tensors: [...compared, ...(order ? ['order'] : [])].map((n) => dataOf(train, n)) },
    held: held && { rows: options.held ?? 0, tensors: compared.map((n) => dataOf(held, n)) },
    predict: { rows: predictRows, inputs: names.map((n) => dataOf(predict, n)), output: outputOf(predict, 'pred') },
    train: schedule && {
      steps: schedule.steps,
      stepsPerEpoch: schedule.feed.stepsPerEpoch,
      batch: schedule.feed.batch,
      seed: options.seed ?? model.train.seed,
      tail: schedule.tailRows > 0,
      classes: model.targets[0]?.classes,
      loss: model.loss ?? '',
      metrics: model.metrics,
      optimizer: model.optim?.name ?? '',
    },
    about: aboutOf(model, options.names),
    chunk: CHUNK,
  };
  return { plan: { ...plan, identity: identityOf(programs, plan.train?.batch) }, programs };
}
