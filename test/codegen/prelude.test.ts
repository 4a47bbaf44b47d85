import { describe, expect, it } from 'vitest';
import { POINTWISE } from '../../src/ir/graph/pointwise.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import type { NodeId } from '../../src/ir/graph/types.ts';
import { CASES } from '../support/math-cases.ts';
import { Random } from '../support/random.ts';
import { runGraph } from '../support/run-graph.ts';

const N = 4096;
const type = { dtype: 'f32', shape: [N] } as const;

async function onGpu(x: Float64Array, build: (b: GraphBuilder, x: NodeId) => NodeId): Promise<ArrayLike<number>> {
  const b = new GraphBuilder('prelude');
  b.outputs['y'] = build(b, b.add('input', [], { name: 'x' }, type));
  return (await runGraph(b.graph(), 1, 'gpu', { inputs: new Map([['x', x]]), state: new Map() })).outputs.get('y') ?? [];
}

describe('the numeric functions of WGSL against float64', () => {
  it.each(CASES)('$op on [$low, $high]', async ({ op, low, high, relative, absolute }) => {
    const x = new Random(5).floats(N, low, high);
    x.set([low, high, (low + high) / 2].map(Math.fround));
    const got = await onGpu(x, (b, v) => b.op(op, v));
    x.forEach((v, i) => {
      const want = (POINTWISE[op] as (x: number) => number)(v);
      const error = Math.abs((got[i] ?? NaN) - want);
      expect(error, `${op}(${v}) = ${got[i] ?? 'nothing'}, not ${want}`).toBeLessThanOrEqual(absolute + relative * Math.abs(want) + 1e-38);
    });
  });

  it('pow has a meaning for negative bases with whole exponents', async () => {
    const x = new Random(6).floats(N, -3, 3);
    for (const exponent of [0, 1, 2, 3, 4, 5]) {
      const got = await onGpu(x, (b, v) => b.op('pow', v, b.full(exponent, type)));
      x.forEach((v, i) => expect(Math.abs((got[i] ?? NaN) - v ** exponent)).toBeLessThan(1e-4 * Math.max(1, Math.abs(v ** exponent))));
    }
  });

  it('is finite where inputs are huge', async () => {
    const x = Float64Array.from({ length: N }, (_, i) => (i - N / 2) * 1e33);
    for (const op of ['tanh', 'sigmoid', 'erf'] as const) {
      const got = await onGpu(x.map(Math.fround), (b, v) => b.op(op, v));
      for (let i = 0; i < N; i++) expect(Number.isFinite(got[i] ?? NaN), op).toBe(true);
    }
  });
});
