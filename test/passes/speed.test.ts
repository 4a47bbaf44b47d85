import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { planGraph } from '../../src/verify/run-graph.ts';
import { compile } from '../../src/compile.ts';
import { cse, dce } from '../../src/passes/graph/cleanup.ts';
import { rematerialize } from '../../src/passes/graph/rematerialize.ts';
import { simplify } from '../../src/passes/graph/simplify.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import type { Graph } from '../../src/ir/graph/types.ts';
import { planBytes } from '../../src/plan.ts';
import { distance, runGraph } from '../../src/verify/run-graph.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { model } from '../support/programs.ts';
import { Random } from '../support/random.ts';
import { randomGraph } from '../support/random-graph.ts';
import { adapterAtHand, openSession } from '../support/run-graph.ts';
import { webgpuOf } from '../support/sections.ts';

/** Programs of the benchmarks, with the dispatches that a step may have and the bytes that it may take. */
const PROGRAMS = [
  { name: 'A', rows: 100, dispatches: 3, megabytes: 1 },
  { name: 'B', rows: 128, dispatches: 12, megabytes: 16 },
  { name: 'C', rows: 64, dispatches: 20, megabytes: 32 },
  { name: 'D', rows: 16, dispatches: 90, megabytes: 49 },
];

describe.each(PROGRAMS)('benchmark $name', ({ name, rows, dispatches, megabytes }) => {
  const { plan } = compile(model(readFileSync(`bench/programs/${name}.nn`, 'utf8')).model, {
    rows,
    adapter: { software: true, bindings: 16, subgroup: 1, collectives: false, half: false },
  });

  it('keeps to its dispatches and its memory', () => {
    expect(webgpuOf(plan).programs['train']?.length).toBeLessThanOrEqual(dispatches);
    expect(planBytes(plan).total / 1e6).toBeLessThanOrEqual(megabytes);
  });

  it('binds no more than it was allowed, and starts every short loop where drivers do not see it', () => {
    for (const k of webgpuOf(plan).kernels) {
      expect(k.bindings.length).toBeLessThanOrEqual(16);
      // The tree over the lanes holds barriers, which are not written out.
      const text = k.wgsl.replace(/fn combine_[^]*?\n}\n/g, '');
      for (const [, first, end] of text.matchAll(/for \(var \w+ = (\w+); \w+ < (\d+)u/g))
        expect(Number(end) > 40 || first === 'zero').toBe(true);
      // Only loops with unit steps and constant bounds are free of a counter against endless loops.
      expect(k.wgsl).not.toMatch(/while|loop \{/);
    }
  });
});

it('shares kernels between equal layers', () => {
  const { plan } = compile(model(readFileSync('bench/programs/D.nn', 'utf8')).model, {
    rows: 16,
    adapter: { software: true, bindings: 16, subgroup: 1, collectives: false, half: false },
  });
  expect(webgpuOf(plan).kernels.length).toBeLessThan((webgpuOf(plan).programs['train']?.length ?? 0) / 2);
});

describe('tilings', () => {
  it.each(Array.from({ length: 30 }, (_, i) => i))('number %i of random graphs agree with the reference on the GPU', async (seed) => {
    const r = new Random(7000 + seed);
    const { graph, inputs, state } = randomGraph(r, r.int(4, 12));
    const g = dce(cse(simplify(graph)));
    const want = evaluate(g, { inputs, state, scalars: { step: 3, seed: 7, total: 10 } });
    const planned = planGraph(g, 1, { tiling: seed, adapter: await adapterAtHand(seed % 2 === 0) });
    const session = await openSession(planned.plan, 'gpu');
    const got = await runGraph(planned, session, { inputs, state, step: 3, seed: 7 });
    session.destroy();
    for (const [name, id] of Object.entries(g.outputs))
      expect(distance(got.outputs.get(name) ?? [], want(id).data), name).toBeLessThan(2e-4);
    for (const w of g.writes) expect(distance(got.state.get(w.state) ?? [], want(w.value).data), w.state).toBeLessThan(2e-4);
  });

  it.each([
    ['mk,kn->mn', [33, 40], [40, 20]],
    ['mk,nk->mn', [24, 36], [28, 36]],
    ['km,kn->mn', [50, 16], [50, 12]],
    ['bmk,bkn->bmn', [3, 8, 16], [3, 16, 8]],
    ['mk,kn->mn', [7, 13], [13, 5]],
    ['mk,nk->mn', [16, 12], [32, 12]],
    ['bkm,bkn->bmn', [2, 9, 32], [2, 9, 24]],
  ] as const)('of %s at %j and %j all agree', async (spec, a, b) => {
    const builder = new GraphBuilder('product');
    const leaf = (name: string, shape: readonly number[]) => builder.add('input', [], { name }, { dtype: 'f32', shape });
    builder.outputs['y'] = builder.contract(spec, leaf('a', a), leaf('b', b));
    const graph = builder.graph();
    const r = new Random(3);
    const inputs = new Map([
      ['a', r.floats(a.reduce((n, d) => n * d, 1))],
      ['b', r.floats(b.reduce((n, d) => n * d, 1))],
    ]);
    const want = evaluate(graph, { inputs, state: new Map(), scalars: { step: 0, seed: 0, total: 1 } })(graph.outputs['y'] ?? -1);
    const texts = new Set<string>();
    for (let tiling = 0; tiling < 60; tiling++) {
      const planned = planGraph(graph, 1, { tiling, adapter: await adapterAtHand(tiling % 5 !== 0) });
      const text = webgpuOf(planned.plan).kernels[0]?.wgsl ?? '';
      if (texts.has(text)) continue;
      texts.add(text);
      const session = await openSession(planned.plan, 'gpu');
      const got = await runGraph(planned, session, { inputs, state: new Map() });
      session.destroy();
      expect(distance(got.outputs.get('y') ?? [], want.data), `tiling ${tiling}`).toBeLessThan(1e-5);
    }
    expect(texts.size).toBeGreaterThan(1);
  });
});

describe('rematerialization', () => {
  const build = (): Graph => {
    const b = new GraphBuilder('again');
    const input = (name: string, ...shape: number[]) => b.add('input', [], { name }, { dtype: 'f32', shape });
    const x = b.op('exp', b.contract('ab,bc->ac', input('x', 300, 40), input('w', 40, 300)));
    const h = b.op('mul', b.op('tanh', x), x);
    const loss = b.sum(b.contract('ab,bc->ac', h, input('v', 300, 10)), [0, 1]);
    b.outputs['loss'] = b.op('mul', loss, b.like(1, loss));
    b.outputs['back'] = b.sum(b.op('add', b.op('mul', h, h), x), [0]);
    return b.graph();
  };

  it('computes a cheap value of the forward pass again behind the loss, and means the same', () => {
    const graph = build();
    const again = rematerialize(graph);
    const tanhs = (g: Graph): number => g.nodes.filter((n) => n.op === 'tanh').length;
    expect(tanhs(graph)).toBe(1);
    expect(tanhs(again)).toBe(2);
    // The exponential of a product is not cheap: it is kept.
    expect(again.nodes.filter((n) => n.op === 'contract')).toHaveLength(2);
    const r = new Random(9);
    const inputs = new Map([
      ['x', r.floats(12_000, -0.1, 0.1)],
      ['w', r.floats(12_000, -0.1, 0.1)],
      ['v', r.floats(3_000, -0.1, 0.1)],
    ]);
    const values = { inputs, state: new Map(), scalars: { step: 0, seed: 0, total: 1 } };
    const [a, b] = [evaluate(graph, values), evaluate(again, values)];
    for (const name of ['loss', 'back']) expect(distance(b(again.outputs[name] ?? -1).data, a(graph.outputs[name] ?? -1).data)).toBe(0);
  });
});
