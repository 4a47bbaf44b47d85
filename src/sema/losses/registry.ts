import * as binary from './binary.ts';
import * as classification from './classification.ts';
import { ctc } from './ctc.ts';
import * as likelihood from './likelihood.ts';
import type { Loss } from './loss.ts';
import * as margins from './margins.ts';
import * as multiMargins from './multi-margin.ts';
import * as regression from './regression.ts';
import * as vectors from './vectors.ts';

const ALL: Readonly<Record<string, Loss>> = {
  ...regression,
  ...likelihood,
  ...classification,
  ...binary,
  ...margins,
  ...multiMargins,
  ...vectors,
  ctc,
};

/** Every loss by name, sorted because the order of a module's exports depends on the loader. */
export const LOSSES: Readonly<Record<string, Loss>> = Object.fromEntries(Object.entries(ALL).sort(([a], [b]) => (a < b ? -1 : 1)));
