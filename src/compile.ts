import { DiagnosticSink, type Diagnostic } from './base/diagnostics.ts';
import { at, fail, invariant, UserError } from './base/errors.ts';
import { PREDICTION } from './base/outputs.ts';
import type { Source } from './base/source.ts';
import { fixedShape } from './base/types.ts';
import { checkWhole } from './base/whole.ts';
import { type Bound, type Bounds, dataOf, identityOf, outputOf, planProgram } from './lower/describe.ts';
import { collectScalars, emit } from './lower/emit.ts';
import { adviceFor, type Lowered } from './lower/program.ts';
import { parse } from './parser/parse.ts';
import { boundsOf } from './passes/graph/bounds.ts';
import type { Feed } from './passes/graph/feed.ts';
import { rowsMeet } from './passes/graph/cut-rows.ts';
import { FILL, ROW } from './passes/graph/row-at-a-time.ts';
import { usesOf } from './passes/graph/phases.ts';
import { ArenaBuilder } from './passes/memory/layout.ts';
import { CHUNK, MAX_ELEMENTS, PLAN_VERSION, UNIFORM_COUNT, planBytes, type Plan, type PlanCounter, type TrainPlan } from './plan.ts';
import type { CompileOptions, Compiled, Names } from './planning/options.ts';
import { packingsOf } from './planning/packings.ts';
import { programsOf } from './planning/programs.ts';
import { storedTensors } from './planning/stored.ts';
import { trainingSchedule, type TrainingSchedule } from './planning/training-schedule.ts';
import { analyze } from './sema/analyze.ts';
import type { Model, Script } from './sema/model.ts';

/** The result of {@link check}. */
export interface Checked {
  /** Undefined if something is wrong, or if the program has no model. */
  readonly model: Model | undefined;
  /** The `print` lines; undefined if something is wrong. */
  readonly script: Script | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/** Returns the text of an imported file, or why it cannot be read. */
export type Reader = (path: string, from: Source) => Source | string;

/** Text to model and script. The diagnostics hold the errors, and warnings in any case. `read` serves imports. */
export function check(source: Source, read: Reader = () => 'there are no files here'): Checked {
  const sink = new DiagnosticSink();
  const { program } = parse(source, sink);
  if (sink.errors.length > 0) return { model: undefined, script: undefined, diagnostics: sink.all };
  try {
    const found = analyze(source, program, sink, (path, from) => {
      const other = read(path.value, from);
      if (typeof other !== 'string') return parse(other, sink).program;
      sink.error('NN218', path.span, `${path.value} cannot be read: ${other}`);
      return undefined;
    });
    return { ...found, diagnostics: sink.all };
  } catch (e) {
    // A limit was reached, and nothing more can be said about the program.
    if (!(e instanceof UserError)) throw e;
    sink.add(e.diagnostics);
    return { model: undefined, script: undefined, diagnostics: sink.all };
  }
}

/** Numbers of recomputed segments of the forward pass to try, in order, if memory is short. */
const SEGMENTS = [2, 3, 4, 6, 8, 12, 16];

/** Options that must be whole numbers, with their minimum. */
const WHOLE = { rows: 1, holdout: 0, batch: 1, steps: 1, epochs: 1, seed: 0, recompute: 0 } as const satisfies Partial<
  Record<keyof CompileOptions, number>
>;

/** Model to plan. Pure: no files, no device, no clock. */
export function compile(model: Model, options: CompileOptions = {}): Compiled {
  const { maxMemory } = options;
  checkWhole(WHOLE, options);
  if (maxMemory === undefined) return compileOnce(model, options);
  // How kernels are tiled does not change the memory they need, so the trials use plain kernels.
  const { observe: _observe, ...quiet } = options;
  const bytesWith = (recompute: number, lean: boolean): number => {
    const { plan } = compileOnce(model, { ...quiet, recompute }, { plain: true, lean });
    // A processor needs nothing for loops of steps or of places.
    return planBytes(options.devices === 'cpu' ? { ...plan, backends: {} } : plan).total;
  };
  let best = { recompute: 0, lean: false, bytes: bytesWith(0, false) };
  for (const recompute of [0, ...SEGMENTS]) {
    if (best.bytes <= maxMemory) break;
    const bytes = bytesWith(recompute, true);
    if (bytes < best.bytes) best = { recompute, lean: true, bytes };
  }
  if (best.bytes <= maxMemory) {
    const compiled = compileOnce(model, { ...options, recompute: best.recompute }, best);
    invariant(planBytes(compiled.plan).total === best.bytes, 'plain kernels need other memory');
    return compiled;
  }
  return fail('NN603', `the program needs ${best.bytes} bytes of device memory, and ${maxMemory} are allowed`, {
    help: 'allow more of it, or use a smaller batch',
  });
}

/** How much each counter grows per step: a layer that several losses use in turn sees one batch for each of them. */
function countersOf({ counters, training, turns, uses }: Model): PlanCounter[] {
  const moved = !training || turns.length === 0 ? uses : ['loss', ...turns.map((t) => t.output)].flatMap((l) => usesOf(training, l, uses));
  return counters.map(({ name, state, each }) => ({ name, perStep: each * moved.filter((u) => u.state === state).length }));
}

/** Names for people, from the program and its data. */
export function aboutOf(model: Model, { program, targets, learned }: Names = {}): Plan['about'] {
  return {
    program,
    inputs: model.inputs.map(({ name, type }) => ({ name, shape: fixedShape(type.shape.slice(1)), columns: learned?.columns[name] })),
    targets: model.targets.map(({ shown }) => ({ name: shown, columns: targets?.get(shown), classes: learned?.classes[shown] })),
    output: model.reads,
    examples: typeof (model.output.shape[0] ?? 1) === 'number' ? 'one' : rowsMeet(model.predict) ? 'mixed' : undefined,
    vocabulary: learned?.vocabulary,
  };
}

/** One compilation; `plain` only measures its memory, and `lean` does without what takes memory to be faster. */
function compileOnce(
  model: Model,
  options: CompileOptions,
  { plain = false, lean = false }: { readonly plain?: boolean; readonly lean?: boolean } = {},
): Compiled {
  const packings = packingsOf(model);
  const schedule = trainingSchedule(model, options);
  const arenas = new ArenaBuilder();
  const p = programsOf(model, options, { packings, schedule, arenas, plain, lean });
  const programs = [p.train, p.tail, p.predict, p.holdout, p.judge, p.watch, p.row, p.fill].filter((q) => q !== undefined);
  const { params, slots } = storedTensors(model, packings, programs, { arenas, statistics: options.statistics });
  const scalars = collectScalars(programs);
  invariant(scalars.length < UNIFORM_COUNT - 1, `a step has ${scalars.length} scalars, more than a uniforms holds`);
  const memory = arenas.arenas();
  const large = memory.find((a) => a.words > MAX_ELEMENTS);
  if (large)
    fail('NN217', `the arena '${large.name}' needs ${large.words} numbers, and nnc holds at most ${MAX_ELEMENTS} in one buffer`, {
      help: adviceFor(large.name, schedule?.feed.batch ?? 0, large.words),
    });
  const level = options.level ?? 1;
  const names = model.inputs.map((i) => i.name);
  const compared = [...names, ...model.targets.map((t) => t.name)];
  const given = [...compared, ...(schedule?.feed.shuffle === 'given' ? ['order'] : [])];
  const bounds = boundsIn(model);
  const plan: Plan = {
    format: 'nnc-plan',
    version: PLAN_VERSION,
    name: model.name,
    identity: identityOf(programs, schedule?.feed.batch),
    level,
    arenas: memory,
    programs: Object.fromEntries(programs.map((q) => [q.name, planProgram(q)])),
    backends: emit(programs, { arenas: memory, scalars, chunk: CHUNK, loops: level > 0 }),
    scalars,
    params,
    counters: countersOf(model),
    slots,
    data: schedule && p.train && { ...sizeOf(schedule.feed), tensors: dataOf(p.train, given, bounds) },
    holdout: p.holdout && heldOut(p.holdout, options.holdout ?? 0, p.holdoutRows, compared, bounds, p.judge),
    predict: {
      rows: p.predictRows,
      inputs: dataOf(p.predict, names, bounds),
      output: outputOf(p.predict, PREDICTION),
    },
    watch: p.watch ? Object.keys(p.watch.schedule.graph.outputs).map((name) => outputOf(p.watch as Lowered, name)) : [],
    row: p.row &&
      p.fill && {
        input: at(dataOf(p.row, names, bounds), 0),
        output: outputOf(p.row, ROW),
        fill: { input: at(dataOf(p.fill, names, bounds), 0), output: outputOf(p.fill, FILL) },
      },
    train: schedule && trainPlan(model, schedule, options.seed),
    about: aboutOf(model, options.names),
    chunk: CHUNK,
  };
  return { plan, programs };
}

/** Row numbers of tables, and labels of classes. */
const boundsIn = ({ predict, targets }: Model): Bounds =>
  new Map<string, Bound>([
    ...[...boundsOf(predict)].map(([name, below]) => [name, { below }] as const),
    ...targets.flatMap(({ name, classes, ignored, shares }) =>
      classes === undefined && !shares ? [] : [[name, { labels: { classes, ignored } }] as const],
    ),
  ]);

/** The held-out examples of a plan: all at once, or in batches. */
function heldOut(
  program: Lowered,
  rows: number,
  batch: number,
  compared: readonly string[],
  bounds: Bounds,
  judge: Lowered | undefined,
): NonNullable<Plan['holdout']> {
  const tensors = dataOf(program, compared, bounds);
  if (!judge) return { rows, tensors };
  const inputs = judge.schedule.graph.nodes.flatMap((n) => (n.op === 'input' ? [n.attrs.name] : []));
  const made = Object.keys(program.schedule.graph.outputs).filter((name) => inputs.includes(name));
  return { rows, tensors, batch, made: made.map((name) => outputOf(program, name)), judged: dataOf(judge, inputs) };
}

const sizeOf = ({ rows, capacity, window, shuffle }: Feed): Omit<NonNullable<Plan['data']>, 'tensors'> => ({
  rows,
  capacity,
  ...(window === undefined ? {} : { window: { steps: window, shuffle: shuffle !== false } }),
});

function trainPlan(model: Model, { steps, tailRows, feed }: TrainingSchedule, seed = model.train.seed): TrainPlan {
  return {
    steps,
    stepsPerEpoch: feed.stepsPerEpoch,
    batch: feed.batch,
    seed,
    tail: tailRows > 0,
    classes: model.targets[0]?.classes,
    loss: model.loss ?? '',
    metrics: model.metrics,
    optimizer: model.optim?.name ?? '',
    earlyStop: model.train.earlyStop,
  };
}
