import * as activations from './activations.ts';
import { attention } from './attention.ts';
import * as convolutions from './conv.ts';
import { Dropout } from './dropout.ts';
import * as embeddings from './embedding.ts';
import * as functions from './functions.ts';
import type { Layer } from './layer.ts';
import { Linear } from './linear.ts';
import * as norms from './norm.ts';
import { flatten } from './shape.ts';

const { variance, maximum, minimum, ...rest } = functions;

/** Every layer and function by the name that a program uses. */
export const LAYERS: Readonly<Record<string, Layer>> = {
  Linear,
  ...convolutions,
  ...embeddings,
  ...norms,
  Dropout,
  flatten,
  attention,
  ...activations,
  ...rest,
  var: variance,
  max: maximum,
  min: minimum,
};
