import type { Names } from '../planning/options.ts';
import type { Dataset } from '../data/needs.ts';
import { splitDataset, type Split } from '../data/split.ts';
import { adviceOn } from './advice.ts';
import { statisticsOf } from '../data/statistics.ts';
import type { Model } from '../sema/model.ts';

/** Examples in the form that a program needs: split, with initial values of states and names for display. */
export interface Prepared extends Split {
  /** Initial values of states: means and deviations if the program says `normalize`. */
  readonly statistics: ReadonlyMap<string, readonly number[]>;
  readonly names: Names;
  /** What hardly works, each with a way out. */
  readonly advice: readonly string[];
}

/** Splits and normalises examples as the program's `data` statement says. */
export function prepare(model: Model, all: Dataset, test?: Dataset): Prepared {
  const options = { seed: model.train.seed, hold: model.data?.hold, target: model.inputs.length };
  return prepared(model, all, test ? { ...all, holdout: test } : splitDataset(all, model.data?.split ?? 1, options));
}

/** The same for examples that are split already. */
export function prepared(model: Model, all: Dataset, split: Split): Prepared {
  const advice = model.training ? adviceOn(model, split) : [];
  return { ...split, statistics: normalisation(model, split), names: namesOf(model, all), advice };
}

/** Mean and deviation of each input, and of the target, over the training examples: of each feature, or of a whole image. */
function normalisation(model: Model, { tensors }: Dataset): Map<string, readonly number[]> {
  const found = new Map<string, readonly number[]>();
  const stems = [
    ...model.inputs.map(({ name }) => (model.inputs.length === 1 ? 'normalize' : `normalize.${name}`)),
    ...(model.targets.length === 1 ? ['normalize_target'] : []),
  ];
  stems.forEach((stem, k) => {
    const state = model.states.find((s) => s.name === `${stem}.mean`);
    const values = tensors[k];
    if (!state || !values) return;
    const { mean, std } = statisticsOf(values, state.shape[0] ?? 1);
    found.set(`${stem}.mean`, mean);
    found.set(`${stem}.std`, std);
  });
  return found;
}

function namesOf(model: Model, { columns, learned }: Dataset): Names {
  const known = model.targets.flatMap((t, i) => {
    const names = columns?.[model.inputs.length + i];
    return names ? [[t.shown, names] as const] : [];
  });
  return { targets: new Map(known), learned };
}
