import type { Parameters } from './arguments.ts';

/** Settings of `data "FILE" ...`. */
export const DATA_SETTINGS = {
  x: { type: 'columns', doc: 'what the model sees; every column but y where it is not said' },
  y: { type: 'columns', doc: 'what it should give; the last column where it is not said' },
} as const satisfies Parameters;

/** Settings of `train ...`. */
export const TRAIN_SETTINGS = {
  epochs: { type: 'int', min: 1, doc: 'how often the data is gone through' },
  steps: { type: 'int', min: 1, doc: 'how many updates are made, instead of epochs' },
  batch: { type: 'int', min: 1, doc: 'examples in one update; all of them where it is not said' },
  shuffle: { type: 'bool', default: false, doc: 'a new random order in every epoch' },
  seed: { type: 'int', default: 0, min: 0, max: 0x7fffffff, doc: 'of initial weights, dropout and order' },
} as const satisfies Parameters;

/** Where a program says neither epochs nor steps. */
export const DEFAULT_EPOCHS = 500;
