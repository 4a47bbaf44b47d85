import { datasetOf } from '../data/arrays.ts';
import type { Dataset } from '../data/needs.ts';
import { inMemory } from '../data/values.ts';
import type { Names } from '../planning/options.ts';
import type { Model } from '../sema/model.ts';
import { needsOf } from './needs.ts';
import { prepare, type Prepared } from './prepare.ts';
import type { Program } from './program.ts';

type Arrays = Readonly<Record<string, Float32Array | Int32Array>>;

/** Examples that fit a program: read or drawn, checked, split, and ready for a device. */
export class Data {
  /** The number of training examples. */
  readonly rows: number;
  /** Each input and each target by name, row-major. */
  readonly train: Arrays;
  /** The holdout, if the program says `split`. */
  readonly holdout: { readonly rows: number; readonly arrays: Arrays } | undefined;
  /** Initial values of states, by name: the means and deviations of `normalize`. */
  readonly statistics: ReadonlyMap<string, readonly number[]>;
  /** Names from the data: columns, classes, vocabulary. */
  readonly names: Names;
  /** Notes about how values were converted. */
  readonly remarks: readonly string[];

  constructor(model: Model, prepared: Prepared) {
    const arrays = ({ tensors }: Dataset): Arrays =>
      Object.fromEntries(
        [...model.inputs.map((i) => i.name), ...model.targets.map((t) => t.shown)].map((name, i) => [
          name,
          tensors[i] ? inMemory(tensors[i]) : new Float32Array(0),
        ]),
      );
    this.rows = prepared.rows;
    this.train = arrays(prepared);
    this.holdout = prepared.holdout && { rows: prepared.holdout.rows, arrays: arrays(prepared.holdout) };
    this.statistics = prepared.statistics;
    this.names = prepared.names;
    this.remarks = [...(prepared.remarks ?? []), ...prepared.advice];
  }
}

/** Turns arrays by name into data of a program; a `Data` is returned as it is. */
export function dataOf(program: Program, given: Data | Readonly<Record<string, ArrayLike<number>>>): Data {
  if (given instanceof Data) return given;
  const model = program.checkedModel;
  return new Data(model, prepare(model, datasetOf(given, needsOf(model, true))));
}
