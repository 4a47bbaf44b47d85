import { DiagnosticSink } from '../base/diagnostics.ts';
import { textOf, type Source, type Span } from '../base/source.ts';
import { hint } from '../base/suggest.ts';
import { BATCH, showShape, type TensorType } from '../base/types.ts';
import type { Graph, NodeId } from '../ir/graph/types.ts';
import type * as A from '../parser/ast.ts';
import { bindArguments } from './arguments.ts';
import { evalConst } from './constants.ts';
import { Definitions, Environment } from './environment.ts';
import { Evaluator } from './evaluator.ts';
import { LAYERS } from './layers/registry.ts';
import { LOSSES, reduceLoss, targetMismatch } from './losses.ts';
import { ModelBuilder } from './model-builder.ts';
import type { DataSpec, Model, OptimSettings, TrainSpec } from './model.ts';
import { OPTIMIZERS } from './optimizers.ts';
import { scheduleOf } from './schedules.ts';
import { DATA_SETTINGS, TRAIN_SETTINGS } from './settings.ts';
import { attempt, describeValue, expectation, tensor, type Flow, type Value } from './values.ts';

const INPUT_DTYPES = { int: 'i32', float: 'f32' } as const;

type Of<K extends A.Statement['kind']> = Extract<A.Statement, { kind: K }>;

/** Statements of which a file has one at the most. */
const SINGLE = new Set<A.Statement['kind']>(['target', 'loss', 'optim', 'data', 'train']);

/** Tree to model. Undefined if anything is wrong; the sink then says what. */
export function analyze(source: Source, program: A.Program, sink: DiagnosticSink): Model | undefined {
  const name = (source.name.split(/[\\/]/).at(-1) ?? 'model').replace(/\.nn$/, '').replace(/\W+/g, '_') || 'model';
  const once = new Map<string, A.Statement>();
  const defs = new Definitions();
  for (const s of program.statements) {
    if (SINGLE.has(s.kind)) {
      if (once.has(s.kind))
        sink.error('NN208', s.span, `there is ${/^[aeiou]/.test(s.kind) ? 'an' : 'a'} ${s.kind} statement already`, {
          help: 'keep one of them',
        });
      once.set(s.kind, s);
    }
    if ((s.kind === 'block' || s.kind === 'fn') && (!defs.add(s) || Object.hasOwn(LAYERS, s.name.text))) {
      sink.error('NN205', s.name.span, `'${s.name.text}' is defined already`, { help: 'choose another name' });
    }
  }
  const get = <K extends A.Statement['kind']>(kind: K): Of<K> | undefined => once.get(kind) as Of<K> | undefined;
  const loss = get('loss');
  const predicted = walk(name, source, program, defs, get('target'), loss, false, sink);
  const env = predicted?.env ?? new Environment();
  const optim = optimOf(get('optim'), env, sink);
  const data = dataOf(get('data'), env, sink);
  const train = trainOf(get('train'), env, sink);
  // A misspelt use makes a name look unused, so warnings wait until the rest is right.
  if (sink.errors.length === 0 && predicted) {
    for (const unused of [...predicted.env.unused(), ...defs.unused()])
      sink.warn('NN213', unused.span, `'${unused.name}' is never used`, 'take it away, or use it');
  }
  if (!predicted || !train || sink.errors.length > 0) return undefined;

  const { m, pred, input, target } = predicted;
  const training = loss && walk(name, source, program, defs, get('target'), loss, true, new DiagnosticSink());
  const only = (outputs: Readonly<Record<string, NodeId>>): Graph => ({ ...m.b.graph(), outputs });
  return {
    name,
    input,
    output: m.b.type(pred),
    target,
    params: m.params,
    stages: m.stages,
    predict: only({ pred }),
    training:
      training && training.loss !== undefined
        ? { ...training.m.b.graph(), outputs: { pred: training.pred, loss: training.loss } }
        : undefined,
    loss: loss && textOf(loss.value.span).replace(/\s+/g, ' '),
    optim,
    data,
    train,
  };
}

interface Walked {
  readonly m: ModelBuilder;
  readonly env: Environment;
  readonly input: Model['input'];
  readonly pred: NodeId;
  readonly target: Model['target'];
  readonly loss: NodeId | undefined;
}

/** Goes through the file once, as it trains or as it predicts, and grows the graph. */
function walk(
  name: string,
  source: Source,
  program: A.Program,
  defs: Definitions,
  targetDecl: A.InputStatement | undefined,
  lossDecl: A.LossStatement | undefined,
  training: boolean,
  sink: DiagnosticSink,
): Walked | undefined {
  const m = new ModelBuilder(name, training, sink);
  const env = new Environment();
  const evaluator = new Evaluator(m, defs, sink);
  const top: Flow = { prefix: [], next: 0 };
  let input: Model['input'] | undefined;
  let x: Value | undefined;
  let failed = false;
  let layers = 0;

  const define = (n: A.Name, value: Value | 'failed'): void => {
    if (!env.define(n.text, value, n.span)) sink.error('NN205', n.span, `'${n.text}' is defined already`, { help: 'choose another name' });
  };
  const declareInput = (declared: Model['input']): Value => {
    input = declared;
    return tensor(m.input(declared.name, declared.type));
  };
  const readLayer = (s: A.LayerStatement): void => {
    layers++;
    const value = attempt(() => evaluator.evaluate(s.chain, env, top));
    if (!value) {
      failed = true;
      return;
    }
    if (value.kind !== 'stage') {
      if (value.kind === 'const')
        sink.error('NN210', s.chain.span, `a layer is needed here, and this is ${describeValue(value)}`, {
          help: 'a chain is layers with -> between them: Linear(1, 16) -> relu -> Linear(16, 1)',
        });
      x = value;
      return;
    }
    if (!x && !input) {
      const told = expectation(value);
      if (told && told !== 'same') x = declareInput({ name: 'x', type: { dtype: told.dtype, shape: [BATCH, ...told.shape] } });
      else if (!failed && sink.errors.length === 0) {
        const first = value.parts[0];
        sink.error('NN209', first?.span ?? s.span, `${first?.text ?? 'this'} does not tell the shape of what flows in`, {
          help: 'declare it: input x: [28, 28]',
        });
      }
    }
    for (const part of value.parts) {
      const flowing = x;
      x = flowing && attempt(() => evaluator.runPart(part, flowing, top));
      failed ||= x === undefined;
    }
  };

  for (const s of program.statements) {
    if (s.kind === 'input') {
      const declared = inputOf(s, env, sink);
      const value = declared && (input ? undefined : declareInput(declared));
      if (declared && !value)
        sink.error('NN212', s.span, 'a second input is not supported yet', { help: 'put both into one, and take it apart: x[:, 0:3]' });
      if (value && !x) x = value;
      define(s.name, value ?? 'failed');
      env.lookup(s.name.text);
      failed ||= !value;
    } else if (s.kind === 'let') evaluator.bindLet(s, env, { prefix: [], next: 0 });
    else if (s.kind === 'param') define(s.name, attempt(() => tensor(paramOf(s, m, evaluator, env, sink))) ?? 'failed');
    else if (s.kind === 'layer') readLayer(s);
  }
  if (layers === 0 && sink.errors.length === 0) {
    sink.error('NN207', { source, start: 0, end: 1 }, 'there is no model', {
      help: 'add a line such as: layer Linear(1, 16) -> relu -> Linear(16, 1)',
    });
  }
  if (x && x.kind !== 'tensor') {
    const last = program.statements.filter((s) => s.kind === 'layer').at(-1);
    sink.error('NN204', last?.span ?? program.span, `the model gives ${describeValue(x)}, and one tensor is needed`);
  }
  const pred = x?.kind === 'tensor' && !failed ? x.id : undefined;
  const declared = targetDecl && inputOf(targetDecl, env, sink);
  const result = lossDecl && attempt(() => lossOf(lossDecl, pred, declared, m, evaluator, env, sink));
  if (pred === undefined || !input) return undefined;
  return { m, env, input, pred, target: result?.target, loss: result?.loss };
}

/** `param scale: [64] = ones`, `param x = 3.0` */
function paramOf(s: A.ParamStatement, m: ModelBuilder, evaluator: Evaluator, env: Environment, sink: DiagnosticSink): NodeId {
  const dims = s.dims.map((d) => evalConst(d, env, sink));
  const bad = s.dims.find((_, i) => !(typeof dims[i] === 'number' && Number.isInteger(dims[i]) && (dims[i] as number) > 0));
  if (bad) return evaluator.fail('NN206', bad.span, 'a size is a whole number above 0');
  const words: Readonly<Record<string, number>> = { zeros: 0, ones: 1 };
  const word = s.value?.kind === 'name' && Object.hasOwn(words, s.value.name) ? words[s.value.name] : undefined;
  const value = word ?? (s.value ? evalConst(s.value, env, sink) : 0);
  if (typeof value !== 'number') return evaluator.fail('NN204', s.value?.span ?? s.span, 'a parameter starts as a number, zeros or ones');
  return m.param(s.name.text, dims as number[], { kind: 'constant', value }, s.span);
}

interface LossResult {
  readonly loss: NodeId;
  readonly target: NonNullable<Model['target']>;
}

/** A named loss, or any scalar expression of `pred`, `target` and what the file names. */
function lossOf(
  s: A.LossStatement,
  pred: NodeId | undefined,
  declared: Model['input'] | undefined,
  m: ModelBuilder,
  evaluator: Evaluator,
  env: Environment,
  sink: DiagnosticSink,
): LossResult | undefined {
  const { value } = s;
  const { b } = m;
  const callee = value.kind === 'name' ? { text: value.name, span: value.span } : value.kind === 'call' ? value.callee : undefined;
  const known = callee && Object.hasOwn(LOSSES, callee.text) ? LOSSES[callee.text] : undefined;
  const input = (type: TensorType): NodeId => m.input('target', type);
  if (callee && known) {
    const args = bindArguments(
      { callee: callee.text, span: value.span, args: value.kind === 'call' ? value.args : [] },
      known.parameters,
      [],
      env,
      sink,
    );
    if (!args || pred === undefined) return undefined;
    const target = known.target(b.type(pred));
    if ('code' in target) return evaluator.refuse(target, value.span);
    const mismatch = declared && targetMismatch(callee.text, target, declared.type);
    if (mismatch) return evaluator.refuse(mismatch, value.span);
    const t = input(target);
    const loss = b.within({ name: `loss ${callee.text}` }, () => reduceLoss(b, args, known.each(b, args, pred, t)));
    return { loss, target: { type: target, classes: known.classes?.(b.type(pred)) } };
  }
  if (callee && !Object.hasOwn(LAYERS, callee.text) && !env.has(callee.text) && callee.text !== 'pred') {
    return evaluator.fail('NN201', callee.span, `there is no loss '${callee.text}'`, {
      help: hint(callee.text, Object.keys(LOSSES), 'losses'),
    });
  }
  if (pred === undefined) return undefined;
  const type = declared?.type ?? b.type(pred);
  const inside = env.child();
  inside.define('pred', tensor(pred), s.span);
  inside.define('target', tensor(input(type)), s.span);
  const result = b.within({ name: 'loss' }, () => evaluator.evaluate(value, inside, { prefix: ['loss'], next: 0 }));
  if (result.kind !== 'tensor')
    return evaluator.fail('NN204', value.span, `a loss is a value that depends on the model, and this is ${describeValue(result)}`, {
      help: `losses: ${Object.keys(LOSSES).join(', ')}`,
    });
  const { id } = result;
  if (b.shape(id).length > 0)
    return evaluator.fail('NN203', value.span, `a loss is one number, and this is ${showShape(b.shape(id))}`, {
      help: 'take its mean or its sum',
    });
  return { loss: id, target: { type, classes: undefined } };
}

/** `input x: [28, 28]`, `target y: int[]` */
function inputOf(s: A.InputStatement, scope: Environment, sink: DiagnosticSink): Model['input'] | undefined {
  if (s.kind === 'input' && s.name.text === 'target') {
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

function optimOf(s: A.OptimStatement | undefined, scope: Environment, sink: DiagnosticSink): Model['optim'] {
  if (!s) return undefined;
  const parameters = Object.hasOwn(OPTIMIZERS, s.name.text) ? OPTIMIZERS[s.name.text] : undefined;
  if (!parameters) {
    sink.error('NN201', s.name.span, `there is no optimizer '${s.name.text}'`, {
      help: hint(s.name.text, Object.keys(OPTIMIZERS), 'optimizers'),
    });
    return undefined;
  }
  const settings = bindArguments(
    { callee: s.name.text, span: s.span, args: s.settings, settings: true, schedule: scheduleOf },
    parameters,
    [],
    scope,
    sink,
  );
  if (settings && s.name.text === 'sgd' && settings['nesterov'] === true && (settings['momentum'] === 0 || settings['dampening'] !== 0)) {
    sink.error('NN202', s.span, 'nesterov needs a momentum and no dampening', { help: 'write: optim sgd lr=0.01 momentum=0.9 nesterov' });
  }
  return settings && { name: s.name.text, settings: settings as OptimSettings };
}

function dataOf(s: A.DataStatement | undefined, scope: Environment, sink: DiagnosticSink): DataSpec | undefined {
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

function trainOf(s: A.TrainStatement | undefined, scope: Environment, sink: DiagnosticSink): TrainSpec | undefined {
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
