import { fail } from '../base/errors.ts';
import { AVERAGE } from '../passes/graph/moving-average.ts';
import { PARAMS, packing, type Packing } from '../passes/graph/pack.ts';
import type { Model, Optim } from '../sema/model.ts';
import { MAX_ELEMENTS } from '../plan.ts';

export type Packings = readonly [Packing, ...Packing[]];

/** One vector of parameters per optimizer; untrained parameters are in the first one's. */
export function packingsOf(model: Model): Packings {
  const size = model.params.reduce((n, p) => n + p.shape.reduce((a, b) => a * b, 1), 0);
  if (size > MAX_ELEMENTS)
    fail('NN217', `the model has ${size} parameters, and nnc holds at most ${MAX_ELEMENTS} in one buffer`, {
      help: 'make the layers smaller',
    });
  const { optim: first, turns } = model;
  if (turns.length === 0) {
    const all = packing(model.params, first);
    return [model.train.ema === undefined || all.size === 0 ? all : { ...all, saved: AVERAGE }];
  }
  const later = turns.map(({ optim }, i) => packing(trainedBy(model, optim), optim, `${PARAMS}.${i + 1}`));
  const taken = new Set(later.flatMap((p) => p.params.map((q) => q.name)));
  return [
    packing(
      model.params.filter((p) => !taken.has(p.name)),
      first,
    ),
    ...later,
  ];
}

const trainedBy = ({ params }: Model, { trains }: Optim): Model['params'] => params.filter((p) => trains?.has(p.name));
