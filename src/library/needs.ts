import type { Needs } from '../data/dataset.ts';
import type { KnownVocabulary } from '../data/vocabulary.ts';
import type { Model } from '../sema/model.ts';

/** The form of the data that a model needs; without targets for prediction. */
export function needsOf(model: Model, withTargets: boolean, vocabulary?: KnownVocabulary): Needs {
  const { data } = model;
  return {
    vocabulary,
    inputs: model.inputs,
    targets: withTargets ? model.targets : [],
    ...(data ? { columns: data.columns, tokens: data.tokens, context: data.context } : {}),
  };
}
