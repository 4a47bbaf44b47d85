import { fail } from '../../base/errors.ts';
import { ANY_ADAPTER } from '../../codegen/backend.ts';
import { compile } from '../../compile.ts';
import { openCpuSession } from '../../node/processor.ts';
import type { Tensor, Weights } from '../../runtime/api.ts';
import { RunningModel } from '../../runtime/model.ts';
import type { Model } from '../../sema/model.ts';
import { firstRows } from '../../data/values.ts';
import { evalScalar } from '../../base/scalar.ts';
import { matrixText } from '../matrix.ts';
import { learnedFor, openData, openProgram, openWeights } from '../program.ts';
import { firstRate } from '../rates.ts';
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
  const params = model.params.map((p) => p.name).filter((name) => model.named.has(name));
  const inputs = [...model.inputs, ...model.targets].map((i) => i.name).filter((name) => model.named.has(name));
  const values = valuesOf(model, model.training, new Set([...params, ...inputs]));
  const watch = [
    ...new Set([
      ...inputs,
      ...values.map((v) => v.name),
      'loss',
      ...values.map((v) => `grad(${v.name})`),
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
  const rate = firstRate(plan);
  const lr = rate === undefined ? undefined : evalScalar(rate, { step: 0, seed: 0, total: plan.train?.steps ?? 1, rows });
  walk(model, { rows, inputs, values, params, before, after, seen, later, lr });
}

/** A value on the way through the model: of a stage, or one that the program names. */
interface Named {
  readonly name: string;
  readonly shown: string;
}

/** The values between inputs and loss, in the order in which they are computed. A stage that is used again is shown once, with its last value. */
function valuesOf(model: Model, training: NonNullable<Model['training']>, known: ReadonlySet<string>): Named[] {
  const stages = new Map(model.stages.map(({ path, text }) => [path, /^\d/.test(path) ? `-> ${text}` : `-> ${path}: ${text}`]));
  // The last stage is the output, whatever other names it has.
  const shownNodes = new Set([...stages.keys()].flatMap((path) => model.named.get(path) ?? []));
  return [...model.named]
    .filter(([name, id]) => {
      const type = training.nodes[id]?.type;
      const own = stages.has(name) || !(known.has(name) || name === 'loss' || name === 'pred' || shownNodes.has(id));
      return own && type?.dtype === 'f32' && type.shape.some((d) => typeof d !== 'number');
    })
    .sort(([, a], [, b]) => a - b)
    .map(([name]) => ({ name, shown: stages.get(name) ?? `${name} =` }));
}

interface Walk {
  readonly rows: number;
  readonly inputs: readonly string[];
  readonly values: readonly Named[];
  readonly params: readonly string[];
  readonly before: Weights;
  readonly after: Weights;
  readonly seen: Weights;
  readonly later: Tensor | undefined;
  /** The learning rate of the step. */
  readonly lr: number | undefined;
}

function walk(model: Model, w: Walk): void {
  const of = (name: string): Tensor => w.seen[name] ?? { shape: [], data: new Float32Array([NaN]) };
  const value = (name: string, tensor: Tensor): void => print(`  ${name}  [${tensor.shape.join(', ')}]\n${matrixText(tensor)}`);
  const title = (text: string, torch: string): void => print(`${text}${' '.repeat(Math.max(2, 52 - text.length))}# ${torch}`);
  const loss = of('loss').data[0] ?? NaN;

  title(`1. Forward: ${w.rows} example${w.rows === 1 ? '' : 's'} go through the model`, 'pred = model(x)');
  for (const name of w.inputs) if (name !== 'target') value(name, of(name));
  for (const v of w.values) value(v.shown, of(v.name));
  print();
  title('2. Loss: how wrong it is', 'loss = loss_fn(pred, y)');
  for (const t of model.targets) if (w.inputs.includes(t.name)) value(t.shown === 'y' ? 'the target' : t.shown, of(t.name));
  print(`  ${model.loss ?? 'loss'} = ${showNumber(loss)}`);
  print();
  title('3. Clear the gradients', 'optimizer.zero_grad()');
  print('  Nothing to do: gradients do not pile up here, each step has its own.');
  print();
  title('4. Backward: how the loss changes with each value', 'loss.backward()');
  const stageOf = (param: string): string => param.slice(0, param.lastIndexOf('.'));
  for (const { name, shown } of [...w.values].reverse()) {
    value(`d loss / d ${shown.startsWith('-> ') ? `(${shown.slice(3)})` : name}`, of(`grad(${name})`));
    for (const p of w.params.filter((q) => stageOf(q) === name)) value(`d loss / d ${p}`, of(`grad(${p})`));
  }
  const told = new Set(w.values.map((v) => v.name));
  for (const p of w.params.filter((q) => !told.has(stageOf(q)))) value(`d loss / d ${p}`, of(`grad(${p})`));
  print();
  const rate = w.lr === undefined ? '' : `, lr=${showNumber(w.lr).replace(/\.?0+$/, '')}`;
  title(`5. Step: ${model.optim?.name ?? ''} moves every weight${rate}`, 'optimizer.step()');
  for (const p of w.params) {
    const [old, now] = [w.before[p], w.after[p]];
    if (!old || !now) continue;
    if (model.optim?.frozen.has(p)) {
      print(`  ${p}  [${old.shape.join(', ')}]  is frozen and stays as it is`);
      continue;
    }
    const moved = { shape: old.shape, data: Float32Array.from(now.data, (v, i) => v - (old.data[i] ?? 0)) };
    print(`  ${p}  [${old.shape.join(', ')}]`);
    print(`   before\n${matrixText(old)}\n   moves by\n${matrixText(moved)}\n   after\n${matrixText(now)}`);
  }
  const later = w.later?.data[0] ?? NaN;
  print();
  print(`The loss of the same examples was ${showNumber(loss)} and is ${showNumber(later)} now.`);
}
