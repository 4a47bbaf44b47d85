import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import type { Graph, NodeId } from '../../src/ir/graph/types.ts';
import { gradient } from '../../src/autodiff/gradient.ts';
import { cse, dce } from '../../src/passes/graph/cleanup.ts';
import { simplify } from '../../src/passes/graph/simplify.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import * as f from '../../src/sema/functions.ts';
import type { AnyArgs } from '../../src/sema/arguments.ts';
import { scaledDotProduct } from '../../src/sema/layers/attention.ts';
import type { LayerContext } from '../../src/sema/layers/layer.ts';
import { LAYERS } from '../../src/sema/layers/registry.ts';
import { lossValue } from '../../src/sema/losses/loss.ts';
import { LOSSES } from '../../src/sema/losses/registry.ts';
import { distance } from '../../src/verify/run-graph.ts';
import { DEVICES } from '../support/devices.ts';
import { everyWay } from '../support/every-way.ts';
import { News } from '../support/news.ts';
import { runGraph } from '../support/run-graph.ts';

/** PyTorch's own numbers in float64: values and gradients of operations. */
interface OpCase {
  readonly op: string;
  readonly attrs: Record<string, unknown>;
  readonly inputs: readonly { readonly shape: readonly number[]; readonly data: readonly number[] }[];
  readonly output: { readonly shape: readonly number[]; readonly data: readonly number[] };
  readonly cotangent: readonly number[];
  readonly grads: readonly (readonly number[])[];
}

const load = (name: string): unknown => JSON.parse(readFileSync(`test/parity/${name}.json`, 'utf8'));
const all = load('ops') as OpCase[];

type Build = (b: GraphBuilder, xs: readonly NodeId[], attrs: Record<string, unknown>, c: OpCase) => NodeId;
const one =
  (build: (b: GraphBuilder, x: NodeId) => NodeId): Build =>
  (b, [x = -1]) =>
    build(b, x);
const two =
  (op: 'add' | 'sub' | 'mul' | 'div' | 'max' | 'min' | 'pow'): Build =>
  (b, xs, _a, c) => {
    const [x = -1, y = -1] = xs.map((v) => numpy(b, v, c.output.shape));
    return b.op(op, x, y);
  };
/** NumPy's broadcasting by the graph's explicit one. */
function numpy(b: GraphBuilder, x: NodeId, shape: readonly number[]): NodeId {
  const from = b.shape(x);
  const lead = shape.length - from.length;
  const kept = from.map((d, i) => ({ d, i })).filter(({ d, i }) => d === shape[i + lead]);
  return b.broadcast(
    b.reshape(
      x,
      kept.map(({ d }) => d),
    ),
    shape,
    kept.map(({ i }) => i + lead),
  );
}
const axisOf = (attrs: Record<string, unknown>, rank: number): number => f.axisOf(Number(attrs['axis']), rank) ?? -1;
const mean = (b: GraphBuilder, x: NodeId, axis: number): NodeId => {
  const s = b.sum(x, [axis]);
  return b.op('div', s, b.like(Number(b.shape(x)[axis]), s));
};
const lossOf =
  (name: string, more: AnyArgs = {}): Build =>
  (b, [x = -1], attrs, c) => {
    const loss = LOSSES[name];
    const shape = c.inputs[0]?.shape ?? [];
    const labels = name === 'cross_entropy';
    const t = b.add('input', [], { name: 'target' }, { dtype: labels ? 'i32' : 'f32', shape: labels ? shape.slice(0, -1) : shape });
    const { target: _t, ...args } = attrs;
    if (!loss) throw new Error(`no loss ${name}`);
    const defaults = { delta: 1, label_smoothing: 0, dim: -1 };
    const result = lossValue(loss, { b, args: { ...defaults, ...more, ...(args as Record<string, number>) }, named: {} }, x, t);
    if (typeof result !== 'number') throw new Error(result.label);
    return result;
  };

/** A layer of the language; its parameters are the case's second and third input. */
const viaLayer =
  (name: string, args: (attrs: Record<string, unknown>, c: OpCase) => Record<string, unknown> = () => ({})): Build =>
  (b, xs, attrs, c) => {
    const layer = LAYERS[name];
    if (!layer) throw new Error(`no layer ${name}`);
    const defaults = Object.fromEntries(
      Object.entries(layer.parameters).flatMap(([k, v]) => (v.default === undefined ? [] : [[k, v.default]])),
    );
    const cx: LayerContext = {
      b,
      training: true,
      draws: true,
      text: name,
      param: (key) => (key === 'weight' ? xs[1] : xs[2]) ?? -1,
      measures: () => undefined,
      random: () => -1,
      named: {},
      state: (_key, dims) => ({ value: b.full(0, { dtype: 'f32', shape: dims }), keep: () => undefined }),
    };
    const result = layer.build(cx, { ...defaults, ...args(attrs, c) } as AnyArgs, xs[0] ?? -1);
    if (typeof result !== 'number') throw new Error(`${name}: ${JSON.stringify(result)}`);
    return result;
  };
const convolution = (attrs: Record<string, unknown>, c: OpCase): Record<string, unknown> => {
  const [out, each = 1, ...kernel] = c.inputs[1]?.shape ?? [];
  return {
    stride: 1,
    padding: 0,
    dilation: 1,
    groups: 1,
    ...attrs,
    in_channels: each * Number(attrs['groups'] ?? 1),
    out_channels: out,
    kernel_size: kernel,
  };
};
const pooling = (attrs: Record<string, unknown>): Record<string, unknown> => ({ padding: 0, ...attrs, kernel_size: attrs['size'] });
const dim = (attrs: Record<string, unknown>): Record<string, unknown> => ({ dim: attrs['axis'] });

/** What of PyTorch's list the language has so far; the rest is skipped by name below. */
const BUILD: Readonly<Record<string, Build>> = {
  softplus: viaLayer('softplus'),
  elu: viaLayer('elu'),
  selu: viaLayer('selu'),
  leaky_relu: viaLayer('leaky_relu'),
  hardtanh: viaLayer('hardtanh'),
  mish: viaLayer('mish'),
  rsqrt: viaLayer('rsqrt'),
  var: viaLayer('var', dim),
  log_softmax: viaLayer('log_softmax', dim),
  cumsum: viaLayer('cumsum', dim),
  prod: viaLayer('prod', dim),
  conv1d: viaLayer('Conv1d', convolution),
  conv2d: viaLayer('Conv2d', convolution),
  max_pool2d: viaLayer('MaxPool2d', pooling),
  avg_pool2d: viaLayer('AvgPool2d', pooling),
  layer_norm: viaLayer('LayerNorm', (a, c) => ({ ...a, normalized_shape: c.inputs[1]?.shape[0] })),
  rms_norm: viaLayer('RMSNorm', (a, c) => ({ ...a, normalized_shape: c.inputs[1]?.shape[0] })),
  group_norm: viaLayer('GroupNorm', (a, c) => ({ ...a, num_groups: a['groups'], num_channels: c.inputs[1]?.shape[0] })),
  attention: (b, [q = -1, k = -1, v = -1], attrs) => scaledDotProduct(b, q, k, v, { causal: attrs['causal'] === true }),
  where: (b, [x = -1, y = -1]) => b.op('select', b.op('lt', y, x), x, y),
  relu: one(f.relu),
  sigmoid: one((b, x) => b.op('sigmoid', x)),
  tanh: one((b, x) => b.op('tanh', x)),
  silu: one(f.silu),
  gelu: (b, [x = -1], attrs) => (attrs['approximate'] === 'tanh' ? f.geluTanh(b, x) : f.gelu(b, x)),
  exp: one((b, x) => b.op('exp', x)),
  log: one((b, x) => b.op('log', x)),
  sqrt: one((b, x) => b.op('sqrt', x)),
  sin: one((b, x) => b.op('sin', x)),
  cos: one((b, x) => b.op('cos', x)),
  abs: one((b, x) => b.op('abs', x)),
  erf: one((b, x) => b.op('erf', x)),
  log1p: one((b, x) => b.op('log1p', x)),
  expm1: one((b, x) => b.op('expm1', x)),
  reciprocal: one((b, x) => b.op('div', b.like(1, x), x)),
  square: one((b, x) => b.op('mul', x, x)),
  add: two('add'),
  sub: two('sub'),
  mul: two('mul'),
  div: two('div'),
  maximum: two('max'),
  minimum: two('min'),
  pow: two('pow'),
  sum: (b, [x = -1], attrs) => b.sum(x, [axisOf(attrs, b.shape(x).length)]),
  mean: (b, [x = -1], attrs) => mean(b, x, axisOf(attrs, b.shape(x).length)),
  max: (b, [x = -1], attrs) => b.add('reduce_max', [x], { axes: [axisOf(attrs, b.shape(x).length)] }),
  logsumexp: (b, [x = -1], attrs) => f.logsumexp(b, x, axisOf(attrs, b.shape(x).length)),
  softmax: (b, [x = -1], attrs) => f.softmax(b, x, axisOf(attrs, b.shape(x).length)),
  linear: (b, [x = -1, w = -1, bias = -1], _a, c) => b.op('add', b.contract('az,yz->ay', x, w), b.broadcast(bias, c.output.shape, [1])),
  matmul: (b, [x = -1, y = -1], _a, c) =>
    b.contract(
      { '2,2': 'ab,bc->ac', '3,3': 'abc,acd->abd', '3,2': 'abc,cd->abd', '1,1': 'a,a->' }[c.inputs.map((i) => i.shape.length).join()] ?? '',
      x,
      y,
    ),
  einsum: (b, [x = -1, y = -1], attrs) => b.contract(String(attrs['spec']), x, y),
  concat: (b, xs, attrs) => b.add('concat', xs, { axis: Number(attrs['axis']) }),
  slice: (b, [x = -1], attrs) => {
    const [axis, from, to] = ['axis', 'start', 'end'].map((k) => Number(attrs[k]));
    const shape = b.shape(x);
    return b.add('slice', [x], {
      start: shape.map((_, i) => (i === axis ? (from ?? 0) : 0)),
      size: shape.map((d, i) => (i === axis ? (to ?? 0) - (from ?? 0) : d)),
    });
  },
  transpose: (b, [x = -1], attrs) => b.permute(x, attrs['perm'] as number[]),
  embedding: (b, [x = -1], attrs) => {
    const ids = attrs['ids'] as number[][];
    const index = b.add('input', [], { name: 'target' }, { dtype: 'i32', shape: [ids.length, ids[0]?.length ?? 0] });
    return b.op('gather', x, index);
  },
  mse: lossOf('mse'),
  l1: lossOf('l1'),
  huber: lossOf('huber'),
  bce_with_logits: lossOf('bce_with_logits'),
  cross_entropy: lossOf('cross_entropy'),
  // PyTorch's case takes the logarithms of a softmax and divides by the examples.
  kl_div: (b, [x = -1, ...rest], attrs, c) =>
    lossOf('kl_div', { reduction: 'batchmean', log_target: false })(
      b,
      [b.op('sub', x, b.unreduce(f.logsumexp(b, x, 1), b.shape(x), [1])), ...rest],
      attrs,
      c,
    ),
  batch_norm: viaLayer('BatchNorm2d', (a, c) => ({ ...a, num_features: c.inputs[1]?.shape[0] })),
  conv_transpose2d: viaLayer('ConvTranspose2d', (a, c) => ({
    ...a,
    in_channels: c.inputs[1]?.shape[0],
    out_channels: c.inputs[1]?.shape[1],
    kernel_size: c.inputs[1]?.shape.slice(2),
  })),
};

interface Prepared {
  readonly graph: Graph;
  readonly inputs: Map<string, ArrayLike<number>>;
}

/** Output `y`, and `g0`, `g1`... the gradients of sum(y * cotangent). */
function prepare(c: OpCase): Prepared {
  const b = new GraphBuilder('torch');
  const inputs = new Map<string, ArrayLike<number>>();
  const xs = c.inputs.map((x, i) => {
    inputs.set(`x${i}`, x.data);
    return b.add('input', [], { name: `x${i}` }, { dtype: 'f32', shape: x.shape });
  });
  const y = BUILD[c.op]?.(b, xs, c.attrs, c) ?? -1;
  const flat = (v: unknown): number[] => (Array.isArray(v) ? v.flatMap(flat) : [Number(v)]);
  inputs.set('target', flat(c.attrs['target'] ?? c.attrs['ids'] ?? []));
  inputs.set('ct', flat(c.cotangent));
  const ct = b.add('input', [], { name: 'ct' }, { dtype: 'f32', shape: c.output.shape });
  const product = b.op('mul', y, ct);
  const total = b.sum(
    product,
    c.output.shape.map((_, i) => i),
  );
  b.outputs['y'] = y;
  gradient(b, total, xs).forEach((g, i) => {
    b.outputs[`g${i}`] = g;
  });
  return { graph: b.graph(), inputs };
}

const news = [new News('gpu'), new News('gpu')] as const;
const known = all.filter((c) => c.op in BUILD).map((c, i) => ({ ...c, title: `${i}: ${c.op} ${JSON.stringify(c.attrs).slice(0, 60)}` }));

describe("PyTorch's values and gradients", () => {
  it('are all tested', () => {
    expect([...new Set(all.map((c) => c.op))].filter((op) => !(op in BUILD))).toEqual([]);
  });

  it.each(known)('$title', { timeout: 600_000 }, async (c) => {
    const { graph, inputs } = prepare(c);
    const run = evaluate(graph, { inputs, state: new Map(), scalars: { step: 0, seed: 0, total: 1 } });
    const want: [string, readonly number[]][] = [
      ['y', [c.output.data].flat() as number[]],
      ...c.grads.map((g, i): [string, readonly number[]] => [`g${i}`, [g].flat()]),
    ];
    for (const [name, values] of want) expect(distance(run(graph.outputs[name] ?? -1).data, values), name).toBeLessThan(1e-9);
    const clean = dce(cse(simplify(graph)));
    for (const device of DEVICES) {
      for (const level of [0, 1] as const) {
        if (device === 'gpu' && !news[level].in(graph)) continue;
        const got = await runGraph(level === 0 ? graph : clean, level, device, { inputs, state: new Map() });
        for (const [name, values] of want)
          expect(distance(got.outputs.get(name) ?? [], values), `${name} on ${device} -O${level}`).toBeLessThan(1e-4);
      }
    }
    if (!DEVICES.includes('gpu') || (process.env['NNC_WAYS'] === undefined && known.indexOf(c) % 3 !== 0)) return;
    for (const way of await everyWay(clean, { inputs, state: new Map() }, known.indexOf(c)))
      for (const [name, values] of want)
        expect(distance(way.result.outputs.get(name) ?? [], values), `${name} by way ${way.name}`).toBeLessThan(1e-4);
  });
});
