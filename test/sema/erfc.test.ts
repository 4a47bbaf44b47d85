import { expect, it } from 'vitest';
import { at } from '../../src/base/errors.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { createWasmSession } from '../../src/runtime/wasm.ts';
import { erfcOf } from '../../src/sema/special.ts';
import { planGraph, runGraph } from '../../src/verify/run-graph.ts';
import { wasmOf } from '../support/sections.ts';

/** Of C's erfc. */
const VALUES: readonly (readonly [x: number, value: number])[] = [
  [-3, 1.9999779095030015],
  [0.25, 0.7236736098317631],
  [0.5, 0.4795001221869535],
  [3, 2.209049699858544e-5],
  [4, 1.541725790028002e-8],
  [4.5, 1.9661604415428873e-10],
  [5, 1.5374597944280351e-12],
  [8, 1.1224297172982928e-29],
  [Infinity, 0],
  [-Infinity, 2],
];

it('erfc is exact where 1 - erf(x) cancels', async () => {
  const g = new GraphBuilder('erfc');
  const x = g.add('input', [], { name: 'x' }, { dtype: 'f32', shape: [VALUES.length] });
  g.outputs['y'] = erfcOf(g, x);
  const inputs = new Map([['x', VALUES.map(([v]) => v)]]);
  const state = new Map<string, Float64Array>();
  const exact = evaluate(g.graph(), { inputs, state, scalars: { step: 0, seed: 0, total: 1 } })(g.outputs['y'] ?? -1).data;
  const planned = planGraph(g.graph(), 1, { devices: 'cpu' });
  const session = createWasmSession(planned.plan, wasmOf(planned.plan), { reason: 'test' });
  const single = (await runGraph(planned, session, { inputs, state })).outputs.get('y') ?? [];
  session.destroy();
  VALUES.forEach(([v, value], i) => {
    expect(Math.abs(at([...exact], i) - value), `${v}`).toBeLessThanOrEqual(1e-12 * value);
    expect(Math.abs(at([...single], i) - value), `${v}`).toBeLessThanOrEqual(1e-5 * value);
  });
});
