import { fail } from '../../base/errors.ts';
import { ANY_ADAPTER } from '../../codegen/backend.ts';
import { compile } from '../../compile.ts';
import { openCpuSession } from '../../node/processor.ts';
import type { Tensor, Weights } from '../../runtime/api.ts';
import { RunningModel } from '../../runtime/model.ts';
import type { Model } from '../../sema/model.ts';
import { firstRows } from '../../data/values.ts';
import { matrixText } from '../matrix.ts';
import { learnedFor, openData, openProgram, openWeights } from '../program.ts';
import { print, showNumber } from '../terminal.ts';

export interface StepFlags {
  readonly data?: string;
  readonly weights?: string;
  readonly seed?: number;
  readonly rows?: number;
}

/** Examples of a step that is walked, unless the call says otherwise. */
const FEW = 4;

/** Walks one step of the training loop with all its numbers, in the order in which a tutorial explains it. */
export async function stepCommand(path: string, flags: StepFlags): Promise<void> {
  const program = await openProgram(path);
  const { model } = program;
  if (!model.training || !model.optim)
    return fail('NN207', `${path} has no ${model.training ? 'optim' : 'loss'} line, so there is no step to walk`, {
      help: model.training ? 'add a line such as: optim adam lr=0.01' : 'add a line such as: loss mse',
    });
  if (model.turns.length > 0) return fail('NN207', `${path} trains several losses in turn, and one step of one loss is walked`);
  const saved = flags.weights === undefined ? undefined : await openWeights(flags.weights);
  const data = await openData(program, flags.data, undefined, learnedFor(model, saved));
  const rows = Math.min(flags.rows ?? FEW, data.rows);
  const some = data.tensors.map((t) => firstRows(t, data.rows, rows));
  const stages = model.stages.filter((s) => model.named.has(s.path));
  const params = model.params.map((p) => p.name).filter((name) => model.named.has(name));
  const inputs = [...model.inputs, ...model.targets].map((i) => i.name).filter((name) => model.named.has(name));
  const watch = [
    ...new Set([
      ...inputs,
      ...stages.map((s) => s.path),
      'loss',
      ...stages.map((s) => `grad(${s.path})`),
      ...params.map((p) => `grad(${p})`),
    ]),
  ];
  const plain: Model = { ...model, train: { ...model.train, shuffle: false, batch: undefined } };
  const { plan } = compile(plain, { rows, watch, devices: 'cpu', adapter: ANY_ADAPTER, statistics: data.statistics, seed: flags.seed });
  const open = async (weights: Weights | undefined): Promise<RunningModel> => {
    const opened = await RunningModel.open(openCpuSession(plan, ''), { weights, seed: flags.seed, from: flags.weights });
    opened.setData(...some);
    return opened;
  };
  const running = await open(saved?.weights);
  const [before, seen] = [await running.weights(), await running.watch()];
  await running.train({ until: 1 });
  const after = await running.weights();
  running.destroy();
  const next = await open(after);
  const { loss: later } = await next.watch(['loss']);
  next.destroy();
  walk(model, { rows, inputs, stages, params, before, after, seen, later });
}

interface Walk {
  readonly rows: number;
  readonly inputs: readonly string[];
  readonly stages: Model['stages'];
  readonly params: readonly string[];
  readonly before: Weights;
  readonly after: Weights;
  readonly seen: Weights;
  readonly later: Tensor | undefined;
}

function walk(model: Model, w: Walk): void {
  const of = (name: string): Tensor => w.seen[name] ?? { shape: [], data: new Float32Array([NaN]) };
  const value = (name: string, tensor: Tensor): void => print(`  ${name}  [${tensor.shape.join(', ')}]\n${matrixText(tensor)}`);
  const title = (text: string, torch: string): void => print(`${text}${' '.repeat(Math.max(2, 52 - text.length))}# ${torch}`);
  const named = ({ path, text }: Model['stages'][number]): string => (/^\d/.test(path) ? text : `${path}: ${text}`);
  const loss = of('loss').data[0] ?? NaN;

  title(`1. Forward: ${w.rows} example${w.rows === 1 ? '' : 's'} go through the model`, 'pred = model(x)');
  for (const name of w.inputs) if (name !== 'target') value(name, of(name));
  for (const s of w.stages) value(`-> ${named(s)}`, of(s.path));
  print();
  title('2. Loss: how wrong it is', 'loss = loss_fn(pred, y)');
  for (const t of model.targets) if (w.inputs.includes(t.name)) value(t.shown === 'y' ? 'the target' : t.shown, of(t.name));
  print(`  ${model.loss ?? 'loss'} = ${showNumber(loss)}`);
  print();
  title('3. Clear the gradients', 'optimizer.zero_grad()');
  print('  Nothing to do: gradients do not pile up here, each step has its own.');
  print();
  title('4. Backward: how the loss changes with each value', 'loss.backward()');
  for (const s of [...w.stages].reverse()) {
    value(`d loss / d (${named(s)})`, of(`grad(${s.path})`));
    for (const p of w.params.filter((name) => name.slice(0, name.lastIndexOf('.')) === s.path)) value(`d loss / d ${p}`, of(`grad(${p})`));
  }
  const told = new Set(w.stages.map((s) => s.path));
  for (const p of w.params.filter((name) => !told.has(name.slice(0, name.lastIndexOf('.'))))) value(`d loss / d ${p}`, of(`grad(${p})`));
  print();
  title(`5. Step: ${model.optim?.name ?? ''} moves every weight`, 'optimizer.step()');
  for (const p of w.params) {
    const [old, now] = [w.before[p], w.after[p]];
    if (!old || !now) continue;
    const moved = { shape: old.shape, data: Float32Array.from(now.data, (v, i) => v - (old.data[i] ?? 0)) };
    print(`  ${p}  [${old.shape.join(', ')}]`);
    print(`   before\n${matrixText(old)}\n   moves by\n${matrixText(moved)}\n   after\n${matrixText(now)}`);
  }
  const later = w.later?.data[0] ?? NaN;
  print();
  print(`The loss of the same examples was ${showNumber(loss)} and is ${showNumber(later)} now.`);
}
