import { fail } from '../base/errors.ts';
import type { DeviceChoice } from './device.ts';

/** What `nnc train` may be told. */
export interface TrainFlags {
  readonly data?: string;
  readonly steps?: number;
  readonly epochs?: number;
  readonly batch?: number;
  readonly seed?: number;
  readonly device: DeviceChoice;
  readonly init?: string;
  /** How `--init` takes weights of another model. */
  readonly allowMissing?: boolean;
  readonly rename?: readonly string[];
  readonly save?: string;
  readonly checkpoint?: string;
  readonly resume?: boolean;
  /** Keep the weights that are best on held-out examples; by the loss, or by a metric. */
  readonly saveBest?: true | string;
  /** How many checkpoints stay beside the last one. */
  readonly keep?: number;
  /** Says where a number was made that is none. */
  readonly trapNonfinite?: boolean;
  /** Draws the loss in the terminal. */
  readonly plot?: boolean;
  /** Looks for a learning rate instead of training. */
  readonly findLr?: boolean;
  readonly tensorboard?: string;
  /** A page about the training. */
  readonly report?: string;
  readonly log?: string;
  /** Bytes. */
  readonly maxMemory?: number;
  readonly profile?: string | true;
  readonly seeds?: number;
  /** Trains so many times, each time with another part of the data held out. */
  readonly folds?: number;
  readonly sweep?: readonly string[];
  readonly deterministic?: boolean;
  readonly subgroupMatrix?: boolean;
  readonly rng: 'native' | 'torch';
  readonly opt: 0 | 1;
}

/** What `nnc train` does instead of one training. */
export type Way = 'rates' | 'folds' | 'many';

interface WayText {
  /** The flags that ask for it. */
  readonly asked: readonly (keyof TrainFlags)[];
  /** What a flag is for that does not count here, and what is done instead. */
  readonly why: (flags: TrainFlags) => string;
  readonly help: string;
}

const WAYS: Readonly<Record<Way, WayText>> = {
  rates: {
    asked: ['findLr'],
    why: () => 'is for a training, and --find-lr only tries learning rates',
    help: 'leave it away, and give it when you train with the rate that is suggested',
  },
  folds: {
    asked: ['folds'],
    why: ({ folds }) => `is for one net, and --folds trains ${folds}`,
    help: 'train without --folds once you know how good it is',
  },
  many: {
    asked: ['seeds', 'sweep'],
    why: () => 'is for one net, and --seeds and --sweep train many',
    help: 'leave it away, then train the best net once more, alone: with its --seed, and its values written in the program',
  },
};

const ALL: readonly Way[] = ['rates', 'folds', 'many'];
const NONE: readonly Way[] = [];

/** Where each flag counts, besides in one training. A flag must not be taken and then do nothing. */
const COUNTS: Readonly<Record<keyof TrainFlags, readonly Way[]>> = {
  data: ALL,
  steps: ALL,
  epochs: ['folds', 'many'],
  batch: ALL,
  seed: ALL,
  device: ALL,
  init: ['rates'],
  allowMissing: ['rates'],
  rename: ['rates'],
  save: ['many'],
  checkpoint: NONE,
  resume: NONE,
  saveBest: ['many'],
  keep: NONE,
  trapNonfinite: NONE,
  plot: ['rates', 'many'],
  findLr: ['rates'],
  tensorboard: NONE,
  report: NONE,
  log: NONE,
  maxMemory: ALL,
  profile: NONE,
  seeds: ['many'],
  folds: ['folds'],
  sweep: ['many'],
  deterministic: ALL,
  subgroupMatrix: ALL,
  rng: NONE,
  opt: ALL,
};

/** What helps better than the words for all flags. */
const HELP: Readonly<Partial<Record<`${Way} ${keyof TrainFlags}`, string>>> = {
  'rates epochs': '--steps says how many rates are tried',
  'folds saveBest':
    'a fold is judged after its last epoch, or with early_stop=N in the train line after its best one; train without --folds to keep weights',
};

const isGiven = (flags: TrainFlags, name: keyof TrainFlags): boolean =>
  flags[name] !== undefined && !(name === 'rng' && flags.rng === 'native');

const shown = (flags: TrainFlags, name: keyof TrainFlags): string =>
  `--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}${name === 'rng' ? ` ${flags.rng}` : ''}`;

/** What is done instead of one training; undefined if that is asked for. */
export const wayOf = (flags: TrainFlags): Way | undefined => ALL.find((way) => WAYS[way].asked.some((name) => isGiven(flags, name)));

/** Refuses flags that say different things, or nothing here. */
export function checkFlags(flags: TrainFlags): void {
  const [first, second] = ALL.flatMap((way) => WAYS[way].asked.filter((name) => isGiven(flags, name)).slice(0, 1));
  if (first && second)
    fail('NN501', `${shown(flags, first)} and ${shown(flags, second)} ask for different runs`, { help: 'keep one of them' });
  const way = wayOf(flags);
  for (const name of Object.keys(COUNTS) as (keyof TrainFlags)[])
    if (way !== undefined && isGiven(flags, name) && !COUNTS[name].includes(way))
      fail('NN501', `${shown(flags, name)} ${WAYS[way].why(flags)}`, { help: HELP[`${way} ${name}`] ?? WAYS[way].help });
  if (flags.keep !== undefined && flags.checkpoint === undefined)
    fail('NN501', '--keep says how many checkpoints stay, and needs --checkpoint DIR');
  if (flags.steps !== undefined && flags.epochs !== undefined)
    fail('NN501', '--steps and --epochs both say how long to train', { help: 'keep one of them' });
  if (flags.resume && flags.checkpoint === undefined) fail('NN501', '--resume needs --checkpoint DIR');
  if (flags.init === undefined && (flags.allowMissing || flags.rename))
    fail('NN501', `--${flags.rename ? 'rename' : 'allow-missing'} says how to take weights over, and there are none`, {
      help: 'add --init FILE',
    });
  if (flags.resume && flags.init !== undefined) fail('NN501', '--resume and --init both say where to start', { help: 'keep one of them' });
}
