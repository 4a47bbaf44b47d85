import { mustBeProgram } from './calls.ts';
import { fail } from '../base/errors.ts';
import type { RandomSource } from '../base/init.ts';
import { checkLabels } from '../data/labels.ts';
import { drawData, nativeDraws } from '../draw.ts';
import { Data } from './data.ts';
import { needsOf } from './needs.ts';
import { prepare } from './prepare.ts';
import type { Program } from './program.ts';

/** The examples that the program draws itself: `data n=100 { ... }`. */
export const drawnData = (program: Program): Data => drawnBy(program, nativeDraws);

/** The same with another generator of random numbers, which gets the seed of the data. */
export function drawnBy(program: Program, random: (seed: number) => RandomSource): Data {
  mustBeProgram(program);
  const model = program.checkedModel;
  const draw =
    model.data?.draw ?? fail('NN305', `${program.source.name} draws no data`, { help: 'write: data n=100 { x = uniform(-1, 1); ... }' });
  const names = [...model.inputs, ...model.targets].map((i) => i.name);
  const seed = draw.seed ?? model.train.seed;
  const drawn = { rows: draw.rows, tensors: drawData(draw, names, random(seed), seed) };
  checkLabels('the data', drawn, needsOf(model, true));
  return new Data(model, prepare(model, drawn));
}
