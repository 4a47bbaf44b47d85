import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { gradient } from '../../src/autodiff/gradient.ts';
import { distance, planGraph, runGraph } from '../../src/cli/run-graph.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import type { Graph } from '../../src/ir/graph/types.ts';
import { cse, dce } from '../../src/passes/graph/cleanup.ts';
import { gradOutput } from '../../src/passes/graph/differentiate.ts';
import { optimize } from '../../src/passes/graph/optimize.ts';
import { UPDATES } from '../../src/passes/graph/optimizers.ts';
import { packing } from '../../src/passes/graph/pack.ts';
import { simplify } from '../../src/passes/graph/simplify.ts';
import type { Settings } from '../../src/passes/graph/update.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { OPTIMIZERS } from '../../src/sema/optimizers.ts';
import { openSession } from '../support/run-graph.ts';

/** PyTorch's own traces of optimizers, in float64. */
interface Trace {
  readonly optimizer: string;
  readonly attrs: Record<string, unknown>;
  readonly a: readonly number[];
  readonly w0: readonly number[];
  readonly w: readonly (readonly number[])[];
}

/** One step of an optimizer on the objective of the traces, and the state that it starts from. */
function stepOf(t: Trace): { readonly graph: Graph; readonly state: Map<string, ArrayLike<number>> } {
  const n = t.w0.length;
  const type = { dtype: 'f32', shape: [n] } as const;
  const b = new GraphBuilder('trace');
  const w = b.add('state', [], { name: 'params' }, type);
  const a = b.add('input', [], { name: 'a' }, type);
  const d = b.op('sub', w, a);
  const fourth = b.op('mul', b.op('mul', d, d), b.op('mul', d, d));
  const loss = b.sum(b.op('add', fourth, b.op('sin', b.op('mul', w, a))), [0]);
  b.outputs[gradOutput('w')] = gradient(b, loss, [w])[0] ?? -1;
  const defaults = Object.fromEntries(Object.entries(OPTIMIZERS[t.optimizer] ?? {}).map(([k, p]) => [k, p.default]));
  const settings = { ...defaults, ...t.attrs } as Settings;
  const graph = optimize(b.graph(), packing([{ name: 'w', shape: [n] }]), t.optimizer, settings);
  const state = new Map<string, ArrayLike<number>>([['params', t.w0]]);
  for (const node of graph.nodes)
    if (node.op === 'state' && !state.has(node.attrs.name))
      state.set(node.attrs.name, new Float64Array(node.type.shape.length === 0 ? 1 : n));
  return { graph, state };
}

const traces = (JSON.parse(readFileSync('test/parity/optimizers.json', 'utf8')) as Trace[]).map((t) => ({
  ...t,
  title: `${t.optimizer} ${JSON.stringify(t.attrs)}`,
}));
const supported = traces.filter((t) => t.optimizer in OPTIMIZERS && t.optimizer !== 'nadam');

/**
 * NAdam on the objective of the traces, number by number. PyTorch 1.13, which wrote the traces, multiplied the next momentum
 * by the present one twice and kept the product in float32; later versions, and nnc, do as Dozat's paper says.
 */
function nadam(t: Trace, old: boolean): number[][] {
  const [lr, beta1, beta2] = [Number(t.attrs['lr']), 0.9, 0.999];
  const w = [...t.w0];
  const [m, v] = [w.map(() => 0), w.map(() => 0)];
  const mu = (step: number): number => beta1 * (1 - 0.5 * 0.96 ** (step * 4e-3));
  let product = 1;
  return t.w.map((_, i) => {
    const step = i + 1;
    product = old ? Math.fround(product * mu(step)) : product * mu(step);
    const next = old ? Math.fround(Math.fround(product * mu(step)) * mu(step + 1)) : product * mu(step + 1);
    w.forEach((x, k) => {
      const a = t.a[k] ?? 0;
      const g = 4 * (x - a) ** 3 + a * Math.cos(x * a);
      m[k] = beta1 * (m[k] ?? 0) + (1 - beta1) * g;
      v[k] = beta2 * (v[k] ?? 0) + (1 - beta2) * g * g;
      const root = Math.sqrt((v[k] ?? 0) / (1 - beta2 ** step)) + 1e-8;
      w[k] = x - ((lr * (1 - mu(step))) / (1 - product)) * (g / root) - ((lr * mu(step + 1)) / (1 - next)) * ((m[k] ?? 0) / root);
    });
    return [...w];
  });
}

const cases = [...supported, ...traces.filter((t) => t.optimizer === 'nadam').map((t) => ({ ...t, w: nadam(t, false) }))];

describe("PyTorch's optimizer traces", () => {
  it('cover every optimizer of the language', () => {
    expect(traces.filter((t) => !(t.optimizer in OPTIMIZERS))).toEqual([]);
    expect(new Set(Object.keys(UPDATES))).toEqual(new Set(Object.keys(OPTIMIZERS)));
  });

  it('differ for nadam by what PyTorch mended since', () => {
    for (const t of traces.filter((x) => x.optimizer === 'nadam'))
      nadam(t, true).forEach((w, step) => expect(distance(w, t.w[step] ?? []), `step ${step}`).toBeLessThan(1e-7));
  });

  it.each(cases)('$title', (t) => {
    const { graph, state } = stepOf(t);
    t.w.forEach((want, step) => {
      const run = evaluate(graph, { inputs: new Map([['a', t.a]]), state, scalars: { step, seed: 0, total: t.w.length } });
      const next = graph.writes.map((write) => [write.state, run(write.value).data] as const);
      for (const [name, data] of next) state.set(name, data);
      expect(distance(state.get('params') ?? [], want), `step ${step}`).toBeLessThan(1e-9);
    });
  });

  it.each(cases.flatMap((t) => (['gpu', 'cpu'] as const).map((device) => ({ ...t, device, title: `${t.title} on the ${device}` }))))(
    '$title',
    async (t) => {
      const { graph, state } = stepOf(t);
      const planned = planGraph(dce(cse(simplify(graph))), 1);
      const session = await openSession(planned.plan, t.device);
      try {
        for (const [step, want] of t.w.entries()) {
          const { state: next } = await runGraph(planned, session, { inputs: new Map([['a', t.a]]), state, step });
          for (const [name, data] of next) state.set(name, data);
          expect(distance(state.get('params') ?? [], want), `step ${step}`).toBeLessThan(1e-4);
        }
      } finally {
        session.destroy();
      }
    },
  );
});
