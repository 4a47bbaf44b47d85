import { fail } from '../../base/errors.ts';
import { initialValue } from '../../base/init.ts';
import { TorchRandom } from '../../base/torch-random.ts';
import { nativeDraws } from '../../draw.ts';
import { fixedShape } from '../../base/types.ts';
import { formulaOf } from '../../math/formula.ts';
import { evaluate } from '../../reference/evaluate.ts';
import type { Tensor } from '../../reference/walk.ts';
import type { Weights } from '../../runtime/api.ts';
import type { Model, PrintItem, Script } from '../../sema/model.ts';
import { openScript } from '../program.ts';
import { print, showTensor } from '../terminal.ts';
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
  show(
    script,
    script.lines.filter((l) => !l.afterTraining || !trains),
    initialState(script, flags, model?.train.seed ?? 0),
  );
  if (!trains || !model) return;
  const weights = await trainProgram({ ...program, model }, flags);
  show(
    script,
    script.lines.filter((l) => l.afterTraining),
    new Map(Object.entries(weights).map(([name, t]: [string, Weights[string]]) => [name, t.data])),
  );
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

/** Params before any training. */
function initialState(script: Script, flags: TrainFlags, seed: number): State {
  const random = flags.rng === 'torch' ? new TorchRandom(flags.seed ?? seed) : nativeDraws(flags.seed ?? seed);
  return new Map(script.params.map((p) => [p.name, initialValue(p.init, p.shape, random)]));
}

/** The output of print lines, with the parameters in `state`. */
export function printed(script: Script, lines: Script['lines'], state: State): string[] {
  if (lines.length === 0) return [];
  const value = evaluate(needed(script, lines), { inputs: new Map(), state, scalars: { step: 0, seed: 0, total: 1 } });
  const of = (output: string): Tensor => value(script.graph.outputs[output] ?? -1);
  return lines.map((line) => {
    const parts = line.items.map((item) => shownItem(script, item, of));
    return parts.join(parts.some((p) => p.includes('\n')) ? '\n' : ' ');
  });
}

function show(script: Script, lines: Script['lines'], state: State): void {
  for (const line of printed(script, lines, state)) print(line);
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
function needed(script: Script, lines: Script['lines']): Script['graph'] {
  const outputs = lines.flatMap((l) => l.items.flatMap((i) => (i.kind === 'text' ? [] : [i.output])));
  const wanted = new Set(outputs.map((o) => script.graph.outputs[o] ?? -1));
  for (let id = script.graph.nodes.length - 1; id >= 0; id--)
    if (wanted.has(id)) script.graph.nodes[id]?.inputs.forEach((i) => wanted.add(i));
  const zero = { op: 'const', inputs: [], attrs: { value: 0 }, type: { dtype: 'f32', shape: [] } } as const;
  const nodes = script.graph.nodes.map((n) => (wanted.has(n.id) ? n : { ...zero, id: n.id }));
  for (const n of nodes) fixedShape(n.type.shape);
  return { ...script.graph, nodes };
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
