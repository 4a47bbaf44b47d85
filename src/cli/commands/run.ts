import { fail } from '../../base/errors.ts';
import { TorchRandom } from '../../base/torch-random.ts';
import type { Weights } from '../../runtime/api.ts';
import { initialState, MOST, printed, type PrintedExamples, type State } from '../../library/printing.ts';
import type { Model, Script } from '../../sema/model.ts';
import { firstRows } from '../../data/values.ts';
import { openData, openScript, type OpenProgram } from '../program.ts';
import { note, print } from '../terminal.ts';
import type { TrainFlags } from '../train-flags.ts';
import { trainProgram } from './train.ts';

/** Evaluates the print lines, and trains where the program says `train`: later lines see the trained weights. */
export async function run(path: string, flags: TrainFlags): Promise<void> {
  const program = await openScript(path);
  const { model, script } = program;
  const trains = model?.training !== undefined && model.optim !== undefined && script.trains;
  if (script.lines.length === 0 && !trains)
    fail('NN207', `${path} has nothing to run${lacks(program)}`, {
      help: 'add a line such as: print 1 + 1, or data, loss, optim and train',
    });
  const examples = model && script.lines.some((l) => l.ofExamples) ? await examplesOf({ ...program, model }, flags) : undefined;
  const seed = flags.seed ?? model?.train.seed ?? 0;
  const before = new Map([
    ...initialState(script, model, seed, flags.rng === 'torch' ? new TorchRandom(seed) : undefined),
    ...(examples?.statistics ?? []),
  ]);
  show(
    script,
    script.lines.filter((l) => !l.afterTraining || !trains),
    before,
    examples,
  );
  if (!trains || !model) return;
  const weights = await trainProgram({ ...program, model }, flags);
  show(
    script,
    script.lines.filter((l) => l.afterTraining),
    new Map(Object.entries(weights).map(([name, t]: [string, Weights[string]]) => [name, t.data])),
    examples,
  );
}

/** The first training examples. */
async function examplesOf(program: OpenProgram, flags: TrainFlags): Promise<PrintedExamples> {
  const { model } = program;
  const data = await openData(program, flags.data);
  const rows = Math.min(MOST, data.rows);
  note(
    `printed values of examples, such as pred and loss, are those of ${rows < data.rows ? `the first ${rows}` : 'all'} training examples`,
  );
  const names = [...model.inputs, ...model.targets].map((i) => i.name);
  const inputs = new Map(
    names.flatMap((name, i) => (data.tensors[i] ? [[name, firstRows(data.tensors[i], data.rows, rows)] as const] : [])),
  );
  return { rows, inputs, statistics: data.statistics };
}

/** What a program lacks that should train. */
function lacks({ model, script }: { readonly model: Model | undefined; readonly script: Script }): string {
  const missing = [
    ...(model ? [] : ['a layer line']),
    ...(model && !model.training ? ['a loss line'] : []),
    ...(model && !model.optim ? ['an optim line'] : []),
    ...(script.trains ? [] : ['a train line']),
  ];
  return model || script.trains ? `: it lacks ${missing.join(' and ')}` : '';
}

function show(script: Script, lines: Script['lines'], state: State, examples: PrintedExamples | undefined): void {
  for (const line of printed(script, lines, state, examples)) print(line);
}
