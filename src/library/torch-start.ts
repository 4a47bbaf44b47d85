import { mustBeProgram } from './calls.ts';
import { fail } from '../base/errors.ts';
import { initialValue } from '../base/init.ts';
import { TorchRandom } from '../base/torch-random.ts';
import type { ParamInfo } from '../sema/model.ts';
import type { Data } from './data.ts';
import { drawnBy } from './drawn-data.ts';
import type { Program } from './program.ts';

/** Where a training begins. */
export interface Start {
  readonly data: Data;
  readonly weights: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: Float32Array }>>;
}

/**
 * The examples that a program draws, and its initial weights, as PyTorch draws them after `torch.manual_seed` with the program's seed. Throws a
 * `UserError` if the program draws no data, or shuffles, for which PyTorch would draw more.
 */
export function torchStart(program: Program): Start {
  mustBeProgram(program);
  const model = program.checkedModel;
  const { seed, shuffle } = model.train;
  if (shuffle) fail('NN305', 'a program that shuffles has no start like that of PyTorch here', { help: 'use nnc train --rng torch' });
  // As after torch.manual_seed, one generator serves data and weights, unless the data has a seed of its own.
  const random = new TorchRandom(seed);
  const data = drawnBy(program, (own) => (own === seed ? random : new TorchRandom(own)));
  const drawn = (p: ParamInfo): Float32Array => {
    const learned = data.statistics.get(p.name);
    return learned ? Float32Array.from(learned) : initialValue(p.init, p.shape, random);
  };
  const weights = [...model.params, ...model.states].map((p) => [p.name, { shape: p.shape, data: drawn(p) }] as const);
  return { data, weights: Object.fromEntries(weights) };
}
