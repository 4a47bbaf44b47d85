import type { Parameters } from './arguments.ts';

/** Settings of `data "FILE" ...`. Each input and `y` are settings too: the columns or tensors to read. */
export const DATA_SETTINGS = {
  normalize: {
    type: 'bool',
    default: false,
    doc: 'standardises every input to mean 0 and standard deviation 1; the model stores both numbers',
  },
  normalize_target: {
    type: 'bool',
    default: false,
    doc: 'standardises the target for the loss; predictions and metrics are in its own units. The model stores both numbers',
  },
  split: { type: 'number', default: 1, min: 0.001, max: 1, doc: 'fraction of the examples to train on; the rest is held out' },
  hold: {
    type: 'string',
    choices: ['random', 'last', 'stratified'],
    default: 'random',
    doc: 'which examples split holds out: some at random, the last ones (of data in order of time), or as many of each class',
  },
  groups: { type: 'columns', doc: 'a column, such as patient: split never puts rows of one group on both sides' },
  test: { type: 'string', doc: 'a file of held-out examples, instead of split' },
  tokens: {
    type: 'string',
    doc: 'for text: what a token is: chars, bytes, bpe (pairs of bytes that are learned from the text), or the file "tokenizer.json" of GPT-2 and its like',
  },
  vocabulary: { type: 'int', min: 257, default: 512, doc: 'for tokens=bpe: the number of tokens to learn, with the 256 bytes' },
  context: { type: 'int', min: 1, doc: 'for text: number of tokens in one example' },
  stride: { type: 'int', min: 1, doc: 'for text: tokens from one example to the next; default: context, so that examples do not overlap' },
  missing: {
    type: 'string',
    choices: ['drop', 'mean', '0', 'flag'],
    doc: 'what to do about gaps: leave the row out, fill in the mean (or the commonest word), fill in 0, or fill in the mean and add an input that is 1 where there was a gap',
  },
  resize: { type: 'bool', default: false, doc: 'for a folder of images: scales them to the size of the input' },
  words: {
    type: 'columns',
    doc: 'columns to read as words even if they hold numbers, such as postcodes, or None, NA and ?: only empty cells are gaps there',
  },
  dates: { type: 'bool', default: false, doc: 'reads dates (2026-11-29, or with a time) as days since 1970' },
  decimal: { type: 'string', choices: ['point', 'comma'], default: 'point', doc: 'how numbers are written: 1,234.5 or 1.234,5' },
  separator: { type: 'string', doc: 'what separates the cells of a CSV file; default: whichever of , ; tab | its first line has most' },
  header: { type: 'bool', doc: 'whether the first line of a CSV file names the columns; default: found out from the lines' },
} as const satisfies Parameters;

/** `test_y` and the like, for each input and target but the first input. */
export const TEST_FILE = {
  type: 'string',
  doc: 'for test="Xtest.npy": the file beside it that holds this tensor, where each tensor has a file of its own (.npy, IDX)',
} as const satisfies Parameters[string];

/** Settings of `data n=100 { x = ...; y = ... }`. */
export const DRAW_SETTINGS = {
  n: { type: 'int', min: 1, doc: 'number of examples' },
  seed: { type: 'int', min: 0, max: 0x7fffffff, doc: 'seed of the random numbers; default: the seed of the run' },
  normalize: DATA_SETTINGS.normalize,
  normalize_target: DATA_SETTINGS.normalize_target,
  split: DATA_SETTINGS.split,
} as const satisfies Parameters;

/** Settings of `train ...`. */
export const TRAIN_SETTINGS = {
  epochs: { type: 'int', min: 1, doc: 'number of passes over the data' },
  steps: { type: 'int', min: 1, doc: 'number of steps, instead of epochs: each takes one batch' },
  batch: { type: 'int', min: 1, doc: 'batch size: examples in one step; default: all. The last batch of an epoch has the rest of them' },
  shuffle: { type: 'bool', default: false, doc: 'a new random order in every epoch' },
  early_stop: {
    type: 'int',
    min: 1,
    doc: 'stops after so many epochs without a better held-out loss, and keeps the best weights; needs held-out examples (split)',
  },
  accumulate: {
    type: 'int',
    default: 1,
    min: 1,
    doc: 'updates after so many batches, by the mean of their gradients: the memory of one batch, and the effect of a larger one',
  },
  ema: {
    type: 'number',
    min: 0,
    max: 1,
    doc: 'keeps an exponential moving average of the weights, such as ema=0.999: it is what is evaluated, saved and used for predictions; in update n it keeps min(ema, (1+n)/(10+n)) of itself',
  },
  seed: { type: 'int', default: 0, min: 0, max: 0x7fffffff, doc: 'seed of the initial weights, dropout and shuffling' },
} as const satisfies Parameters;

/** The default if a program gives neither epochs nor steps. */
export const DEFAULT_EPOCHS = 500;
