import type { DiagnosticSink } from '../base/diagnostics.ts';
import type { Source, Span } from '../base/source.ts';
import { hint } from '../base/suggest.ts';
import { BATCH, type TensorType } from '../base/types.ts';
import { GraphBuilder } from '../ir/graph/builder.ts';
import type { Graph } from '../ir/graph/types.ts';
import type * as A from '../parser/ast.ts';
import { bindArguments, type AnyArgs } from './arguments.ts';
import { buildChain, inferInput, resolveStages, type Built } from './chain.ts';
import { Scope, evalConst } from './constants.ts';
import { LOSSES, reduceLoss, type Loss } from './losses.ts';
import type { DataSpec, Model, OptimSettings, TrainSpec } from './model.ts';
import { OPTIMIZERS } from './optimizers.ts';
import { DATA_SETTINGS, TRAIN_SETTINGS } from './settings.ts';

const INPUT_DTYPES = { int: 'i32', float: 'f32' } as const;

/** Tree to model. Undefined if anything is wrong; the sink then says what. */
export function analyze(source: Source, program: A.Program, sink: DiagnosticSink): Model | undefined {
  const name = (source.name.split(/[\\/]/).at(-1) ?? 'model').replace(/\.nn$/, '').replace(/\W+/g, '_') || 'model';
  const scope = new Scope();
  const once = new Map<string, A.Statement>();
  const chains: A.Expr[] = [];
  for (const s of program.statements) {
    if (s.kind === 'let') {
      if (!scope.define(s.name.text, evalConst(s.value, scope, sink), s.name.span))
        sink.error('NN205', s.name.span, `'${s.name.text}' is defined already`, { help: 'choose another name' });
    } else if (s.kind === 'layer') chains.push(s.chain);
    else {
      if (once.has(s.kind))
        sink.error('NN208', s.span, `there is ${/^[aeiou]/.test(s.kind) ? 'an' : 'a'} ${s.kind} statement already`, {
          help: 'keep one of them',
        });
      once.set(s.kind, s);
    }
  }
  const get = <K extends A.Statement['kind']>(kind: K): Extract<A.Statement, { kind: K }> | undefined =>
    once.get(kind) as Extract<A.Statement, { kind: K }> | undefined;

  const stages = resolveStages(chains, scope, sink);
  if (stages.length === 0 && sink.errors.length === 0) {
    sink.error('NN207', { source, start: 0, end: 1 }, 'there is no model', {
      help: 'add a line such as: layer Linear(1, 16) -> relu -> Linear(16, 1)',
    });
  }
  const input = inputOf(get('input'), stages, scope, sink);
  const built = input && buildChain(name, input, stages, false, sink);
  const loss = lossOf(get('loss'), scope, sink);
  const optim = optimOf(get('optim'), scope, sink);
  const data = dataOf(get('data'), scope, sink);
  const train = trainOf(get('train'), scope, sink);
  const target = built && loss && targetOf(loss, built, sink);
  // A misspelt use makes a name look unused, so warnings wait until the rest is right.
  if (sink.errors.length === 0)
    for (const unused of scope.unused()) sink.warn('NN213', unused.span, `'${unused.name}' is never used`, 'take it away, or use it');
  if (!input || !built || !train || sink.errors.length > 0) return undefined;

  const training = loss && target ? buildChain(name, input, stages, true, sink) : undefined;
  return {
    name,
    input,
    output: built.b.type(built.pred),
    target: target && loss ? { type: target, classes: loss.loss.classes?.(built.b.type(built.pred)) } : undefined,
    params: built.params,
    stages: built.stages,
    predict: finish(built, undefined, undefined),
    training: training && finish(training, loss, target),
    loss: loss?.name,
    optim,
    data,
    train,
  };
}

interface ChosenLoss {
  readonly name: string;
  readonly loss: Loss;
  readonly args: AnyArgs;
  readonly span: Span;
}

function finish(built: Built, loss: ChosenLoss | undefined, target: TensorType | undefined): Graph {
  const b = new GraphBuilder(built.b.name, built.b.graph());
  b.outputs['pred'] = built.pred;
  if (loss && target) {
    const t = b.add('input', [], { name: 'target' }, target, { name: 'target' });
    b.outputs['loss'] = b.within({ name: `loss ${loss.name}` }, () =>
      reduceLoss(b, loss.args, loss.loss.each(b, loss.args, built.pred, t)),
    );
  }
  return b.graph();
}

function inputOf(
  s: A.InputStatement | undefined,
  stages: Parameters<typeof inferInput>[0],
  scope: Scope,
  sink: DiagnosticSink,
): Model['input'] | undefined {
  if (!s) {
    const type = inferInput(stages);
    if (type) return { name: 'x', type };
    const first = stages[0];
    if (first && sink.errors.length === 0)
      sink.error('NN209', first.span, `${first.text} does not tell the shape of what flows in`, { help: 'declare it: input x: [28, 28]' });
    return undefined;
  }
  if (s.name.text === 'target') {
    sink.error('NN205', s.name.span, "'target' is what the loss compares with", { help: 'give the input another name' });
    return undefined;
  }
  const kind = s.dtype?.text ?? 'float';
  if (!Object.hasOwn(INPUT_DTYPES, kind)) {
    sink.error('NN204', s.dtype?.span ?? s.span, `'${kind}' is not a type of input`, {
      help: hint(kind, Object.keys(INPUT_DTYPES), 'types'),
    });
    return undefined;
  }
  const dims: number[] = [];
  for (const e of s.dims) {
    const v = evalConst(e, scope, sink);
    if (typeof v === 'number' && Number.isInteger(v) && v > 0) dims.push(v);
    else if (v !== undefined)
      sink.error('NN206', e.span, 'a size is a whole number above 0', { help: 'leave the batch away: it is always the first axis' });
  }
  return dims.length === s.dims.length
    ? { name: s.name.text, type: { dtype: INPUT_DTYPES[kind as 'int'], shape: [BATCH, ...dims] } }
    : undefined;
}

function lossOf(s: A.LossStatement | undefined, scope: Scope, sink: DiagnosticSink): ChosenLoss | undefined {
  if (!s) return undefined;
  const { value } = s;
  if (value.kind !== 'name' && value.kind !== 'call') {
    sink.error('NN201', value.span, 'the name of a loss is needed here', { help: `losses: ${Object.keys(LOSSES).join(', ')}` });
    return undefined;
  }
  const [name, args, span] = value.kind === 'name' ? [value.name, [], value.span] : [value.callee.text, value.args, value.callee.span];
  const loss = Object.hasOwn(LOSSES, name) ? LOSSES[name] : undefined;
  if (!loss) {
    sink.error('NN201', span, `there is no loss '${name}'`, { help: hint(name, Object.keys(LOSSES), 'losses') });
    return undefined;
  }
  const bound = bindArguments({ callee: name, span: value.span, args }, loss.parameters, [], scope, sink);
  return bound && { name, loss, args: bound, span: value.span };
}

function targetOf(chosen: ChosenLoss, built: Built, sink: DiagnosticSink): TensorType | undefined {
  const target = chosen.loss.target(built.b.type(built.pred));
  if (!('code' in target)) return target;
  sink.error(target.code, chosen.span, target.label, target.help ? { help: target.help } : {});
  return undefined;
}

function optimOf(s: A.OptimStatement | undefined, scope: Scope, sink: DiagnosticSink): Model['optim'] {
  if (!s) return undefined;
  const parameters = Object.hasOwn(OPTIMIZERS, s.name.text) ? OPTIMIZERS[s.name.text] : undefined;
  if (!parameters) {
    sink.error('NN201', s.name.span, `there is no optimizer '${s.name.text}'`, {
      help: hint(s.name.text, Object.keys(OPTIMIZERS), 'optimizers'),
    });
    return undefined;
  }
  const settings = bindArguments({ callee: s.name.text, span: s.span, args: s.settings, settings: true }, parameters, [], scope, sink);
  if (settings && s.name.text === 'sgd' && settings['nesterov'] === true && (settings['momentum'] === 0 || settings['dampening'] !== 0)) {
    sink.error('NN202', s.span, 'nesterov needs a momentum and no dampening', { help: 'write: optim sgd lr=0.01 momentum=0.9 nesterov' });
  }
  return settings && { name: s.name.text, settings: settings as OptimSettings };
}

function dataOf(s: A.DataStatement | undefined, scope: Scope, sink: DiagnosticSink): DataSpec | undefined {
  if (!s) return undefined;
  const args = bindArguments({ callee: 'data', span: s.span, args: s.settings, settings: true }, DATA_SETTINGS, ['x', 'y'], scope, sink);
  return (
    args && {
      path: s.path.value,
      x: args['x'] as readonly string[] | undefined,
      y: args['y'] as readonly string[] | undefined,
      span: s.span,
    }
  );
}

function trainOf(s: A.TrainStatement | undefined, scope: Scope, sink: DiagnosticSink): TrainSpec | undefined {
  const optional = ['epochs', 'steps', 'batch'];
  const args = bindArguments(
    { callee: 'train', span: s?.span ?? EMPTY, args: s?.settings ?? [], settings: true },
    TRAIN_SETTINGS,
    optional,
    scope,
    sink,
  );
  if (!args) return undefined;
  if (s && args['epochs'] !== undefined && args['steps'] !== undefined)
    sink.error('NN202', s.span, 'epochs and steps both say how long to train', { help: 'keep one of them' });
  const number = (key: string): number | undefined => args[key] as number | undefined;
  return {
    epochs: number('epochs'),
    steps: number('steps'),
    batch: number('batch'),
    shuffle: args['shuffle'] === true,
    seed: number('seed') ?? 0,
  };
}

const EMPTY: Span = { source: { name: '', text: '' }, start: 0, end: 0 };
