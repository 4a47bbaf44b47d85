import { isRecord, mustBe } from '../base/calls.ts';
import { checkWhole } from '../base/whole.ts';
import { mustBeCall } from './calls.ts';
import { firstRows } from '../data/values.ts';
import type { Data } from './data.ts';
import { initialState, MOST, printed, type PrintedExamples, type State } from './printing.ts';
import type { Program } from './program.ts';

export interface PrintOptions {
  /** The examples of values that depend on the inputs, such as `pred` and `loss`. */
  readonly data?: Data | undefined;
  /** Weights of a trained model: prints what stands behind `train`. Without them, what is printed before training. */
  readonly weights?: Readonly<Record<string, { readonly data: ArrayLike<number> }>> | undefined;
  /** The seed of initial weights; the program's own by default. */
  readonly seed?: number | undefined;
}

/** What the program's `print` lines print, line by line, in float64. Throws a `UserError` if the program has errors. */
export function printsOf(program: Program, options: PrintOptions = {}): readonly string[] {
  mustBeCall('printsOf', program, options);
  const { data, weights, seed } = options;
  mustBe(data === undefined || isRecord((data as Partial<Data> | null)?.train), "'data' is what readData gives", data);
  mustBe(weights === undefined || isRecord(weights), "'weights' are tensors by name", weights);
  checkWhole({ seed: 0 }, { seed });
  const { script, model } = program.checkedScript;
  const trains = model?.training !== undefined && model.optim !== undefined && script.trains;
  const lines = script.lines.filter((l) => (weights ? l.afterTraining && trains : !(l.afterTraining && trains)));
  const from = seed ?? model?.train.seed ?? 0;
  const initial = (): State => new Map([...initialState(script, model, from), ...(data?.statistics ?? [])]);
  const state = weights ? new Map(Object.entries(weights).map(([name, t]) => [name, t.data])) : initial();
  return printed(script, lines, state, data && examplesOf(data));
}

/** The first training examples. */
function examplesOf({ rows: all, train, statistics }: Data): PrintedExamples {
  const rows = Math.min(MOST, all);
  return { rows, inputs: new Map(Object.entries(train).map(([name, t]) => [name, firstRows(t, all, rows)])), statistics };
}
