import { fail } from '../../base/errors.ts';
import { initialStream, initialValue, type RandomSource } from '../../base/init.ts';
import { TorchRandom } from '../../base/torch-random.ts';
import { nativeDraws } from '../../draw.ts';
import { fixedShape } from '../../base/types.ts';
import { formulaOf } from '../../math/formula.ts';
import { evaluate } from '../../reference/evaluate.ts';
import type { Tensor } from '../../reference/walk.ts';
import type { Weights } from '../../runtime/api.ts';
import type { Model, PrintItem, Script } from '../../sema/model.ts';
import { firstRows } from '../../data/values.ts';
import { bindBatch } from '../../passes/graph/cleanup.ts';
import { openData, openScript, type OpenProgram } from '../program.ts';
import { note, print, showTensor } from '../terminal.ts';
import { trainProgram, type TrainFlags } from './train.ts';

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
  const before = new Map([...initialState(script, flags, model), ...(examples?.statistics ?? [])]);
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

/** The most examples whose values are printed, and the most rows of a tensor of them. */
const MOST = 256;
const ROWS = 6;

/** Examples for values that depend on the inputs. */
interface Examples {
  readonly rows: number;
  readonly inputs: ReadonlyMap<string, ArrayLike<number>>;
  readonly statistics: ReadonlyMap<string, readonly number[]>;
}

/** The first training examples. */
async function examplesOf(program: OpenProgram, flags: TrainFlags): Promise<Examples> {
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

type State = ReadonlyMap<string, ArrayLike<number>>;

/** Params before any training; those of a model are the ones that its training begins with. */
function initialState(script: Script, flags: TrainFlags, model: Model | undefined): State {
  const seed = flags.seed ?? model?.train.seed ?? 0;
  const random = flags.rng === 'torch' ? new TorchRandom(seed) : nativeDraws(seed);
  const drawn = (i: number): RandomSource => (model && flags.rng !== 'torch' ? initialStream(seed, i, 0) : random);
  return new Map(script.params.map((p, i) => [p.name, initialValue(p.init, p.shape, drawn(i))]));
}

/** The output of print lines, with the parameters in `state`. */
export function printed(script: Script, lines: Script['lines'], state: State, examples?: Examples): string[] {
  if (lines.length === 0) return [];
  const graph = needed(script, lines, examples?.rows);
  const value = evaluate(graph, { inputs: examples?.inputs ?? new Map(), state, scalars: { step: 0, seed: 0, total: 1 } });
  const of = (output: string): Tensor => value(graph.outputs[output] ?? -1);
  return lines.map((line) => {
    const parts = line.items.map((item) => (line.ofExamples ? shownValue(item, of, examples?.rows) : shownItem(script, item, of)));
    return parts.join(parts.some((p) => p.includes('\n')) ? '\n' : ' ');
  });
}

function show(script: Script, lines: Script['lines'], state: State, examples: Examples | undefined): void {
  for (const line of printed(script, lines, state, examples)) print(line);
}

/** A value of examples: of many rows only the first, and of a derivative no formula, which would go through the whole model. */
function shownValue(item: PrintItem, of: (output: string) => Tensor, rows: number | undefined): string {
  if (item.kind === 'text') return item.text;
  const { shape, data } = of(item.output);
  const [first = 1, ...rest] = shape;
  const cut = first === rows && first > ROWS;
  const each = rest.reduce((a, b) => a * b, 1);
  const text = cut
    ? `${showTensor({ shape: [ROWS, ...rest], data: Array.from(data).slice(0, ROWS * each) })}\n... and ${first - ROWS} rows more`
    : showTensor({ shape, data });
  return item.kind === 'gradient' ? `${derivativeName(item.of, item.wrt)} = ${text}` : text;
}

function shownItem(script: Script, item: PrintItem, of: (output: string) => Tensor): string {
  if (item.kind === 'text') return item.text;
  const text = showTensor(of(item.output));
  if (item.kind === 'value') return text;
  const name = derivativeName(item.of, item.wrt);
  const formula = formulaOf(script.graph, item.output);
  // Print a constant derivative once, and only the numbers if the formula is too long.
  if (formula === undefined || formula === text) return `${name} = ${text}`;
  return `${name} = ${formula}\n${' '.repeat(name.length)} = ${text.replaceAll('\n', `\n${' '.repeat(name.length + 3)}`)}`;
}

/** The graph of the values that the lines print; values that depend on inputs cannot be computed here. */
function needed(script: Script, lines: Script['lines'], rows: number | undefined): Script['graph'] {
  const outputs = lines.flatMap((l) => l.items.flatMap((i) => (i.kind === 'text' ? [] : [i.output])));
  const wanted = new Set(outputs.map((o) => script.graph.outputs[o] ?? -1));
  for (let id = script.graph.nodes.length - 1; id >= 0; id--)
    if (wanted.has(id)) script.graph.nodes[id]?.inputs.forEach((i) => wanted.add(i));
  const zero = { op: 'const', inputs: [], attrs: { value: 0 }, type: { dtype: 'f32', shape: [] } } as const;
  const nodes = script.graph.nodes.map((n) => (wanted.has(n.id) ? n : { ...zero, id: n.id }));
  const graph = { ...script.graph, nodes };
  const known = Object.fromEntries(outputs.map((o) => [o, graph.outputs[o] ?? -1]));
  const bound = rows === undefined ? graph : bindBatch({ ...graph, outputs: known }, rows);
  for (const n of bound.nodes) fixedShape(n.type.shape);
  return bound;
}

/** `dy/dx`, `d^2y/dx^2`. */
function derivativeName(of: string, wrt: string): string {
  let [inner, order] = [of, 1];
  for (let m = /^grad\((.*), *(\w+)\)$/.exec(inner); m && m[2] === wrt; m = /^grad\((.*), *(\w+)\)$/.exec(inner)) {
    inner = m[1] ?? '';
    order++;
  }
  const shown = /^\w+$/.test(inner) ? inner : `(${inner})`;
  return order === 1 ? `d${shown}/d${wrt}` : `d^${order}${shown}/d${wrt}^${order}`;
}
