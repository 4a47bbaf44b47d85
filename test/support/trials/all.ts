import { gradients } from './gradients.ts';
import { halves } from './halves.ts';
import { kernels } from './kernels.ts';
import { relations } from './relations.ts';
import { steps } from './steps.ts';
import { stored } from './stored.ts';
import { wrecks } from './wrecks.ts';
import type { Trial } from './trial.ts';

/** All that must hold of every program, by the name that `npm run fuzz` uses. */
export const TRIALS: Readonly<Record<string, Trial>> = { kernels, stored, halves, gradients, steps, relations, wrecks };
