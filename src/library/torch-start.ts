import { fail } from '../base/errors.ts';
import { initialValue } from '../base/init.ts';
import { TorchRandom } from '../base/torch-random.ts';
import { drawData } from '../draw.ts';
import { Data } from './data.ts';
import { prepare } from './prepare.ts';
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
  const model = program.checkedModel;
  const draw =
    model.data?.draw ?? fail('NN305', `${program.source.name} draws no data`, { help: 'write: data n=100 { x = uniform(-1, 1); ... }' });
  const { seed, shuffle } = model.train;
  if (shuffle) fail('NN305', 'a program that shuffles has no start like that of PyTorch here', { help: 'use nnc train --rng torch' });
  const dataSeed = draw.seed ?? seed;
  const random = new TorchRandom(dataSeed);
  const names = [...model.inputs, ...model.targets].map((i) => i.name);
  const data = new Data(model, prepare(model, { rows: draw.rows, tensors: drawData(draw, names, random, seed) }));
  // As after torch.manual_seed, one generator serves data and weights, unless the data has a seed of its own.
  const own = dataSeed === seed ? random : new TorchRandom(seed);
  const weights = model.params.map((p) => [p.name, { shape: p.shape, data: initialValue(p.init, p.shape, own) }] as const);
  return { data, weights: Object.fromEntries(weights) };
}
