import type { DiagnosticSink } from '../base/diagnostics.ts';
import type { Span } from '../base/source.ts';
import { hint } from '../base/suggest.ts';
import { showShape, type Precision, type TensorType } from '../base/types.ts';
import type * as A from '../parser/ast.ts';
import { bindArguments, type AnyArgs, type Parameters } from './arguments.ts';
import { drawOf } from './draws.ts';
import type { Environment } from './environment.ts';
import type { DataSpec, ReadingSpec, TargetInfo, TrainSpec } from './model.ts';
import { DATA_SETTINGS, DRAW_SETTINGS, TEST_FILE, TRAIN_SETTINGS } from './settings.ts';
import type { Walked } from './walk.ts';

/** How a model is trained: the statements `data`, `train` and `precision`. */

export function dataOf(s: A.DataStatement | undefined, walked: Walked, sink: DiagnosticSink): DataSpec | undefined {
  if (!s) return undefined;
  const { env, inputs, targets } = walked;
  const drawn = s.bindings !== undefined;
  if (!drawn && !s.path) {
    sink.error('NN202', s.span, 'data needs a file, or expressions in braces', {
      help: fileHelp(s),
    });
    return undefined;
  }
  if (drawn && s.path) {
    sink.error('NN202', s.span, 'data comes from a file or from expressions, not from both', { help: 'keep one of them' });
    return undefined;
  }
  const [only, ...others] = targets;
  const aims = others.length > 0 ? targets.map((t) => t.shown) : ['y', ...(only && only.shown !== 'y' ? [only.shown] : [])];
  const names = [...new Set([...inputs.map((i) => i.name), ...(inputs.length <= 1 ? ['x'] : []), ...aims])];
  const column = (name: string) =>
    ({ type: 'columns', doc: `columns or tensors of the ${aims.includes(name) ? 'target' : `input ${name}`}` }) as const;
  const columns: Parameters = drawn ? {} : Object.fromEntries(names.map((n) => [n, column(n)]));
  // The first input of the held-out examples is the file that `test` names.
  const tests = drawn ? [] : names.filter((n) => n !== 'x' && n !== inputs[0]?.name).map((n) => `test_${n}`);
  const beside: Parameters = Object.fromEntries(tests.map((n) => [n, TEST_FILE]));
  const table: Parameters = { ...columns, ...beside, ...(drawn ? DRAW_SETTINGS : DATA_SETTINGS) };
  const args = bindArguments(
    { callee: 'data', span: s.span, args: s.settings, settings: true },
    table,
    [...names, ...tests, 'tokens', 'context', 'seed', 'missing', 'words', 'separator', 'header', 'stride', 'groups', 'test'],
    env,
    sink,
  );
  if (!args) return undefined;
  const given = new Map(names.flatMap((n) => (args[n] === undefined || drawn ? [] : [[n, args[n] as readonly string[]] as const])));
  // The first input may always be called x.
  const [first] = inputs;
  const x = given.get('x');
  const twice = (name: string, other: string, what: string): void => {
    const span = s.settings.find((a) => a.name?.text === name)?.span ?? s.span;
    sink.error('NN202', span, `'${name}' and '${other}' are the same ${what}`, { help: 'keep one of them' });
  };
  if (first && x && first.name !== 'x' && given.has(first.name)) twice(first.name, 'x', 'input');
  else if (first && x && first.name !== 'x') given.set(first.name, x);
  // A single target may always be called y.
  const own = only && others.length === 0 ? given.get(only.shown) : undefined;
  if (own && only && only.shown !== 'y' && given.has('y')) twice(only.shown, 'y', 'target');
  else if (own) given.set('y', own);
  checkOneClass(s, given, targets, sink);
  const { tokens, context } = args as { readonly tokens?: string; readonly context?: number };
  if (tokens !== undefined && !TOKENS.includes(tokens) && !/\.json$/i.test(tokens))
    sink.error('NN202', s.settings.find((a) => a.name?.text === 'tokens')?.span ?? s.span, `there are no tokens '${tokens}'`, {
      help: `${hint(tokens, TOKENS, 'there are')}; or name a file: tokens="tokenizer.json"`,
    });
  if ((tokens === undefined) !== (context === undefined))
    sink.error('NN202', s.span, 'text needs both tokens and context', { help: 'write: data "tale.txt" tokens=chars context=64' });
  if (context !== undefined && first) checkContext(s, context, first.type, only?.type, sink);
  if (args['test'] !== undefined && Number(args['split']) < 1)
    sink.error('NN202', s.settings.find((a) => a.name?.text === 'split')?.span ?? s.span, 'split and test both say what is held out', {
      help: 'keep one of them: test="FILE" trains on all examples of the data',
    });
  const testFiles = new Map(tests.flatMap((n) => (args[n] === undefined ? [] : [[n.slice('test_'.length), args[n] as string] as const])));
  const [alone] = args['test'] === undefined ? testFiles.keys() : [];
  if (alone !== undefined)
    sink.error('NN202', s.settings.find((a) => a.name?.text === `test_${alone}`)?.span ?? s.span, `test_${alone} goes with test`, {
      help: `write: test="Xtest.npy" test_${alone}="ytest.npy"`,
    });
  // A single target may always be called y.
  const labels = only && others.length === 0 ? testFiles.get(only.shown) : undefined;
  if (labels !== undefined) testFiles.set('y', labels);
  const draw = s.bindings ? drawOf(s, s.bindings, args, walked, sink) : undefined;
  return {
    path: s.path?.value,
    columns: given,
    draw,
    normalize: args['normalize'] === true,
    normalizeTarget: args['normalize_target'] === true,
    split: args['split'] as number,
    hold: (args['hold'] as DataSpec['hold'] | undefined) ?? 'random',
    test: args['test'] as string | undefined,
    testFiles,
    tokens,
    context,
    reading: drawn ? {} : readingOf(args),
    span: s.span,
  };
}

/** People name files for x and y where the file of x comes first. */
function fileHelp({ settings }: A.DataStatement): string {
  const named = settings.flatMap(({ name, value }) => (name && value.kind === 'string' ? [{ name: name.text, file: value.value }] : []));
  const first = named.find(({ file }) => /\.npy$|ubyte(\.gz)?$/i.test(file));
  if (!first) return 'write: data "house.csv", or: data n=100 { x = uniform(); y = 2*x }';
  const others = named.filter((n) => n !== first).map(({ name, file }) => ` ${name}="${file}"`);
  return `the file of the first input has no name before it: data "${first.file}"${others.join('')}`;
}

/** Refuses several columns for a target that is one class: such columns are mostly one for each class. */
function checkOneClass(
  s: A.DataStatement,
  given: ReadonlyMap<string, readonly string[]>,
  targets: readonly TargetInfo[],
  sink: DiagnosticSink,
): void {
  for (const { shown, type, classes } of targets) {
    const columns = given.get(shown) ?? (targets.length === 1 ? given.get('y') : undefined) ?? [];
    if (type.dtype !== 'i32' || type.shape.length !== 1 || columns.length < 2) continue;
    const span = s.settings.find((a) => a.name?.text === shown || a.name?.text === 'y')?.span ?? s.span;
    sink.error('NN304', span, `the target is one class for each example, and these are ${columns.length} columns`, {
      help:
        columns.length === classes
          ? `name the one column of classes; or, where each class has a column of its own, 1 for the right one, declare: target ${shown}: [${columns.length}]`
          : 'name the one column of classes',
    });
  }
}

const TOKENS: readonly string[] = ['chars', 'bytes', 'bpe'];

function readingOf(args: AnyArgs): ReadingSpec {
  const { missing, words, dates, decimal, separator, header, stride, groups, resize, vocabulary } = args as Omit<ReadingSpec, 'groups'> & {
    readonly decimal?: string;
    readonly groups?: readonly string[];
  };
  return {
    ...(missing === undefined ? {} : { missing }),
    ...(words === undefined ? {} : { words }),
    ...(separator === undefined ? {} : { separator }),
    ...(header === undefined ? {} : { header }),
    ...(stride === undefined ? {} : { stride }),
    ...(groups === undefined ? {} : { groups: groups[0] ?? '' }),
    ...(dates ? { dates } : {}),
    ...(resize ? { resize } : {}),
    ...(args['tokens'] === 'bpe' ? { vocabulary } : {}),
    ...(decimal === 'comma' ? { comma: true } : {}),
  };
}

function checkContext(s: A.DataStatement, context: number, input: TensorType, target: TensorType | undefined, sink: DiagnosticSink): void {
  const span = s.settings.find((a) => a.name?.text === 'context')?.span ?? s.span;
  const fits = (t: TensorType): boolean => t.dtype === 'i32' && t.shape.length === 2 && t.shape[1] === context;
  if (!fits(input))
    sink.error('NN304', span, `the input takes ${input.dtype === 'i32' ? 'int' : 'float'}${showShape(input.shape.slice(1))}`, {
      help: `declare it: input tokens: int[${context}]`,
    });
  else if (target && !fits(target))
    sink.error('NN304', span, `the target is ${showShape(target.shape)}, and text gives [B, ${context}]: the next token at each place`);
}

export function trainOf(
  s: A.TrainStatement | undefined,
  data: DataSpec | undefined,
  scope: Environment,
  sink: DiagnosticSink,
): TrainSpec | undefined {
  const optional = ['epochs', 'steps', 'batch', 'early_stop', 'ema'];
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
  if (s && args['early_stop'] !== undefined && data && data.split >= 1 && data.test === undefined)
    sink.error('NN202', s.span, 'early_stop looks at held-out examples, and there are none', { help: 'add split=0.9 to the data line' });
  return {
    epochs: number('epochs'),
    steps: number('steps'),
    batch: number('batch'),
    shuffle: args['shuffle'] === true,
    seed: number('seed') ?? 0,
    earlyStop: number('early_stop'),
    accumulate: number('accumulate') ?? 1,
    ema: number('ema'),
  };
}

const PRECISIONS: readonly Precision[] = ['f32', 'f16'];

export function precisionOf(s: A.PrecisionStatement | undefined, sink: DiagnosticSink): Precision {
  if (!s) return 'f32';
  const known = PRECISIONS.find((p) => p === s.name.text);
  if (!known)
    sink.error('NN201', s.name.span, `there is no precision '${s.name.text}'`, { help: hint(s.name.text, PRECISIONS, 'precisions') });
  return known ?? 'f32';
}

const EMPTY: Span = { source: { name: '', text: '' }, start: 0, end: 0 };
