import { describe, expect, it } from 'vitest';
import { evaluate } from '../../src/reference/evaluate.ts';
import { cse, dce } from '../../src/passes/graph/cleanup.ts';
import { simplify } from '../../src/passes/graph/simplify.ts';
import { verifyGraph } from '../../src/ir/graph/verify.ts';
import { Random } from '../support/random.ts';
import { randomGraph } from '../support/random-graph.ts';
import { distance } from '../../src/verify/run-graph.ts';
import { runGraph } from '../support/run-graph.ts';

/** Random graphs on every device at every level against the float64 reference, on fresh inputs, with poisoned memory. */
const SEEDS = Array.from({ length: Number(process.env['NNC_FUZZ'] ?? 25) }, (_, i) => i + 1);
const TOLERANCE = 2e-4;

describe.each(SEEDS)('random graph %i', (seed) => {
  const r = new Random(seed);
  const { graph, inputs, state } = randomGraph(r, r.int(4, 14));
  const values = { inputs, state, scalars: { step: 3, seed: 7, total: 10 } };
  const want = evaluate(graph, values);

  const cleaned = dce(cse(simplify(graph)));

  it('means the same after simplify, cse and dce', () => {
    verifyGraph(cleaned, 'cleaning');
    const got = evaluate(cleaned, values);
    for (const [name, id] of Object.entries(graph.outputs))
      expect(distance(got(cleaned.outputs[name] ?? -1).data, want(id).data), name).toBeLessThan(1e-9);
    graph.writes.forEach((w, i) => expect(distance(got(cleaned.writes[i]?.value ?? -1).data, want(w.value).data)).toBeLessThan(1e-9));
  });

  it.each([
    ['gpu', 0],
    ['gpu', 1],
    ['cpu', 0],
    ['cpu', 1],
    ['js', 0],
    ['js', 1],
  ] as const)('agrees with the reference on the %s at -O%i', async (device, level) => {
    const g = level === 0 ? graph : cleaned;
    const got = await runGraph(g, level, device, { inputs, state, step: 3, seed: 7 });
    for (const [name, id] of Object.entries(graph.outputs))
      expect(distance(got.outputs.get(name) ?? [], want(id).data), name).toBeLessThan(TOLERANCE);
    for (const w of graph.writes) expect(distance(got.state.get(w.state) ?? [], want(w.value).data), w.state).toBeLessThan(TOLERANCE);
  });
});
