import * as activations from './activations.ts';
import { Dropout } from './dropout.ts';
import type { Layer } from './layer.ts';
import { Linear } from './linear.ts';
import { flatten } from './shape.ts';

/** Every layer by the name that a program uses. */
export const LAYERS: Readonly<Record<string, Layer>> = { Linear, Dropout, flatten, ...activations };
