import { mustBe } from '../base/calls.ts';
import { mustBeBytes, mustBeCall } from './calls.ts';
import { fail } from '../base/errors.ts';
import { loadDataset, readDataset } from '../data/dataset.ts';
import type { Beside, Companions, Dataset } from '../data/needs.ts';
import type { KnownLearned } from '../base/learned.ts';
import { Data } from './data.ts';
import { needsOf } from './needs.ts';
import { prepare } from './prepare.ts';
import type { Program } from './program.ts';

export interface ReadOptions {
  /** The file's name. Its ending tells the format: .csv, .tsv, .json, .jsonl, .npy, .npz, .safetensors, idx or .txt, each also with .gz. */
  readonly name: string;
  /** Other files that the program refers to, by path. */
  readonly files?: Readonly<Record<string, Uint8Array>> | ((path: string) => Uint8Array | undefined) | undefined;
  /** What the weights that you will use learned from their data (`readLearned`): categories, classes and vocabulary. */
  readonly known?: KnownLearned | undefined;
}

const givenIn = ({ files }: ReadOptions, path: string): Uint8Array | undefined =>
  typeof files === 'function' ? files(path) : files?.[path];

const besideOf =
  (options: ReadOptions): Beside =>
  (path) =>
    givenIn(options, path) ?? fail('NN301', `${path} was not given`, { help: 'give it in files' });

/** Reads a file of examples as the program's `data` statement says. Throws a `UserError` with the place of the error. */
export function readData(program: Program, bytes: Uint8Array, options: ReadOptions): Data {
  check('readData', program, bytes, options);
  const needs = needsOf(program.checkedModel, true, options.known);
  return prepareAll(program, readDataset(options.name, bytes, needs, besideOf(options)), options);
}

/** The same for every kind of file, also for .parquet. */
export async function loadData(program: Program, bytes: Uint8Array, options: ReadOptions): Promise<Data> {
  check('loadData', program, bytes, options);
  const needs = needsOf(program.checkedModel, true, options.known);
  return prepareAll(program, await loadDataset(options.name, bytes, needs, besideOf(options)), options);
}

function check(call: string, program: unknown, bytes: unknown, options: ReadOptions): void {
  mustBeCall(call, program, options);
  mustBeBytes(bytes);
  mustBe(typeof options.name === 'string', "'name' is the name of the file, whose ending tells the format", options.name);
}

/** Splits examples as the program says, with its own file of held-out ones. */
export function prepareAll(program: Program, all: Dataset, options: ReadOptions): Data {
  const { name, known } = options;
  const model = program.checkedModel;
  const test = model.data?.test;
  if (test === undefined) return new Data(model, prepare(model, all));
  const learned = known ?? (all.learned && { ...all.learned, from: name });
  // Files beside it are given by their path with its folder, or without.
  const folder = folderOf(test);
  const apart = (path: string): Uint8Array | undefined =>
    folder === folderOf(model.data?.path ?? '') ? undefined : givenIn(options, folder + path);
  const companions: Companions = {
    named: model.data?.testFiles ?? new Map(),
    owner: (path) => (apart(path) ? undefined : name),
    write: (of) => `name it in the data line: test="${test}" test_${of}="FILE"`,
  };
  const beside = besideOf(options);
  const held = readDataset(test, beside(test), { ...needsOf(model, true, learned), companions }, (path) => apart(path) ?? beside(path));
  return new Data(model, prepare(model, all, held));
}

const folderOf = (path: string): string => path.replace(/[^\\/]*$/, '');
