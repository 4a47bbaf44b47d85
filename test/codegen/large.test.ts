import { expect, it } from 'vitest';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import { planGraph, runGraph } from '../../src/verify/run-graph.ts';
import { adapterAtHand, openSession } from '../support/run-graph.ts';
import { webgpuOf } from '../support/sections.ts';

/** More workgroups than one dimension of a dispatch may have (65,535) are folded into two, and every element is still computed once. */
it('a kernel of more than 4.2 million threads computes every element', async () => {
  const n = 65_535 * 64 + 77;
  const b = new GraphBuilder('large');
  const x = b.add('input', [], { name: 'x' }, { dtype: 'f32', shape: [n] });
  b.outputs['y'] = b.op('add', b.op('mul', x, x), b.full(1, { dtype: 'f32', shape: [n] }));
  const planned = planGraph(b.graph(), 0, { adapter: await adapterAtHand(false), devices: 'gpu' });
  const { kernels } = webgpuOf(planned.plan);
  expect(kernels.some((k) => k.workgroups[1] > 1)).toBe(true);
  const session = await openSession(planned.plan, 'gpu');
  try {
    const data = Float64Array.from({ length: n }, (_, i) => (i % 1009) - 500);
    const { outputs } = await runGraph(planned, session, { inputs: new Map([['x', data]]), state: new Map(), step: 0, seed: 0 });
    const y = outputs.get('y') ?? [];
    expect(y.length).toBe(n);
    let wrong = 0;
    for (let i = 0; i < n; i++) if (y[i] !== (data[i] ?? 0) ** 2 + 1) wrong++;
    expect(wrong).toBe(0);
  } finally {
    session.destroy();
  }
});
