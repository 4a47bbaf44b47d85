import type { Needs } from '../data/needs.ts';
import type { KnownLearned } from '../base/learned.ts';
import type { Model } from '../sema/model.ts';

/** The form of the data that a model needs; without targets for prediction. */
export function needsOf(model: Model, withTargets: boolean, known?: KnownLearned): Needs {
  const { data } = model;
  return {
    known,
    inputs: model.inputs,
    targets: withTargets ? model.targets : [],
    ...(data ? { columns: data.columns, tokens: data.tokens, context: data.context, ...data.reading } : {}),
  };
}
