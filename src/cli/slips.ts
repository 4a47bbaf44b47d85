import { fail } from '../base/errors.ts';

/** Flags that other tools have and nnc does not, since the program says it. */
const IN_THE_PROGRAM: Readonly<Record<string, string>> = {
  lr: 'optim adam lr=0.01',
  'learning-rate': 'optim adam lr=0.01',
  momentum: 'optim sgd lr=0.01 momentum=0.9',
  'weight-decay': 'optim adamw lr=0.01 weight_decay=0.01',
  optimizer: 'optim adam lr=0.01',
  optim: 'optim adam lr=0.01',
  loss: 'loss mse',
  metric: 'metric accuracy',
  dropout: '-> Dropout(0.1)',
  precision: 'precision f16',
  fp16: 'precision f16',
  shuffle: 'train shuffle',
  split: 'data "FILE" split=0.9',
  'early-stop': 'train early_stop=10',
  patience: 'train early_stop=10',
};

/** Flags that are called otherwise here. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  'batch-size': '--batch',
  bs: '--batch',
  epoch: '--epochs',
  'num-epochs': '--epochs',
  'max-steps': '--steps',
  iterations: '--steps',
  gpu: '--device gpu',
  cpu: '--device cpu',
  cuda: '--device gpu',
  output: '--out',
  'random-seed': '--seed',
  load: '--init (weights) or --resume (a checkpoint)',
};

/** Recognises calls that mean something else than they say, and says how to write them. */
export function catchSlips(args: readonly string[], commands: readonly string[]): void {
  const [first] = args;
  if (first !== undefined && !first.startsWith('-') && !commands.includes(first)) {
    if (first.endsWith('.nn'))
      fail('NN501', `${first} is a program, and nnc needs to know what to do with it`, { help: `train it with: nnc train ${first}` });
    if (/\.(csv|tsv|jsonl?)$/i.test(first))
      fail('NN501', `${first} is a table, and nnc needs a program`, { help: `write a first one with: nnc new NAME --data ${first}` });
  }
  for (const arg of args) {
    const name = /^--([\w-]+)/.exec(arg)?.[1]?.replaceAll('_', '-');
    if (name === undefined) continue;
    const other = OTHER_NAMES[name];
    if (other !== undefined) fail('NN501', `there is no flag ${arg}`, { help: `here it is ${other}` });
    const line = IN_THE_PROGRAM[name];
    if (line !== undefined) fail('NN501', `there is no flag ${arg}: the program says it`, { help: `write in the .nn file: ${line}` });
  }
}

/** What `nnc` alone says. */
export const FIRST_STEPS = `nnc trains neural networks that are written in .nn files. To begin:

  nnc new house                              copy an example: house prices
  nnc new mine --data mine.csv               write a first program for your own table
  nnc train house.nn --save house.safetensors
  nnc predict house.nn --weights house.safetensors --input 3.0

  nnc --help shows all commands, and nnc train --help all flags of one.
`;
