import { describe, expect, it } from 'vitest';
import { planGraph } from '../../src/verify/run-graph.ts';
import { cse, dce } from '../../src/passes/graph/cleanup.ts';
import { simplify } from '../../src/passes/graph/simplify.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import { distance, runGraph } from '../../src/verify/run-graph.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { Random } from '../support/random.ts';
import { randomGraph } from '../support/random-graph.ts';
import { adapterAtHand, openSession } from '../support/run-graph.ts';
import { webgpuOf } from '../support/sections.ts';

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
