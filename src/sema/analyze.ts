import { metricOutput } from '../base/outputs.ts';
import { DiagnosticSink } from '../base/diagnostics.ts';
import { textOf, type Source } from '../base/source.ts';
import type { Graph, NodeId } from '../ir/graph/types.ts';
import type * as A from '../parser/ast.ts';
import { Definitions } from './environment.ts';
import { LAYERS } from './layers/registry.ts';
import type { Model, Script } from './model.ts';
import { optimOf } from './optim.ts';
import { dataOf, precisionOf, trainOf } from './data-and-train.ts';
import { refuseTaken } from './taken.ts';
import { takesTurns, turnOutput, turnsOf } from './turns.ts';
import { warnOfFixedLosses } from './reached.ts';
import { Walk, type Walked } from './walk.ts';
import { warnOfMismatches, warnOfOneClass } from './warnings.ts';

/** Reads the file that `import` names; undefined with the reason in the sink. */
export type Resolve = (path: A.StringExpr, from: Source, sink: DiagnosticSink) => A.Program | undefined;

type Of<K extends A.Statement['kind']> = Extract<A.Statement, { kind: K }>;

/** Statements that may appear only once in a file, unless several losses take turns. */
const SINGLE = new Set<A.Statement['kind']>(['loss', 'optim', 'data', 'train', 'precision']);

export interface Analysis {
  /** Undefined if anything is wrong, or if the program has no model. */
  readonly model: Model | undefined;
  /** Undefined if anything is wrong. */
  readonly script: Script | undefined;
}

/** Turns the syntax tree into a model and a script. Errors go to the sink. */
export function analyze(source: Source, program: A.Program, sink: DiagnosticSink, resolve: Resolve): Analysis {
  const name = (source.name.split(/[\\/]/).at(-1) ?? 'model').replace(/\.nn$/, '').replace(/\W+/g, '_') || 'model';
  const once = new Map<string, A.Statement>();
  const defs = new Definitions();
  const imported = importsOf(source, program, sink, resolve, new Set([source.name]));
  for (const s of program.statements) {
    if (!SINGLE.has(s.kind)) continue;
    const inTurn = (s.kind === 'loss' || s.kind === 'optim') && takesTurns(program);
    if (once.has(s.kind) && !inTurn)
      sink.error('NN208', s.span, `there is ${/^[aeiou]/.test(s.kind) ? 'an' : 'a'} ${s.kind} statement already`, {
        help:
          s.kind === 'loss' || s.kind === 'optim'
            ? 'keep one, or train several losses in turn: each with an optim line that says params=[...]'
            : 'keep one of them',
      });
    if (!once.has(s.kind)) once.set(s.kind, s);
  }
  for (const s of [...imported, ...program.statements]) {
    if ((s.kind === 'block' || s.kind === 'fn') && (!defs.add(s) || Object.hasOwn(LAYERS, s.name.text)))
      sink.error('NN205', s.name.span, `'${s.name.text}' is defined already`, { help: 'choose another name' });
  }
  refuseTaken([...imported, ...program.statements], sink);
  const get = <K extends A.Statement['kind']>(kind: K): Of<K> | undefined => once.get(kind) as Of<K> | undefined;
  const walk = (training: boolean, to: DiagnosticSink): Walked => new Walk(name, source, program, imported, defs, training, to).run();
  const walked = walk(false, sink);
  const optim = optimOf(get('optim'), walked.env, walked.m.params, sink);
  const turns = turnsOf(program, walked, optim, sink);
  const data = dataOf(get('data'), walked, sink);
  const train = trainOf(get('train'), data, walked.env, sink);
  if (train && turns.length > 0 && (train.accumulate > 1 || train.ema !== undefined))
    sink.error(
      'NN202',
      get('train')?.span ?? program.span,
      `${train.accumulate > 1 ? 'accumulate' : 'ema'} is for one loss, and here several take turns`,
      {
        help: 'take it away, or add the losses up to one',
      },
    );
  const precision = precisionOf(get('precision'), sink);
  // A misspelt use makes a name look unused, so these warnings wait until there are no errors. An imported file may be a library, so its
  // names may stay unused.
  if (sink.errors.length === 0) {
    const own = (n: { readonly span: { readonly source: Source } }): boolean => n.span.source === source;
    for (const unused of [...walked.env.unused(), ...defs.unused()].filter(own))
      sink.warn('NN213', unused.span, `'${unused.name}' is never used`, 'take it away, or use it');
    warnOfMismatches(program, sink);
    warnOfOneClass(program, walked.targets, sink);
    warnOfFixedLosses(program, walked.m, [walked.loss, ...walked.turns.map((t) => t.node)], sink);
  }
  if (sink.errors.length > 0) return { model: undefined, script: undefined };
  const { m, pred, inputs, script } = walked;
  const [first, ...more] = inputs;
  if (pred === undefined || !first || !train) return { model: undefined, script };

  const loss = get('loss');
  const trained = new DiagnosticSink();
  const training = loss && walk(true, trained);
  // The sink drops diagnostics that the first walk reported already.
  sink.add(trained.all);
  if (sink.errors.length > 0) return { model: undefined, script: undefined };
  const outputs = (w: Walked): Readonly<Record<string, NodeId>> => ({
    ...(w.loss === undefined ? {} : { loss: w.loss }),
    ...Object.fromEntries(w.metrics.map((x) => [metricOutput(x.name), x.node])),
    ...Object.fromEntries(w.turns.map((x, i) => [turnOutput(i), x.node])),
  });
  const only = (chosen: Readonly<Record<string, NodeId>>): Graph => ({ ...m.b.graph(), outputs: chosen, writes: [] });
  const model: Model = {
    name,
    inputs: [first, ...more],
    output: m.b.type(pred),
    reads: walked.reads,
    targets: walked.targets,
    params: m.params,
    states: m.states,
    stages: m.stages,
    predict: only({ pred }),
    evaluation: walked.loss === undefined ? undefined : only(outputs(walked)),
    training:
      training?.pred !== undefined && training.loss !== undefined
        ? { ...training.m.b.graph(), outputs: { pred: training.pred, ...outputs(training) } }
        : undefined,
    loss: loss && textOf(loss.value.span).replace(/\s+/g, ' '),
    metrics: [...walked.turns, ...walked.metrics].map((x) => x.name),
    better: Object.fromEntries(walked.metrics.flatMap(({ name: metric, better }) => (better ? [[metric, better] as const] : []))),
    optim,
    turns,
    named: training ? namesOf(training) : new Map(),
    uses: training?.m.uses ?? [],
    counters: m.counters,
    measures: training?.m.measures ?? [],
    data,
    train,
    precision,
  };
  return { model, script };
}

/** All nodes of a walk that have a name. */
function namesOf({ m, script, pred, loss }: Walked): ReadonlyMap<string, NodeId> {
  const params = m.b.nodes.flatMap((n) => (n.op === 'param' ? [[n.attrs.name, n.id] as const] : []));
  const targets = m.b.nodes.flatMap((n) => (n.op === 'input' ? [[n.attrs.name, n.id] as const] : []));
  const own = [...script.names].map(([id, name]) => [name, id] as const);
  const results = Object.entries({ pred, loss }).flatMap(([name, id]) => (id === undefined ? [] : [[name, id] as const]));
  return new Map([...targets, ...m.results, ...params, ...own, ...results]);
}

/** The definitions that a program imports, with those of its imports in front. */
function importsOf(source: Source, program: A.Program, sink: DiagnosticSink, resolve: Resolve, seen: Set<string>): A.Statement[] {
  const found: A.Statement[] = [];
  for (const s of program.statements) {
    if (s.kind !== 'import') continue;
    const other = resolve(s.path, source, sink);
    if (!other) continue;
    const from = other.span.source;
    // A file that was imported already is skipped.
    if (seen.has(from.name)) continue;
    seen.add(from.name);
    found.push(...importsOf(from, other, sink, resolve, seen));
    for (const inner of other.statements) {
      if (inner.kind === 'block' || inner.kind === 'fn' || inner.kind === 'let') found.push(inner);
      else if (inner.kind !== 'import')
        sink.error(
          'NN218',
          inner.span,
          `an imported file holds blocks, functions and lets, and this is ${/^[aeiou]/.test(inner.kind) ? 'an' : 'a'} ${inner.kind}`,
          {
            help: 'move it into the program itself',
          },
        );
    }
  }
  return found;
}
