import { fail } from '../base/errors.ts';
import { initialStream, initialValue, type RandomSource } from '../base/init.ts';
import { hint } from '../base/suggest.ts';
import type { Plan } from '../plan.ts';
import type { Tensor, Weights } from './api.ts';
import type { Memory, Words } from './session.ts';

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Starts every parameter anew, from `random` if it is given, and clears the optimizer's state. */
export function initialize(memory: Memory, seed: number, random?: RandomSource): void {
  memory.plan.params.forEach((p, i) => memory.write(p.arena, p.offset, initialValue(p.init, p.shape, random ?? initialStream(seed, i))));
  for (const slot of memory.plan.slots) memory.write(slot.arena, slot.offset, new Float32Array(size(slot.shape)));
}

export async function readWeights(memory: Memory): Promise<Weights> {
  const out: Record<string, Tensor> = {};
  for (const p of memory.plan.params)
    out[p.name] = { shape: p.shape, data: (await memory.read(p.arena, p.offset, size(p.shape))) as Float32Array };
  return out;
}

/** As parameters and states are kept, whatever a file has. */
export const floats = (data: Words): Float32Array => (data instanceof Float32Array ? data : Float32Array.from(data));

/** What was counted before a run; of what is not here, nothing. */
export type Counted = Readonly<Record<string, number>>;

/** The counters of a plan after so many steps of a run. */
export function countsAfter({ counters }: Plan, steps: number, before: Counted = {}): Weights {
  return Object.fromEntries(
    counters.map(({ name, perStep }) => [name, { shape: [], data: Int32Array.of((before[name] ?? 0) + perStep * steps), wide: true }]),
  );
}

/** Throws unless the weights have exactly the names and shapes of the plan; counters may be missing, as in files of old PyTorch. */
export function checkWeights(plan: Plan, weights: Weights, from: string): void {
  const names = plan.params.map((p) => p.name);
  const counted = plan.counters
    .map(({ name }) => ({ name, shape: [] as readonly number[] }))
    .filter(({ name }) => Object.hasOwn(weights, name));
  const unknown = Object.keys(weights).find((n) => !names.includes(n) && !counted.some((c) => c.name === n));
  if (unknown !== undefined)
    fail('NN402', `${from} holds '${unknown}', which the model has not`, { help: hint(unknown, names, 'the model has') });
  for (const p of [...plan.params, ...counted]) {
    const w = Object.hasOwn(weights, p.name) ? weights[p.name] : undefined;
    if (!w) return fail('NN402', `${from} lacks '${p.name}' [${p.shape.join(', ')}]`, { help: `the model needs ${names.join(', ')}` });
    const bad = w.data.findIndex((v) => !Number.isFinite(v));
    if (bad >= 0)
      fail('NN402', `'${p.name}' holds ${w.data[bad] ?? 0} at element ${bad} in ${from}`, {
        help: 'the run that made these weights went wrong',
      });
    if (w.shape.join() !== p.shape.join())
      fail('NN402', `'${p.name}' is [${w.shape.join(', ')}] in ${from}, and the model has [${p.shape.join(', ')}]`, {
        help: 'the weights were made for another model',
      });
  }
}

export function writeWeights(memory: Memory, weights: Weights, from = 'the weights'): void {
  checkWeights(memory.plan, weights, from);
  for (const p of memory.plan.params) {
    const w = weights[p.name];
    if (w) memory.write(p.arena, p.offset, floats(w.data));
  }
}
