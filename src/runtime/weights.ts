import { isRecord } from '../base/calls.ts';
import { fail } from '../base/errors.ts';
import { initialStream, initialValue, isElementwise, type RandomSource } from '../base/init.ts';
import { hint } from '../base/suggest.ts';
import type { Plan, PlanTensor } from '../plan.ts';
import type { ModelState, Tensor, Weights } from './api.ts';
import { breather } from './pause.ts';
import type { DeviceMemory, Words } from './session.ts';

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Elements to process without a pause: some milliseconds of work. */
const BLOCK = 1 << 16;
/** Elements to copy at once. */
const COPY = 1 << 21;

/** Initialises every parameter that is not `given`, and clears the optimizer's state. With `random`, all are drawn from it. */
export async function initialize(memory: DeviceMemory, seed: number, random?: RandomSource, given: Weights = {}): Promise<void> {
  const rest = breather();
  for (const [i, p] of memory.plan.params.entries()) {
    // PyTorch initialises before it loads weights, which advances its generator.
    if (!random && Object.hasOwn(given, p.name)) continue;
    const size = sizeOf(p.shape);
    const inBlocks = random === undefined && isElementwise(p.init);
    for (let from = 0; from < size; from += inBlocks ? BLOCK : size) {
      const shape = inBlocks ? [Math.min(BLOCK, size - from)] : p.shape;
      const values = initialValue(p.init, shape, random ?? initialStream(seed, i, from));
      memory.write(p.arena, p.offset + from, values);
      if (p.copy) memory.write(p.copy.arena, p.copy.offset + from, values);
      await rest();
    }
  }
  const trained = memory.plan.params.flatMap((p) => p.copy?.offset ?? []);
  for (const slot of memory.plan.slots)
    if (!trained.includes(slot.offset)) await writeTensor(memory, slot, new Float32Array(sizeOf(slot.shape)));
}

export async function readTensor(memory: DeviceMemory, { arena, offset, shape }: PlanTensor): Promise<Tensor> {
  const size = sizeOf(shape);
  if (size <= COPY) return { shape, data: (await memory.read(arena, offset, size)) as Float32Array };
  const data = new Float32Array(size);
  const rest = breather();
  for (let from = 0; from < size; from += COPY) {
    data.set(await memory.read(arena, offset + from, Math.min(COPY, size - from)), from);
    await rest();
  }
  return { shape, data };
}

export async function writeTensor(
  memory: DeviceMemory,
  { arena, offset }: Pick<PlanTensor, 'arena' | 'offset'>,
  data: Words,
): Promise<void> {
  const rest = breather();
  for (let from = 0; from < data.length; from += COPY) {
    memory.write(arena, offset + from, data.subarray(from, from + COPY));
    await rest();
  }
}

export async function readTensors(memory: DeviceMemory, tensors: readonly PlanTensor[]): Promise<Weights> {
  const out: Record<string, Tensor> = {};
  for (const t of tensors) out[t.name] = await readTensor(memory, t);
  return out;
}

/** Parameters and states are floats, whatever a file has. */
export const floats = (data: Words): Float32Array => (data instanceof Float32Array ? data : Float32Array.from(data));

/** The values of the counters before a run; missing ones are 0. */
export type Counted = Readonly<Record<string, number>>;

/** The counters of a plan after a number of steps. */
export function countsAfter({ counters }: Plan, steps: number, before: Counted = {}): Weights {
  return Object.fromEntries(
    counters.map(({ name, perStep }) => [name, { shape: [], data: Int32Array.of((before[name] ?? 0) + perStep * steps), wide: true }]),
  );
}

/** The mean and deviation of the data that `normalize` keeps with the weights, which other frameworks do not. */
const STATISTICS = /^normalize(_target)?\./;
const MEASURE =
  'the weights were trained without normalize: take it out of the data line, or measure the data again: nnc train FILE --init W --allow-missing';

/** For the names that torch.nn.DataParallel gives, if the model has them without their prefix. */
const unwrapped = (name: string, names: readonly string[]): string | undefined =>
  name.startsWith('module.') && names.includes(name.slice('module.'.length))
    ? "the names are those of torch.nn.DataParallel: nnc train FILE --init W --rename 'module.{i}={i}' takes the prefix away"
    : undefined;

/**
 * Throws unless the weights have exactly the names and shapes of the plan. Counters may be missing, as in files of old PyTorch versions.
 */
export function checkNames(plan: Plan, weights: Weights, from: string): void {
  if (!isRecord(weights)) fail('NN402', `${from} is none`, { help: 'model.weights() gives one' });
  const names = plan.params.map((p) => p.name);
  const counted = plan.counters
    .map(({ name }) => ({ name, shape: [] as readonly number[] }))
    .filter(({ name }) => Object.hasOwn(weights, name));
  const unknown = Object.keys(weights).find((n) => !names.includes(n) && !counted.some((c) => c.name === n));
  if (unknown !== undefined)
    fail('NN402', `${from} holds '${unknown}', which the model has not`, {
      help: unwrapped(unknown, names) ?? hint(unknown, names, 'the model has'),
    });
  for (const p of [...plan.params, ...counted]) {
    const w = Object.hasOwn(weights, p.name) ? weights[p.name] : undefined;
    if (!w)
      return fail('NN402', `${from} lacks '${p.name}' [${p.shape.join(', ')}]`, {
        help: STATISTICS.test(p.name) ? MEASURE : `the model needs ${names.join(', ')}`,
      });
    checkTensor(w, p.name, from);
    if (w.shape.join() !== p.shape.join() || w.data.length !== sizeOf(p.shape))
      fail('NN402', `'${p.name}' is [${w.shape.join(', ')}] in ${from}, and the model has [${p.shape.join(', ')}]`, {
        help: 'the weights were made for another model',
      });
  }
}

export function checkTensor(w: unknown, name: string, from: string): void {
  const { shape, data } = (w ?? {}) as Partial<Tensor>;
  if (Array.isArray(shape) && ArrayBuffer.isView(data)) return;
  fail('NN402', `'${name}' is no tensor in ${from}`, { help: 'a tensor is { shape, data: Float32Array }, which JSON does not keep' });
}

/** Throws unless a state fits the plan: weights, and the state of the optimizer. */
export async function checkState(plan: Plan, state: ModelState, from: string): Promise<void> {
  const { step, seed, tensors } = (state as ModelState | null) ?? {};
  if (!Number.isInteger(step) || !Number.isInteger(seed) || !isRecord(tensors))
    return fail('NN402', `${from} is none`, { help: 'model.state() gives one' });
  const slots = plan.slots.map((s) => s.name);
  await checkWeights(plan, Object.fromEntries(Object.entries(tensors).filter(([name]) => !slots.includes(name))), from);
  for (const s of plan.slots) {
    const w = tensors[s.name];
    if (w) checkTensor(w, s.name, from);
    if (w?.shape.join() !== s.shape.join() || w.data.length !== sizeOf(s.shape))
      fail('NN402', `${from} lacks the optimizer state '${s.name}' [${s.shape.join(', ')}]`, { help: 'start anew, without this state' });
  }
}

/** Throws unless the weights fit the plan: names, shapes and finite numbers. */
export async function checkWeights(plan: Plan, weights: Weights, from: string): Promise<void> {
  checkNames(plan, weights, from);
  const rest = breather();
  for (const { name } of plan.params) {
    const { data } = weights[name] as Tensor;
    for (let start = 0; start < data.length; start += BLOCK) {
      const end = Math.min(data.length, start + BLOCK);
      for (let i = start; i < end; i++)
        if (!Number.isFinite(data[i]))
          fail('NN402', `'${name}' holds ${data[i] ?? 0} at element ${i} in ${from}`, {
            help: 'the run that made these weights went wrong',
          });
      await rest();
    }
  }
}

/** Writes checked weights to the device. */
export async function writeWeights(memory: DeviceMemory, weights: Weights): Promise<void> {
  for (const p of memory.plan.params) {
    const data = floats((weights[p.name] as Tensor).data);
    await writeTensor(memory, p, data);
    if (p.copy) await writeTensor(memory, p.copy, data);
  }
}

/** Puts fresh weights of a seed on a device, or those that are given. Gives what puts the same on another one. */
export async function startFrom(
  session: DeviceMemory,
  seed: number,
  random?: RandomSource,
  weights?: Weights,
): Promise<(other: DeviceMemory) => Promise<void>> {
  const start = async (on: DeviceMemory): Promise<void> => {
    await initialize(on, seed, random, weights);
    if (weights) await writeWeights(on, weights);
  };
  await start(session);
  if (!random) return start;
  // A generator of the caller's own has moved on: what it gave is kept.
  const drawn = await readTensors(session, [...session.plan.params, ...session.plan.slots]);
  return (other) => writeState(other, drawn);
}

/** Parameters, running statistics and state of the optimizer, as far as they are given. */
export async function writeState(session: DeviceMemory, tensors: Weights): Promise<void> {
  for (const t of [...session.plan.params, ...session.plan.slots]) {
    const known = tensors[t.name];
    if (known) await writeTensor(session, t, floats(known.data));
  }
}
