import * as classification from './classification.ts';
import type { Loss } from './loss.ts';
import * as margins from './margins.ts';
import * as regression from './regression.ts';

/** Every loss by the name that a program uses. */
export const LOSSES: Readonly<Record<string, Loss>> = { ...regression, ...classification, ...margins };
