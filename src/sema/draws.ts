import type { DiagnosticSink } from '../base/diagnostics.ts';
import { hint } from '../base/suggest.ts';
import { bindDim, showType, type TensorType } from '../base/types.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type * as A from '../parser/ast.ts';
import { broadcastShapes, broadcastTo } from './arithmetic.ts';
import { bindArguments, type AnyArgs, type Parameters } from './arguments.ts';
import { Definitions } from './environment.ts';
import { Evaluator } from './evaluator.ts';
import type { GraphBuilder } from '../ir/graph/builder.ts';
import { LATER } from './known.ts';
import { ModelBuilder } from './model-builder.ts';
import type { DataSpec, Draw } from './model.ts';
import { Reported, attempt, tensor } from './values.ts';
import type { Walked } from './walk.ts';

const shape = { type: 'sizes', doc: 'shape for each example; default: that of the input or target, else one number' } as const;
const UNIFORM: Parameters = {
  low: { type: 'number', default: 0, doc: 'lower bound' },
  high: { type: 'number', default: 1, doc: 'upper bound' },
  shape,
};
const NORMAL: Parameters = {
  mean: { type: 'number', default: 0, doc: 'the mean' },
  std: { type: 'number', default: 1, min: 0, doc: 'the standard deviation' },
  shape,
};

/** Copies a value that needs no input into another graph; undefined if it needs one. */
function imported(from: GraphBuilder, id: NodeId, to: GraphBuilder): NodeId | undefined {
  const copies = new Map<NodeId, NodeId | undefined>();
  const copy = (next: NodeId): NodeId | undefined => {
    if (copies.has(next)) return copies.get(next);
    const node = from.node(next);
    const inputs = LATER.has(node.op) ? [undefined] : node.inputs.map(copy);
    const known = inputs.filter((x) => x !== undefined);
    const made = known.length === inputs.length ? to.add(node.op, known, node.attrs, node.type) : undefined;
    copies.set(next, made);
    return made;
  };
  return copy(id);
}

/** For one value of each class where a class is needed. */
const sharesHelp = (name: string, classes: number | undefined, width: unknown): string | undefined =>
  classes !== undefined && width === classes
    ? `write the number of the class; or, for a share of each class, declare: target ${name}: [${classes}]`
    : undefined;

/** The graph that draws examples: `x = 5 * uniform(); y = 200*x + 50 + 20*normal()`, in source order. */
export function drawOf(
  s: A.DataStatement,
  bindings: readonly A.Binding[],
  args: AnyArgs,
  walked: Walked,
  sink: DiagnosticSink,
): DataSpec['draw'] {
  const rows = args['n'] as number;
  const m = new ModelBuilder('data', false, sink);
  const ev = new Evaluator(m, new Definitions(), sink);
  const env = walked.env.child((name, value) => {
    const found = value.kind === 'tensor' ? imported(walked.m.b, value.id, m.b) : undefined;
    if (value.kind !== 'tensor') return value;
    if (found !== undefined) return tensor(found);
    sink.error('NN212', s.span, `data cannot use '${name}', which is a value of the model`, {
      help: 'data lines may use numbers, tables, and each other',
    });
    return 'failed';
  });
  const draws: Draw[] = [];
  const bound = (t: TensorType): number[] => t.shape.map((d) => bindDim(d, rows));
  const wanted = new Map(walked.inputs.map((i) => [i.name, i.type]));
  const [first] = walked.inputs;
  // The first input may be called x, and a single target y.
  if (first && !wanted.has('x')) wanted.set('x', first.type);
  const { targets } = walked;
  const [only] = targets;
  for (const t of targets) if (!wanted.has(t.shown)) wanted.set(t.shown, t.type);
  if (only && targets.length === 1 && !wanted.has('y')) wanted.set('y', only.type);
  let usual: readonly number[] = [rows, 1];
  const draw = (kind: Draw['kind'], table: Parameters) => (e: A.CallExpr) => {
    const given = bindArguments({ callee: kind, span: e.span, args: e.args }, table, ['shape'], env, sink);
    if (!given) throw new Reported(kind);
    const [from, to] = Object.keys(table).map((k) => given[k] as number) as [number, number];
    const sizes = given['shape'] as number | readonly number[] | undefined;
    const shape = sizes === undefined ? usual : [rows, ...[sizes].flat()];
    const input = `draw${draws.length}`;
    draws.push({ input, kind, shape });
    const id = m.input(input, { dtype: 'f32', shape });
    const scaled = m.b.op('mul', id, m.b.like(kind === 'uniform' ? to - from : to, id));
    return tensor(m.b.op('add', scaled, m.b.like(from, id)));
  };
  ev.specials.set('uniform', draw('uniform', UNIFORM));
  ev.specials.set('normal', draw('normal', NORMAL));
  const outputs: Record<string, NodeId> = {};
  for (const binding of bindings) {
    const name = binding.name.text;
    const type = wanted.get(name);
    usual = type ? bound(type) : [rows, 1];
    const shape = usual;
    const value = attempt(() => {
      const id = ev.tensorOf(
        m.drawing(true, () => ev.evaluate(binding.value, env, { prefix: [], next: 0 })),
        binding.value.span,
      );
      const joined = broadcastShapes(m.b.shape(id), shape);
      if (joined?.join() !== shape.join() && type)
        return ev.fail('NN203', binding.value.span, `'${name}' is [${shape.join(', ')}], and this is ${showType(m.b.type(id))}`, {
          help: sharesHelp(name, targets.find((t) => t.shown === name)?.classes, m.b.shape(id).at(-1)),
        });
      return type ? broadcastTo(m.b, id, shape) : id;
    });
    if (!env.define(name, value === undefined ? 'failed' : tensor(value), binding.name.span))
      sink.error('NN205', binding.name.span, `'${name}' is defined already`, { help: 'choose another name' });
    // The name in the graph.
    const aim = targets.find((t) => t.shown === name) ?? (name === 'y' && targets.length === 1 ? only : undefined);
    if (value !== undefined && type) outputs[name === 'x' && first ? first.name : (aim?.name ?? name)] = value;
  }
  const needs = [...walked.inputs.map((i) => ({ name: i.name, shown: i.name })), ...targets];
  for (const { name, shown } of needs) {
    if (outputs[name] === undefined && !bindings.some((b) => b.name.text === shown))
      sink.error('NN302', s.span, `the data does not say what '${shown}' is`, {
        help: hint(
          shown,
          bindings.map((b) => b.name.text),
          'it has',
        ),
      });
  }
  return { rows, seed: args['seed'] as number | undefined, graph: { ...m.b.graph(), outputs, writes: [] }, draws };
}
