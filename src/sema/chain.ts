import type { DiagnosticSink } from '../base/diagnostics.ts';
import { place, textOf, type Span } from '../base/source.ts';
import { hint } from '../base/suggest.ts';
import { BATCH, bindDim, count, product, showShape, type Shape, type TensorType } from '../base/types.ts';
import { GraphBuilder } from '../ir/graph/builder.ts';
import { contractWork } from '../ir/graph/ops.ts';
import type { Node, NodeId } from '../ir/graph/types.ts';
import type { Argument, Expr } from '../parser/ast.ts';
import { bindArguments, type AnyArgs } from './arguments.ts';
import type { Scope } from './constants.ts';
import type { Layer, LayerContext } from './layers/layer.ts';
import { LAYERS } from './layers/registry.ts';
import type { ParamInfo, StageInfo } from './model.ts';

/** One stage with its arguments checked, before anything flows. */
export interface Stage {
  readonly layer: Layer | undefined;
  readonly args: AnyArgs | undefined;
  readonly path: string;
  readonly text: string;
  readonly span: Span;
}

/** Flattens the chains of all `layer` statements; parentheses add no level. */
function flatten(e: Expr): Expr[] {
  return e.kind === 'pipe' ? e.stages.flatMap(flatten) : [e];
}

/** Looks up every stage and checks its arguments. */
export function resolveStages(chains: readonly Expr[], scope: Scope, sink: DiagnosticSink): Stage[] {
  const labels = new Map<string, Span>();
  return chains.flatMap(flatten).map((e, index) => {
    let path = String(index);
    let inner = e;
    if (e.kind === 'label') {
      path = e.label.text;
      inner = e.stage;
      if (labels.has(path))
        sink.error('NN205', e.label.span, `a stage is called '${path}' already`, { help: 'every stage needs a name of its own' });
      labels.set(path, e.label.span);
    }
    return { path, text: textOf(inner.span).replace(/\s+/g, ' '), span: inner.span, ...resolveLayer(inner, scope, sink) };
  });
}

function resolveLayer(e: Expr, scope: Scope, sink: DiagnosticSink): Pick<Stage, 'layer' | 'args'> {
  const none = { layer: undefined, args: undefined };
  let name: { text: string; span: Span };
  let args: readonly Argument[] = [];
  if (e.kind === 'name') name = { text: e.name, span: e.span };
  else if (e.kind === 'call') [name, args] = [e.callee, e.args];
  else {
    sink.error('NN210', e.span, 'a layer is needed here', {
      help: 'a chain is layers with -> between them: Linear(1, 16) -> relu -> Linear(16, 1)',
    });
    return none;
  }
  const known = Object.keys(LAYERS);
  const layer = Object.hasOwn(LAYERS, name.text) ? LAYERS[name.text] : undefined;
  if (!layer) {
    sink.error('NN201', name.span, `there is no layer '${name.text}'`, { help: hint(name.text, known, 'layers') });
    return none;
  }
  return { layer, args: bindArguments({ callee: name.text, span: e.span, args }, layer.parameters, [], scope, sink) };
}

/** What the first stage that knows says about one example of the input. */
export function inferInput(stages: readonly Stage[]): TensorType | undefined {
  for (const { layer, args } of stages) {
    if (!layer || !args) return undefined;
    const expected = layer.expects?.(args);
    if (expected) return { dtype: expected.dtype, shape: [BATCH, ...expected.shape] };
    if (!layer.keepsShape) return undefined;
  }
  return undefined;
}

export interface Built {
  readonly b: GraphBuilder;
  readonly pred: NodeId;
  readonly params: readonly ParamInfo[];
  readonly stages: readonly StageInfo[];
}

/** Lets the input flow through the stages. After a stage that does not fit, goes on with what it promises. */
export function buildChain(
  name: string,
  input: { readonly name: string; readonly type: TensorType },
  stages: readonly Stage[],
  training: boolean,
  sink: DiagnosticSink,
): Built | undefined {
  const b = new GraphBuilder(name);
  const params: ParamInfo[] = [];
  const infos: StageInfo[] = [];
  const trace = [showShape(input.type.shape)];
  let x: NodeId | undefined = b.add('input', [], { name: input.name }, input.type, { name: input.name });
  let broken = false;
  let streams = 0;
  for (const stage of stages) {
    const { layer, args, path, text, span } = stage;
    if (!layer || !args || x === undefined) {
      // Its own error is reported; what it would give is not known.
      [x, broken] = [undefined, true];
      continue;
    }
    const loc = place(span);
    const origin = { name: `${path} ${text}`, loc };
    const before = { nodes: b.nodes.length, params: params.length };
    const inShape = b.shape(x);
    const cx: LayerContext = {
      b,
      training,
      text,
      param: (key, shape, init) => {
        const full = `${path}.${key}`;
        params.push({ name: full, shape, init, span });
        return b.add('param', [], { name: full }, { dtype: 'f32', shape }, { name: full, loc });
      },
      random: (shape) => {
        const key = (which: 'seed' | 'step'): NodeId => b.add('scalar', [], { name: which, expr: which }, { dtype: 'i32', shape: [] });
        return b.add('uniform', [key('seed'), key('step')], { stream: ++streams }, { dtype: 'f32', shape });
      },
    };
    const flow: NodeId = x;
    const result = b.within(origin, () => layer.build(cx, args, flow));
    if (typeof result === 'number') x = result;
    else {
      broken = true;
      const notes = trace.length > 1 ? [`the value came from: ${trace.join(' -> ')}`] : [`the input is ${trace.join()}`];
      sink.error(result.code, span, result.label, { notes, ...(result.help ? { help: result.help } : {}) });
      const shape = layer.assume?.(args, inShape);
      x = shape && b.add('input', [], { name: `after ${path}` }, { dtype: 'f32', shape });
    }
    if (x === undefined) continue;
    trace.push(text, showShape(b.shape(x)));
    const size = params.slice(before.params).reduce((n, p) => n + count(p.shape), 0);
    infos.push({ path, text, loc, output: b.shape(x), params: size, flops: work(b.nodes.slice(before.nodes), b.nodes) });
  }
  return broken || x === undefined ? undefined : { b, pred: x, params, stages: infos };
}

/** Floating-point operations for one example: two for each multiply-add, one for each element of anything pointwise. */
function work(nodes: readonly Node[], all: readonly Node[]): number {
  const one = (shape: Shape): number[] => shape.map((d) => bindDim(d, 1));
  let total = 0;
  for (const node of nodes) {
    const operand = (i: number): number[] => one(all[node.inputs[i] ?? -1]?.type.shape ?? []);
    if (node.op === 'contract') total += 2 * contractWork(node.attrs.spec, operand(0), operand(1));
    else if (node.op.startsWith('reduce')) total += product(operand(0)) as number;
    else if (
      node.inputs.length > 0 &&
      node.type.dtype === 'f32' &&
      !['broadcast', 'reshape', 'permute', 'slice', 'pad', 'concat'].includes(node.op)
    )
      total += product(one(node.type.shape)) as number;
  }
  return total;
}
