import { compile, UserError, type Diagnostic, type Program } from 'nnc';
import { drawnData, readTensors, writeTensors, type Data } from 'nnc/data';
import { askedOf, sceneOf, errorText, Training, type Asked, type Scene, type Shown } from 'nnc/page';
import { load, type Model, type Tensor } from 'nnc/runtime';
import type { Calls, Checked, DataFile, Event, Part, Prepared, PrepareOptions, Problem } from './protocol.ts';

/** Compiles and trains away from the page, which only draws. */
const post = (event: Event | Part): void => postMessage(event);

interface Session {
  readonly program: Program;
  readonly model: Model;
  readonly scene: Scene;
  readonly training: Training;
  readonly asked: Asked;
  readonly data: Data;
}

let session: Session | undefined;
let writing: AbortController | undefined;
/** `?device=cpu` or `?device=gpu` in the page's address. */
let device: 'auto' | 'cpu' | 'gpu' = 'auto';

function open(): Session {
  if (!session) throw new Error('there is no model yet: press Train');
  return session;
}

const problemOf = (d: Diagnostic): Problem => ({
  severity: d.severity,
  code: d.code,
  label: d.label,
  help: d.help,
  from: d.span?.start,
  to: d.span?.end,
});

async function check(text: string): Promise<Checked> {
  const { drawNet } = await import('./insides.ts');
  const program = compile(text, { name: 'program.nn' });
  const { model } = program;
  return {
    problems: program.diagnostics.map(problemOf),
    net: model ? drawNet(program) : undefined,
    parameters: model?.parameters.reduce((n, p) => n + p.shape.reduce((a, b) => a * b, 1), 0) ?? 0,
    stages: (model?.layers ?? []).map(({ place, text: own, output, parameters }) => {
      const [line = 0, column = 0] = place.split(':').slice(-2).map(Number);
      return { line, column, text: own, output: output.join(', '), parameters };
    }),
  };
}

async function examplesOf(program: Program, file: DataFile | undefined): Promise<Data> {
  if (program.model?.data?.drawn) return drawnData(program);
  if (!file) throw new Error('the program needs examples: drop a file on the page, or paste a table');
  const { loadData } = await import('./files.ts');
  return loadData(program, file.bytes, { name: file.name });
}

/** The most values that are looked at while a program trains; what they are made of stays in memory. */
const WATCHED = 200;

const watchableIn = ({ model }: Program): string[] => {
  if (!model?.trainable) return [];
  return model.values.flatMap(({ name, gradient }) => (gradient ? [name, `grad(${name})`] : [name]));
};

/** One program after the other, so that none is left behind on the device. */
let preparing: Promise<unknown> = Promise.resolve();
function prepare(...given: Parameters<typeof prepareNow>): Promise<Prepared> {
  const now = preparing.then(() => prepareNow(...given));
  preparing = now.catch(() => undefined);
  return now;
}

async function prepareNow(text: string, file: DataFile | undefined, { seed, keep, looks, likeTorch }: PrepareOptions): Promise<Prepared> {
  await session?.training.pause();
  const program = compile(text, { name: 'program.nn' });
  if (!program.model) throw new UserError(program.diagnostics.filter((d) => d.severity === 'error'));
  const torch = likeTorch ? (await import('./prints.ts')).torchStart(program) : undefined;
  const data = torch?.data ?? (await examplesOf(program, file));
  const speaks = data.names.learned?.vocabulary !== undefined;
  const all = looks ? watchableIn(program) : [];
  const watchable = all.length <= WATCHED ? all : all.filter((name) => !name.startsWith('grad')).slice(0, WATCHED);
  const plan = program.plan({ data, generate: speaks, seed, ...(watchable.length > 0 ? { watch: watchable } : {}) });
  const before = keep ? await session?.model.weights() : undefined;
  session?.model.destroy();
  session = undefined;
  const model = await load(plan, {
    data,
    device,
    weights: torch?.weights,
    onDevice: ({ name, reason }) => post({ type: 'device', name, reason }),
  });
  // Weights of other shapes cannot be kept: the changed net begins anew.
  if (before) await model.setWeights(before).catch(() => undefined);
  const shown = (arrays: Data['train']): Shown | undefined => {
    const [x, y, ...more] = Object.values(arrays);
    return x && y && more.length === 0 ? { x, y } : undefined;
  };
  const held = data.holdout?.rows ?? 0;
  const scene = sceneOf(model.about, shown(data.train), data.holdout && shown(data.holdout.arrays));
  const steps = plan.train?.steps ?? 1;
  const training = new Training({
    model,
    scene,
    steps,
    held,
    onFrame: (frame) => {
      if (session?.model === model) post({ type: 'frame', frame });
    },
    onFailure: (message) => post({ type: 'failed', message }),
  });
  session = { program, model, scene, training, asked: askedOf(model, scene.image), data };
  return {
    scene,
    device: model.device.name,
    reason: model.device.reason,
    rows: data.rows,
    held,
    steps,
    remarks: data.remarks,
    watchable,
  };
}

/** Programs that share weights with the trained one, by their texts. */
const others = new Map<string, Promise<Model>>();

async function beside(
  text: string,
  rename: Readonly<Record<string, string>>,
  tokens: readonly number[],
): Promise<{ readonly data: Float32Array }> {
  const found = others.get(text) ?? load(compile(text).plan({ devices: 'cpu' }), { device: 'cpu' });
  others.set(text, found);
  const other = await found.catch((e: unknown) => {
    others.delete(text);
    throw e;
  });
  const named = Object.entries(await open().model.weights()).map(([name, t]) => {
    const [from = '', to = ''] = Object.entries(rename).find(([start]) => name.startsWith(start)) ?? [];
    return [to + name.slice(from.length), t] as const;
  });
  const trained = new Map(named);
  const own = Object.keys(await other.weights());
  await other.setWeights(
    Object.fromEntries(own.flatMap((name) => (trained.has(name) ? [[name, trained.get(name)]] : [])) as [string, Tensor][]),
  );
  return { data: (await other.predict(Int32Array.from(tokens))).data };
}

/** The program whose seeds are compared. */
let seeds: { readonly text: string; readonly model: Promise<Model> } | undefined;

async function lossesFrom(text: string, file: DataFile | undefined, seed: number): Promise<Float32Array> {
  if (seeds?.text !== text) {
    const before = seeds;
    seeds = undefined;
    (await before?.model.catch(() => undefined))?.destroy();
    const program = compile(text, { name: 'program.nn' });
    const data = await examplesOf(program, file);
    seeds = { text, model: load(program.plan({ data }), { data, device }) };
  }
  const model = await seeds.model.catch((e: unknown) => {
    seeds = undefined;
    throw e;
  });
  await model.reset(seed);
  const losses: number[] = [];
  await model.train({ onLosses: (_first, some) => void losses.push(...some) });
  return Float32Array.from(losses);
}

const calls: { readonly [K in keyof Calls]: (...args: Parameters<Calls[K]>) => ReturnType<Calls[K]> } = {
  check,
  prepare,
  run: (speed) => open().training.run(speed),
  pause: async () => session?.training.pause(),
  step: () => open().training.one(),
  set: (settings) => session?.model.set(settings),
  typed: async (values) => open().asked.typed(values),
  drawn: async (pixels) => open().asked.drawn(pixels),
  async write(wish) {
    writing?.abort();
    writing = new AbortController();
    await open().asked.write(wish, (part) => post({ type: 'text', part }), writing.signal);
  },
  stopWriting: () => writing?.abort(),
  prints: async (text) => (await import('./prints.ts')).printsOf(compile(text, { name: 'program.nn' })),
  printsAfter: async () => {
    const { program, data, model } = open();
    return (await import('./prints.ts')).printsOf(program, { data, weights: await model.weights() });
  },
  scores: async (tokens) => (await open().model.predict(Int32Array.from(tokens))).data,
  beside,
  lossesFrom,
  stages: async () => {
    const { program, data } = open();
    return (await import('./insides.ts')).stagesOf(program, { rows: data.rows, devices: 'gpu' }).stages;
  },
  dump: async (stage) => {
    const { program, data } = open();
    return (await import('./insides.ts')).dumpOf(program, stage, { data, devices: 'gpu' });
  },
  words: async () => (await import('./insides.ts')).wordsOf(),
  format: async (text) => (await import('./insides.ts')).formatText(text),
  look: async (names) => open().model.watch(names),
  page: async (parts) => (await import('./give-away.ts')).giveAway(open(), parts),
  weights: async () => writeTensors(await open().model.weights(), open().data.names.learned),
  async setWeights(bytes, name) {
    await open().model.setWeights(readTensors(bytes, name));
    await open().training.look();
  },
  async suggest({ name, bytes }) {
    const { suggestProgram } = await import('./suggest.ts');
    const { text, leftOut, remarks } = suggestProgram(name, bytes);
    return { text, leftOut, remarks };
  },
};

// The page's address comes as the worker's name.
const wanted = new URLSearchParams(self.name).get('device');
if (wanted === 'cpu' || wanted === 'gpu') device = wanted;

addEventListener(
  'message',
  (event: MessageEvent<{ readonly id: number; readonly method: keyof Calls; readonly args: readonly never[] }>) => {
    const { id, method, args } = event.data;
    const call = calls[method] as (...given: readonly unknown[]) => unknown;
    Promise.resolve()
      .then(() => call(...args))
      .then((value) => postMessage({ id, value }))
      .catch((e: unknown) => postMessage({ id, error: errorText(e) }));
  },
);
