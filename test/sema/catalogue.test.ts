import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { opsText } from '../../scripts/ops.ts';
import { gradient } from '../../src/autodiff/gradient.ts';
import { at } from '../../src/base/errors.ts';
import { renderAll } from '../../src/base/diagnostics.ts';
import { count } from '../../src/base/types.ts';
import { distance } from '../../src/verify/run-graph.ts';
import { check } from '../../src/compile.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import type { Graph, NodeId } from '../../src/ir/graph/types.ts';
import { cse, dce } from '../../src/passes/graph/cleanup.ts';
import { simplify } from '../../src/passes/graph/simplify.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { Random } from '../support/random.ts';
import { DEVICES } from '../support/devices.ts';
import { News } from '../support/news.ts';
import { runGraph } from '../support/run-graph.ts';

/** Entries of the catalogue (`test/parity/catalogue.test.ts` has all of them): gradients by differences at two shapes, the same values on every device, and values by definition. */
interface Case {
  readonly name: string;
  /** An expression of `w`. */
  readonly call: string;
  readonly shapes: readonly string[];
  readonly low?: number;
  readonly high?: number;
  readonly value?: (x: number) => number;
}

const each = (name: string, value: (x: number) => number, low = -2.2, high = 2.3, call = `${name}(w)`): Case => ({
  name,
  call,
  shapes: ['7', '2, 3, 5'],
  low,
  high,
  value,
});
const of = (name: string, call: string, ...shapes: string[]): Case => ({ name, call, shapes });
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => Math.log1p(Math.exp(x));
const phi = (x: number): number => {
  // Simpson's rule on the density: independent of every erf.
  const f = (t: number): number => Math.exp((-t * t) / 2) / Math.sqrt(2 * Math.PI);
  const n = 400;
  let s = f(0) + f(x);
  for (let i = 1; i < n; i++) s += (i % 2 ? 4 : 2) * f((x * i) / n);
  return 0.5 + (s * x) / n / 3;
};
const ramp = (x: number): number => Math.min(1, Math.max(0, x / 6 + 0.5));
const even = (x: number): number => {
  const r = Math.round(x);
  return Math.abs(x % 1) === 0.5 && r % 2 !== 0 ? r - 1 : r;
};

const CASES: readonly Case[] = [
  each('exp', Math.exp),
  each('exp2', (x) => 2 ** x),
  each('log', Math.log, 0.2, 3),
  each('log2', Math.log2, 0.2, 3),
  each('log10', Math.log10, 0.2, 3),
  each('log1p', Math.log1p, -0.7, 3),
  each('expm1', Math.expm1),
  each('sqrt', Math.sqrt, 0.2, 3),
  each('abs', Math.abs),
  each('sign', Math.sign),
  each('neg', (x) => -x),
  each('sin', Math.sin),
  each('cos', Math.cos),
  each('tan', Math.tan, -1.3, 1.3),
  each('asin', Math.asin, -0.9, 0.9),
  each('acos', Math.acos, -0.9, 0.9),
  each('atan', Math.atan, -4, 4),
  each('sinh', Math.sinh),
  each('cosh', Math.cosh),
  each('asinh', Math.asinh),
  each('acosh', Math.acosh, 1.2, 4),
  each('atanh', Math.atanh, -0.9, 0.9),
  each('erf', (x) => 2 * phi(x * Math.SQRT2) - 1),
  each('erfc', (x) => 2 - 2 * phi(x * Math.SQRT2)),
  each('floor', Math.floor),
  each('ceil', Math.ceil),
  each('trunc', Math.trunc),
  each('frac', (x) => x - Math.trunc(x)),
  each('round', even),
  each('square', (x) => x * x),
  each('rsqrt', (x) => 1 / Math.sqrt(x), 0.2, 3),
  each('reciprocal', (x) => 1 / x, 0.3, 3),
  each('logit', (x) => Math.log(x / (1 - x)), 0.1, 0.9),
  each('detach', (x) => x),
  each('max', (x) => Math.max(x, 0.3), -2, 2, 'max(w, 0.3)'),
  each('min', (x) => Math.min(x, 0.3), -2, 2, 'min(w, 0.3)'),
  each('pow', (x) => x ** 2.5, 0.2, 2, 'pow(w, 2.5)'),
  each('atan2', (x) => Math.atan2(x, -0.7), -2, 2, 'atan2(w, -0.7)'),
  each('hypot', (x) => Math.hypot(x, 0.5), -2, 2, 'hypot(w, 0.5)'),
  each('fmod', (x) => x % 0.7, -2, 2, 'fmod(w, 0.7)'),
  each('remainder', (x) => x - 0.7 * Math.floor(x / 0.7), -2, 2, 'remainder(w, 0.7)'),
  each('logaddexp', (x) => Math.log(Math.exp(x) + Math.exp(0.4)), -2, 2, 'logaddexp(w, 0.4)'),
  each('clamp', (x) => Math.min(1, Math.max(-0.5, x)), -2, 2, 'clamp(w, min=-0.5, max=1)'),
  each('where', (x) => (x > 0.1 ? x : 3 * x), -2, 2, 'where(w > 0.1, w, 3*w)'),
  each('logical_and', (x) => (x > 0 && x < 1 ? x : 0), -2, 2, 'where(logical_and(w > 0, w < 1), w, 0)'),
  each('logical_or', (x) => (x < 0 || x > 1 ? x : 0), -2, 2, 'where(logical_or(w < 0, w > 1), w, 0)'),
  each('logical_not', (x) => (x > 0 ? 0 : x), -2, 2, 'where(logical_not(w > 0), w, 0)'),
  each('float', (x) => (x > 0 ? 1 : 0), -2, 2, 'float(w > 0)'),
  each('int', (x) => Math.trunc(x), -4, 4, 'float(int(w))'),
  each('zeros_like', () => 0),
  each('ones_like', () => 1),
  each('relu', (x) => Math.max(x, 0)),
  each('relu6', (x) => Math.min(6, Math.max(x, 0)), -3, 9),
  each('sigmoid', sigmoid),
  each('tanh', Math.tanh),
  each('silu', (x) => x * sigmoid(x)),
  each('gelu', (x) => x * phi(x)),
  each('softplus', softplus),
  each('mish', (x) => x * Math.tanh(softplus(x))),
  each('softsign', (x) => x / (1 + Math.abs(x))),
  each('selu', (x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x))),
  each('leaky_relu', (x) => (x > 0 ? x : 0.2 * x), -2, 2, 'leaky_relu(w, 0.2)'),
  each('elu', (x) => (x > 0 ? x : 1.5 * Math.expm1(x)), -2, 2, 'elu(w, 1.5)'),
  each('celu', (x) => (x > 0 ? x : 2 * Math.expm1(x / 2)), -2, 2, 'celu(w, 2)'),
  of('prelu', 'prelu(w)', '7', '2, 3, 5'),
  each('hardtanh', (x) => Math.min(1, Math.max(-1, x))),
  each('hardsigmoid', ramp, -5, 5),
  each('hardswish', (x) => x * ramp(x), -5, 5),
  each('logsigmoid', (x) => Math.log(sigmoid(x))),
  each('tanhshrink', (x) => x - Math.tanh(x)),
  each('softshrink', (x) => (Math.abs(x) <= 0.5 ? 0 : x - 0.5 * Math.sign(x))),
  each('hardshrink', (x) => (Math.abs(x) <= 0.5 ? 0 : x)),
  of('softmax', 'softmax(w)', '5', '2, 3, 4'),
  of('log_softmax', 'log_softmax(w, dim=1)', '2, 5', '2, 3, 4'),
  of('glu', 'glu(w)', '6', '2, 3, 4'),
  of('swiglu', 'swiglu(w)', '6', '2, 3, 4'),
  of('geglu', 'geglu(w, dim=0)', '6', '2, 3, 4'),
  of('sum', 'sum(w, dim=[0, 1])', '2, 3', '2, 3, 4'),
  of('mean', 'mean(w, dim=-1, keepdim=true)', '5', '2, 3, 4'),
  of('var', 'var(w, dim=0, correction=1)', '5', '3, 4'),
  of('std', 'std(w)', '5', '3, 4'),
  of('amax', 'amax(w, dim=0)', '5', '3, 4'),
  of('amin', 'amin(w, dim=-1)', '5', '3, 4'),
  of('norm', 'norm(w, dim=-1)', '5', '3, 4'),
  of('logsumexp', 'logsumexp(w)', '5', '3, 4'),
  of('cumsum', 'cumsum(w)', '6', '3, 5'),
  of('cumprod', 'cumprod(w)', '6', '3, 5'),
  of('cummax', 'cummax(w, dim=0)', '6', '3, 5'),
  of('prod', 'prod(w)', '6', '3, 5'),
  of('argmax', 'float(argmax(w))', '6', '3, 5'),
  of('argmin', 'float(argmin(w, dim=0, keepdim=true))', '6', '3, 5'),
  of('sort', 'sort(w)[0]', '6', '3, 5'),
  of('argsort', 'float(argsort(w, dim=0, descending=true))', '6', '3, 5'),
  of('topk', 'topk(w, 2, dim=0)[0]', '6', '3, 5'),
  of('all', 'where(all(w > -9, dim=0), sum(w, dim=0), 0)', '6', '3, 5'),
  of('any', 'where(any(w > 0, dim=0), sum(w, dim=0), 0)', '6', '3, 5'),
  of('matmul', 'matmul(w, transpose(w))', '3, 4', '2, 3, 4'),
  of('einsum', 'einsum("ijj,ik->kj", w, sum(w, dim=1))', '2, 3, 3', '1, 4, 4'),
  of('outer', 'outer(w, 2*w)', '3', '2, 4'),
  of('cosine_similarity', 'cosine_similarity(w, w*w + 1)', '4', '3, 5'),
  of('flatten', 'flatten(w, 0, 1)', '2, 3', '2, 3, 4'),
  of('unflatten', 'unflatten(w, -1, [2, 3])', '6', '2, 6'),
  of('reshape', 'reshape(w, [2, -1])', '6', '2, 3, 4'),
  of('transpose', 'transpose(w)', '2, 3', '2, 3, 4'),
  of('permute', 'permute(w, [1, 0, 2])', '2, 3, 4', '1, 3, 2'),
  of('squeeze', 'squeeze(w, 1)', '2, 1', '3, 1, 4'),
  of('unsqueeze', 'unsqueeze(w, 0)', '2', '3, 4'),
  of('expand', 'expand(w, [3, 4])', '3, 1', '1, 4'),
  of('split', 'split(w, 2)[1]', '6', '3, 4'),
  of('concat', 'concat(w, w*w, 2*w, dim=0)', '2', '2, 3'),
  of('stack', 'stack(w, w*w, dim=0)', '2', '2, 3'),
  of('roll', 'roll(w, 2)', '5', '2, 3'),
  of('flip', 'flip(w)', '5', '2, 3'),
  of('pad', 'pad(w, [1, 2], value=0.5)', '5', '2, 3'),
  of('tril', 'tril(w, -1)', '3, 3', '2, 3, 4'),
  of('triu', 'triu(w, 1)', '3, 3', '2, 3, 4'),
  of('one_hot', 'w * one_hot(arange(w), 6)', '6'),
  of('gather', 'gather(w, argsort(w), dim=-1)', '6', '3, 5'),
  of('scatter_add', 'scatter_add(w, argsort(w), w*w, dim=-1)', '6', '3, 5'),
  of('index_select', 'index_select(w, [2, 0, 2], dim=0)', '4', '3, 5'),
  of('arange', 'w * arange(w)', '4', '3, 5'),
  of('Linear', 'Linear(w, 4, 3)', '2, 4', '2, 3, 4'),
  of('Bilinear', 'Bilinear(w, w*w, 4, 4, 3)', '2, 4', '2, 3, 4'),
  of('Conv1d', 'Conv1d(w, 2, 4, 3, stride=2, padding=1, groups=2)', '2, 2, 7'),
  of('Conv2d', 'Conv2d(w, 2, 3, [2, 3], dilation=[1, 2], padding=[0, 2])', '1, 2, 4, 5'),
  of('Conv3d', 'Conv3d(w, 2, 2, 2, padding=1)', '1, 2, 2, 3, 2'),
  of('ConvTranspose1d', 'ConvTranspose1d(w, 2, 3, 3, stride=2, padding=1, output_padding=1)', '2, 2, 4'),
  of('ConvTranspose2d', 'ConvTranspose2d(w, 2, 2, [2, 3], stride=[1, 2], groups=2, dilation=[2, 1])', '1, 2, 3, 2'),
  of('RNN', 'RNN(w, 3, 2, nonlinearity=relu)', '2, 3, 3'),
  of('GRU', 'GRU(w, 3, 2, num_layers=2)', '2, 3, 3'),
  of('LSTM', 'LSTM(w, 3, 2, bidirectional=true, last=true)', '2, 3, 3'),
  of('Embedding', 'w * Embedding(arange(w), 4, 1)[:, 0]', '4'),
  of('Positions', 'w + Positions(w, 5, 3)', '2, 4, 3'),
  of('SinusoidalPositions', 'w + SinusoidalPositions(w, 4)', '2, 3, 4'),
  of('rotary', 'rotary(w, 2)', '2, 3, 8'),
  of(
    'attention',
    'attention(w, w[:, :, 0:4], w[:, :, 4:8], 4, kv_heads=2, causal=true, mask=tril([[1, 1, 1], [1, 1, 1], [1, 1, 1]]) > 0)',
    '2, 3, 8',
  ),
  of('MultiheadAttention', 'MultiheadAttention(w, 4, 2, mask=[[0, -1, 1]])', '2, 3, 4'),
  of('LayerNorm', 'LayerNorm(w, [3, 4])', '2, 3, 4', '5, 3, 4'),
  of('RMSNorm', 'RMSNorm(w, 4)', '2, 4', '2, 3, 4'),
  of('GroupNorm', 'GroupNorm(w, 2, 4)', '2, 4', '2, 4, 3'),
  of('BatchNorm1d', 'BatchNorm1d(w, 3, track_running_stats=false)', '5, 3', '3, 3, 4'),
  of('BatchNorm2d', 'BatchNorm2d(w, 3, track_running_stats=false)', '3, 3, 2, 2'),
  of('BatchNorm3d', 'BatchNorm3d(w, 2, track_running_stats=false)', '2, 2, 2, 2, 1'),
  of('InstanceNorm1d', 'InstanceNorm1d(w, 3)', '2, 3, 4'),
  of('InstanceNorm2d', 'InstanceNorm2d(w, 3, affine=true)', '2, 3, 2, 2'),
  of('InstanceNorm3d', 'InstanceNorm3d(w, 2)', '1, 2, 2, 2, 2'),
  of('Dropout', 'Dropout(w, 0.5)', '6'),
  of('MaxPool1d', 'MaxPool1d(w, 2)', '2, 2, 6'),
  of('MaxPool2d', 'MaxPool2d(w, 3, stride=2, padding=1)', '1, 2, 5, 4'),
  of('MaxPool3d', 'MaxPool3d(w, 2)', '1, 1, 2, 4, 2'),
  of('AvgPool1d', 'AvgPool1d(w, 3, stride=1)', '2, 2, 6'),
  of('AvgPool2d', 'AvgPool2d(w, 2, padding=1)', '1, 2, 4, 4'),
  of('AvgPool3d', 'AvgPool3d(w, 2)', '1, 1, 2, 4, 2'),
  of('AdaptiveAvgPool1d', 'AdaptiveAvgPool1d(w, 3)', '2, 2, 7', '1, 1, 6'),
  of('AdaptiveAvgPool2d', 'AdaptiveAvgPool2d(w, [2, 1])', '1, 2, 5, 3'),
  of('AdaptiveAvgPool3d', 'AdaptiveAvgPool3d(w, 2)', '1, 1, 4, 3, 2'),
  of('Upsample', 'Upsample(w, 2, mode=bilinear)', '1, 2, 3, 2'),
];

interface Built {
  readonly graph: Graph;
  readonly state: Map<string, Float64Array>;
}

/** Output `y`, a number `l` made of all of it, and `d:NAME`, its gradients by every parameter. */
function build(c: Case, shape: string, seed: number): Built {
  const text = `param w: [${shape}] = ones\nlet y = ${c.call}\nprint y\n`;
  const { script, diagnostics } = check({ name: 'case.nn', text });
  if (!script) throw new Error(renderAll(diagnostics));
  const b = new GraphBuilder('case', { ...script.graph, outputs: {} });
  const y = script.graph.outputs['print:0:0'] ?? -1;
  const random = new Random(seed);
  // Every element counts differently, so that nothing cancels.
  const weights = b.add('input', [], { name: 'weights' }, { dtype: 'f32', shape: b.shape(y) });
  const l = b.sum(
    b.op('mul', y, weights),
    b.shape(y).map((_, i) => i),
  );
  b.outputs['y'] = y;
  b.outputs['l'] = l;
  const params = script.graph.nodes.filter((n) => n.op === 'param');
  gradient(
    b,
    l,
    params.map((p) => p.id),
  ).forEach((g, i) => {
    b.outputs[`d:${params[i]?.name ?? 'w'}`] = g;
  });
  const state = new Map<string, Float64Array>();
  const [low, high] = [c.low ?? -1.2, c.high ?? 1.3];
  for (const p of script.params) {
    const n = p.shape.reduce((q, d) => q * d, 1);
    const values = random.floats(n, 0, 1);
    state.set(
      p.name,
      Float64Array.from(values, (v) => Math.fround(p.name === 'w' ? low + (high - low) * v : v - 0.5)),
    );
  }
  return { graph: dce(b.graph()), state };
}

const weightsFor = (graph: Graph): Map<string, Float64Array> => {
  const node = graph.nodes.find((n) => n.op === 'input');
  const n = node ? count(node.type.shape) : 0;
  return new Map([['weights', Float64Array.from({ length: n }, (_, i) => Math.fround(0.5 + ((i * 7) % 11) / 11))]]);
};

const news = new News('gpu');
const cases = CASES.flatMap((c) => c.shapes.map((shape, i) => ({ ...c, shape, seed: 31 + i, title: `${c.call} at [${shape}]` })));

describe('the catalogue', () => {
  it('is documented: docs/ops.md is fresh (npm run docs)', () => {
    expect(readFileSync('docs/ops.md', 'utf8')).toBe(opsText());
  });

  it.each(cases)('$title', async (c) => {
    const { graph, state } = build(c, c.shape, c.seed);
    const inputs = weightsFor(graph);
    const scalars = { step: 0, seed: 0, total: 1 };
    const all = evaluate(graph, { inputs, state, scalars });
    const out = (name: string): NodeId => graph.outputs[name] ?? -1;
    if (c.value) {
      const f = c.value;
      const want = Array.from(state.get('w') ?? [], (x) => f(x));
      expect(distance(all(out('y')).data, want), 'value').toBeLessThan(1e-7);
    }
    const h = 1e-5;
    for (const name of Object.keys(graph.outputs).filter((o) => o.startsWith('d:'))) {
      const data = state.get(name.slice(2)) ?? new Float64Array(0);
      const symbolic = all(out(name)).data;
      const scale = symbolic.reduce((a, v) => Math.max(a, Math.abs(v)), 1e-3);
      for (let i = 0; i < Math.min(data.length, 12); i++) {
        const w = at([...data], i);
        const l = (by: number): number => {
          data[i] = w + by;
          const value = evaluate(graph, { inputs, state, scalars })(out('l')).data[0] ?? NaN;
          data[i] = w;
          return value;
        };
        const numeric = (l(h) - l(-h)) / (2 * h);
        if (c.name === 'detach') expect(symbolic[i]).toBe(0);
        else expect(Math.abs(numeric - (symbolic[i] ?? NaN)) / scale, `${name}[${i}]: ${symbolic[i]} and ${numeric}`).toBeLessThan(1e-5);
      }
    }
    const clean = dce(cse(simplify(graph)));
    // Unfused on the GPU: test/parity/torch.test.ts and random graphs do so.
    const runs = ([...(news.in(clean) ? ([['gpu', 1]] as const) : []), ['cpu', 0], ['cpu', 1]] as const).filter(([d]) =>
      DEVICES.includes(d),
    );
    for (const [device, level] of runs) {
      const got = await runGraph(level === 0 ? graph : clean, level, device, { inputs, state });
      for (const name of Object.keys(graph.outputs))
        expect(distance(got.outputs.get(name) ?? [], all(out(name)).data), `${name} on ${device} -O${level}`).toBeLessThan(1e-4);
    }
  });
});
