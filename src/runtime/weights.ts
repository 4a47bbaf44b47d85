import { fail } from '../base/errors.ts';
import { initialStream, initialValue, isElementwise, type RandomSource } from '../base/init.ts';
import { hint } from '../base/suggest.ts';
import type { Plan, PlanTensor } from '../plan.ts';
import type { Tensor, Weights } from './api.ts';
import { breather } from './pause.ts';
import type { Session, Words } from './session.ts';

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Elements that are drawn, copied or looked at without a pause: some milliseconds. */
const BLOCK = 1 << 16;
/** Elements that are copied at once. */
const COPY = 1 << 21;

/** Starts every parameter anew, from `random` if it is given, but for those that are `given` anyway, and clears the optimizer's state. */
export async function initialize(session: Session, seed: number, random?: RandomSource, given: Weights = {}): Promise<void> {
  const rest = breather();
  for (const [i, p] of session.plan.params.entries()) {
    // PyTorch draws before it loads, and its generator has moved on then.
    if (!random && Object.hasOwn(given, p.name)) continue;
    const size = sizeOf(p.shape);
    const inBlocks = random === undefined && isElementwise(p.init);
    for (let from = 0; from < size; from += inBlocks ? BLOCK : size) {
      const shape = inBlocks ? [Math.min(BLOCK, size - from)] : p.shape;
      session.write(p.arena, p.offset + from, initialValue(p.init, shape, random ?? initialStream(seed, i, from)));
      await rest();
    }
  }
  for (const slot of session.plan.slots) await writeTensor(session, slot, new Float32Array(sizeOf(slot.shape)));
}

export async function readTensor(session: Session, { arena, offset, shape }: PlanTensor): Promise<Tensor> {
  const size = sizeOf(shape);
  if (size <= COPY) return { shape, data: (await session.read(arena, offset, size)) as Float32Array };
  const data = new Float32Array(size);
  const rest = breather();
  for (let from = 0; from < size; from += COPY) {
    data.set(await session.read(arena, offset + from, Math.min(COPY, size - from)), from);
    await rest();
  }
  return { shape, data };
}

export async function writeTensor(session: Session, { arena, offset }: PlanTensor, data: Words): Promise<void> {
  const rest = breather();
  for (let from = 0; from < data.length; from += COPY) {
    session.write(arena, offset + from, data.subarray(from, from + COPY));
    await rest();
  }
}

export async function readTensors(session: Session, tensors: readonly PlanTensor[]): Promise<Weights> {
  const out: Record<string, Tensor> = {};
  for (const t of tensors) out[t.name] = await readTensor(session, t);
  return out;
}

/** Throws unless the weights have exactly the names and shapes of the plan. */
export function checkNames(plan: Plan, weights: Weights, from: string): void {
  const names = plan.params.map((p) => p.name);
  // PyTorch counts the batches that BatchNorm has seen; with a momentum nobody reads the number.
  const unknown = Object.keys(weights).find((n) => !names.includes(n) && !n.endsWith('num_batches_tracked'));
  if (unknown !== undefined)
    fail('NN402', `${from} holds '${unknown}', which the model has not`, { help: hint(unknown, names, 'the model has') });
  for (const p of plan.params) {
    const w = Object.hasOwn(weights, p.name) ? weights[p.name] : undefined;
    if (!w) return fail('NN402', `${from} lacks '${p.name}' [${p.shape.join(', ')}]`, { help: `the model needs ${names.join(', ')}` });
    if (w.shape.join() !== p.shape.join() || w.data.length !== sizeOf(p.shape))
      fail('NN402', `'${p.name}' is [${w.shape.join(', ')}] in ${from}, and the model has [${p.shape.join(', ')}]`, {
        help: 'the weights were made for another model',
      });
  }
}

/** Throws unless the weights fit the plan, names, shapes and numbers. */
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

/** Puts weights that were checked on the device. */
export async function writeWeights(session: Session, weights: Weights): Promise<void> {
  for (const p of session.plan.params) await writeTensor(session, p, (weights[p.name] as Tensor).data);
}
