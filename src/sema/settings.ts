import type { Parameters } from './arguments.ts';

/** Settings of `data "FILE" ...`. Each input and `y` are settings too: the columns or tensors to read. */
export const DATA_SETTINGS = {
  normalize: { type: 'bool', default: false, doc: 'gives every input a mean of 0 and a deviation of 1; the model keeps both numbers' },
  split: { type: 'number', default: 1, min: 0.001, max: 1, doc: 'share of the examples to train on; the rest is held out' },
  tokens: { type: 'string', choices: ['chars', 'bytes'], doc: 'text: what one token is' },
  context: { type: 'int', min: 1, doc: 'text: tokens in one example' },
} as const satisfies Parameters;

/** Settings of `data n=100 { x = ...; y = ... }`. */
export const DRAW_SETTINGS = {
  n: { type: 'int', min: 1, doc: 'how many examples' },
  seed: { type: 'int', min: 0, max: 0x7fffffff, doc: "of the random numbers; the run's own where it is not said" },
  normalize: DATA_SETTINGS.normalize,
  split: DATA_SETTINGS.split,
} as const satisfies Parameters;

/** Settings of `train ...`. */
export const TRAIN_SETTINGS = {
  epochs: { type: 'int', min: 1, doc: 'how often the data is gone through' },
  steps: { type: 'int', min: 1, doc: 'how many updates are made, instead of epochs' },
  batch: { type: 'int', min: 1, doc: 'examples in one update; all of them where it is not said' },
  shuffle: { type: 'bool', default: false, doc: 'a new random order in every epoch' },
  seed: { type: 'int', default: 0, min: 0, max: 0x7fffffff, doc: 'of initial weights, dropout and order' },
} as const satisfies Parameters;

/** The default if a program gives neither epochs nor steps. */
export const DEFAULT_EPOCHS = 500;
