import { compile, stagesOf, type Diagnostic, type Program } from 'nnc';
import { drawnData, readData, suggestProgram, writeTensors } from 'nnc/data';
import { bothSides, drawNet, lineOver, rangeOf, squareOver } from 'nnc/pictures';
import { load, probabilities, type Model } from 'nnc/runtime';
import type { Calls, Checked, DataFile, Event, Field, Frame, Kind, Prepared, Problem, Told } from './protocol.ts';

/** Compiles and trains away from the page, which only draws. */
const post = (event: Event): void => postMessage(event);

/** Places of a fitted line, and of each axis of a region. */
const LINE = 120;
const SIDE = 40;
/** Milliseconds of a frame, and steps of the first one. */
const FRAME = 16;
/** Milliseconds between two looks at the held-out examples, at least. */
const JUDGE = 250;

interface Session {
  readonly program: Program;
  readonly model: Model;
  readonly kind: Kind;
  readonly grid: Float32Array | undefined;
  readonly steps: number;
  readonly stepsPerEpoch: number;
  readonly held: number;
  readonly rows: number;
  readonly names: readonly string[];
  readonly learned: ReturnType<typeof readData>['names']['learned'];
}

let session: Session | undefined;
let running = false;
/** Steps of a frame that fill it. */
let pace = 1;

const problemOf = (d: Diagnostic): Problem => ({
  severity: d.severity,
  code: d.code,
  label: d.label,
  help: d.help,
  from: d.span?.start,
  to: d.span?.end,
});

function check(text: string): Checked {
  const program = compile(text, { name: 'program.nn' });
  const { model } = program;
  return {
    problems: program.diagnostics.map(problemOf),
    net: model ? drawNet(program) : undefined,
    parameters: model?.parameters.reduce((n, p) => n + p.shape.reduce((a, b) => a * b, 1), 0) ?? 0,
  };
}

async function prepare(
  text: string,
  file: DataFile | undefined,
  options: { readonly seed?: number; readonly keep?: boolean },
): Promise<Prepared> {
  running = false;
  const program = compile(text, { name: 'program.nn' });
  const wrong = program.diagnostics.filter((d) => d.severity === 'error');
  if (wrong.length > 0) throw new Error(wrong.map((d) => d.label).join('; '));
  const info = program.model;
  const draws = info?.data?.drawn !== undefined;
  if (!draws && !file) throw new Error('the program needs examples: drop a file on the page, or paste a table');
  const data = draws || !file ? drawnData(program) : readData(program, file.bytes, { name: file.name });
  const plan = program.plan({ data, ...(options.seed === undefined ? {} : { seed: options.seed }) });
  const before = options.keep ? await session?.model.weights().catch(() => undefined) : undefined;
  session?.model.destroy();
  const model = await load(plan, { data });
  // Weights of other shapes cannot be kept: the changed net begins anew.
  if (before) await model.setWeights(before).catch(() => undefined);
  const { inputs, targets, output } = model.about;
  const [input] = inputs;
  const width = inputs.length === 1 && input ? input.shape.reduce((a, b) => a * b, 1) : 0;
  const x = input && data.train[input.name];
  const y = Object.values(data.train).at(-1);
  const target = targets[0];
  const one = targets.length === 1 && y?.length === data.rows && x instanceof Float32Array;
  const kind: Kind = one && width === 1 && output === 'numbers' ? 'fit' : one && width === 2 && output !== 'numbers' ? 'region' : 'other';
  const names = target?.classes ?? (output === 'softmax' ? undefined : ['0', '1']) ?? [];
  const train = plan.train;
  session = {
    program,
    model,
    kind,
    grid: x instanceof Float32Array && kind !== 'other' ? gridOf(x, width) : undefined,
    steps: train?.steps ?? 0,
    stepsPerEpoch: train?.stepsPerEpoch ?? 1,
    held: data.holdout?.rows ?? 0,
    rows: data.rows,
    names,
    learned: data.names.learned,
  };
  pace = 1;
  return {
    device: model.device.name,
    reason: model.device.reason,
    rows: data.rows,
    held: session.held,
    steps: session.steps,
    stepsPerEpoch: session.stepsPerEpoch,
    metrics: train?.metrics ?? [],
    kind,
    fields: fieldsOf(model, data.train),
    target: target?.columns?.[0] ?? target?.name ?? 'y',
    remarks: data.remarks,
    points: kind !== 'other' && x && y ? pointsOf(x, y, width, data.rows) : undefined,
    names: names.length > 0 ? names : classesIn(y),
    wgsl: (plan.backends.webgpu?.kernels ?? []).map((k) => `// ${k.name}\n${k.wgsl}`).join('\n\n'),
    plan: JSON.stringify({ ...plan, backends: Object.keys(plan.backends) }, null, 2),
  };
}

const classesIn = (y: ArrayLike<number> | undefined): string[] => {
  const most = Array.from(y ?? []).reduce((a, b) => Math.max(a, b), 0);
  return Array.from({ length: Math.min(12, most + 1) }, (_, i) => String(i));
};

/** What a form asks for. */
function fieldsOf(model: Model, train: Readonly<Record<string, ArrayLike<number>>>): Field[] {
  return model.about.inputs.flatMap((input): Field[] => {
    if (input.columns) return input.columns.map((c) => ({ name: c.name, words: c.words, example: c.words?.[0] ?? '' }));
    const width = input.shape.reduce((a, b) => a * b, 1);
    const first = Array.from(train[input.name] ?? []).slice(0, width);
    return [{ name: input.name, words: undefined, example: first.map((v) => Number(v.toPrecision(4))).join(', ') }];
  });
}

/** The places that a picture asks for: along a line, or row by row over a square. */
const gridOf = (x: Float32Array, width: number): Float32Array =>
  width === 1 ? lineOver(rangeOf(x, 1, 0), LINE) : squareOver(rangeOf(x, 2, 0), rangeOf(x, 2, 1), SIDE);

/** The most examples that a picture shows. */
const SHOWN = 600;

function pointsOf(x: ArrayLike<number>, y: ArrayLike<number>, width: number, rows: number): Float32Array {
  const n = Math.min(SHOWN, rows);
  const out = new Float32Array(n * (width + 1));
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < width; k++) out[i * (width + 1) + k] = x[i * width + k] ?? 0;
    out[i * (width + 1) + width] = y[i] ?? 0;
  }
  return out;
}

/** What the model says on the grid: numbers, or shares of the classes. */
async function seen({ model, kind, grid }: Session): Promise<Float32Array | undefined> {
  if (!grid) return undefined;
  const said = await model.predict(grid);
  if (kind === 'fit') return said.data;
  const shares = probabilities(said) ?? said.data;
  return shares.length === SIDE * SIDE ? bothSides(shares) : shares;
}

/** Trains some steps and shows where that leads. Gives the milliseconds that training took. */
async function advance(s: Session, steps: number, judges: boolean): Promise<number> {
  const begin = performance.now();
  const first = s.model.step;
  const losses: number[] = [];
  const end = Math.max(s.steps, first + steps);
  await s.model.train({ steps: end, until: first + steps, onLosses: (_f, l) => void losses.push(...l) });
  const { step } = s.model;
  const took = performance.now() - begin;
  const held = s.held > 0 && judges ? await s.model.evaluate() : undefined;
  const frame: Frame = { step, first, losses: Float32Array.from(losses), held, seen: await seen(s), done: step >= s.steps };
  if (session === s) post({ type: 'frame', frame });
  return took;
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function run(speed: number | undefined): Promise<void> {
  const s = session;
  if (!s || running) return;
  running = true;
  let judged = 0;
  let patience = JUDGE;
  try {
    while (running && session === s) {
      const begin = performance.now();
      const left = s.steps > s.model.step ? s.steps - s.model.step : s.steps;
      const steps = speed === undefined ? Math.min(pace, left) : Math.max(1, Math.min(left, Math.round(speed / 30)));
      // Held-out values are worth a look a few times a second.
      const judges = begin - judged > patience || steps === left;
      const took = await advance(s, steps, judges);
      if (judges) {
        judged = performance.now();
        // Looking must not take a large part of the time.
        patience = Math.max(JUDGE, 12 * (judged - begin - took));
      }
      if (speed === undefined && steps === pace)
        pace = Math.max(1, Math.min(4096, took < FRAME / 2 ? pace * 2 : took > FRAME * 2 ? pace >> 1 : pace));
      if (s.model.step % s.steps === 0) break;
      await wait(Math.max(0, (speed === undefined ? FRAME : (1000 * steps) / speed) - took));
    }
  } catch (e) {
    post({ type: 'failed', message: messageOf(e) });
  } finally {
    running = false;
  }
}

async function predict(values: Readonly<Record<string, string>>): Promise<Told> {
  const s = session;
  if (!s) throw new Error('there is no model yet: press Train');
  const columns = s.model.about.inputs.some((i) => i.columns);
  const given = Object.fromEntries(
    Object.entries(values).map(([name, v]): [string, (number | string | null)[]] => [
      name,
      columns
        ? [v.trim() === '' ? null : v.trim()]
        : v
            .split(/[\s,;]+/)
            .filter((t) => t !== '')
            .map(Number),
    ]),
  );
  const said = await s.model.predict(given);
  const shares = probabilities(said);
  if (!shares) return { head: Array.from(said.data, (v) => String(Number(v.toPrecision(6)))).join(', '), shares: [] };
  const all = shares.length === 1 ? [1 - (shares[0] ?? 0), shares[0] ?? 0] : [...shares];
  const named = all.map((p, i): [string, number] => [(said.names ?? s.names)[i] ?? String(i), p]).sort((a, b) => b[1] - a[1]);
  return { head: named[0]?.[0] ?? '', shares: named.slice(0, 6) };
}

function messageOf(e: unknown): string {
  const { diagnostics } = e as { readonly diagnostics?: readonly Diagnostic[] };
  if (diagnostics?.[0]) return diagnostics.map((d) => (d.help === undefined ? d.label : `${d.label}. ${d.help}`)).join('; ');
  return e instanceof Error ? e.message : String(e);
}

const calls: { readonly [K in keyof Calls]: (...args: Parameters<Calls[K]>) => ReturnType<Calls[K]> } = {
  check,
  prepare,
  run,
  predict,
  pause: () => void (running = false),
  step: async () => {
    running = false;
    if (session) await advance(session, 1, true);
  },
  set: (settings) => session?.model.set(settings),
  scores: async (tokens) => (await session?.model.predict(Int32Array.from(tokens)))?.data ?? new Float32Array(),
  stages: () => (session ? stagesOf(session.program, { rows: session.rows, devices: 'gpu' }).stages : []),
  weights: async () => (session ? writeTensors(await session.model.weights(), session.learned) : new Uint8Array()),
  suggest({ name, bytes }) {
    const { text, leftOut } = suggestProgram(name, bytes);
    return { text, leftOut };
  },
};

addEventListener(
  'message',
  (event: MessageEvent<{ readonly id: number; readonly method: keyof Calls; readonly args: readonly never[] }>) => {
    const { id, method, args } = event.data;
    const call = calls[method] as (...given: readonly unknown[]) => unknown;
    Promise.resolve()
      .then(() => call(...args))
      .then((value) => postMessage({ id, value }))
      .catch((e: unknown) => postMessage({ id, error: messageOf(e) }));
  },
);
