import { describe, expect, it } from 'vitest';
import { distance, planGraph } from '../../src/verify/run-graph.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import type { NodeId } from '../../src/ir/graph/types.ts';
import { gradient } from '../../src/autodiff/gradient.ts';
import { cse, dce } from '../../src/passes/graph/cleanup.ts';
import { simplify } from '../../src/passes/graph/simplify.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { Random } from '../support/random.ts';
import { adapterAtHand, runGraph } from '../support/run-graph.ts';
import { plan } from '../support/programs.ts';
import { webgpuOf } from '../support/sections.ts';

async function agrees(build: (b: GraphBuilder, x: NodeId) => NodeId, shape: readonly number[]): Promise<number> {
  const b = new GraphBuilder('fusion');
  b.outputs['y'] = build(b, b.add('input', [], { name: 'x' }, { dtype: 'f32', shape }));
  const graph = dce(cse(simplify(b.graph())));
  const inputs = new Map([['x', new Random(4).floats(shape.reduce((p, q) => p * q, 1))]]);
  const want = evaluate(graph, { inputs, state: new Map(), scalars: { step: 0, seed: 0, total: 1 } })(graph.outputs['y'] ?? -1);
  for (const device of ['gpu', 'cpu'] as const) {
    const got = await runGraph(graph, 1, device, { inputs, state: new Map() });
    expect(distance(got.outputs.get('y') ?? [], want.data), device).toBeLessThan(1e-5);
  }
  return webgpuOf(planGraph(graph, 1).plan).kernels.length;
}

describe('fusion', () => {
  it('keeps the gradient of a maximum over values that could be computed again', async () => {
    await agrees(
      (b, x) => {
        const scaled = b.op('mul', x, b.like(1.1, x));
        const max = b.add('reduce_max', [scaled], { axes: [1] });
        return gradient(b, b.sum(max, [0]), [x])[0] ?? -1;
      },
      [7, 13],
    );
  });

  it('puts a long chain of pointwise operations into few kernels that compile', async () => {
    const kernels = await agrees(
      (b, x) => {
        let y = x;
        for (let i = 0; i < 300; i++) y = i % 3 === 0 ? b.op('sin', y) : b.op('add', y, b.like(0.01 * i, y));
        return y;
      },
      [50],
    );
    expect(kernels).toBeLessThan(20);
  });

  it('reads no joined vector before all of its parts are there', async () => {
    await agrees(
      (b, x) => {
        const part = (factor: number) => b.reshape(b.contract('a,a->', x, b.op('mul', x, b.like(factor, x))), [1]);
        const joined = b.add('concat', [part(1), part(2), part(3)], { axis: 0 });
        const norm = b.op('sqrt', b.sum(b.op('mul', joined, joined), [0]));
        return b.op('div', joined, b.splat(norm, [3]));
      },
      [7],
    );
  });

  it('computes a shared reduction once, whatever stores it', () => {
    const b = new GraphBuilder('once');
    const x = b.add('input', [], { name: 'x' }, { dtype: 'f32', shape: [1000] });
    b.outputs['a'] = b.sum(x, [0]);
    b.outputs['b'] = b.outputs['a'];
    const [kernel] = planGraph(b.graph(), 1).lowered.kernels.webgpu ?? [];
    expect(kernel?.lanes).toBeGreaterThan(1);
    expect(kernel?.body.filter((s) => s.kind === 'combine')).toHaveLength(1);
  });

  it('keeps a large kernel of a software adapter apart from one whose lanes wait for each other', async () => {
    const dispatches = async (software: boolean, size: number): Promise<number> => {
      const b = new GraphBuilder('apart');
      const input = (name: string, ...shape: number[]) => b.add('input', [], { name }, { dtype: 'f32', shape });
      b.outputs['product'] = b.contract('ab,bc->ac', input('x', size, size), input('w', size, size));
      b.outputs['sums'] = b.sum(input('v', 4, 9_973), [1]);
      const { plan, lowered } = planGraph(b.graph(), 1, { adapter: await adapterAtHand(software), devices: 'gpu' });
      expect(lowered.kernels.webgpu?.map((k) => k.lanes > 1)).toEqual([!software, true]);
      return webgpuOf(plan).programs['main']?.length ?? 0;
    };
    expect(await dispatches(true, 320)).toBe(2);
    expect(await dispatches(true, 128)).toBe(1);
    // On hardware the product takes all the memory of a workgroup.
    expect(await dispatches(false, 320)).toBe(2);
  });
});

describe('values that are computed where they are read', () => {
  it('are there for every kernel that reads them: a normalisation of the input, whose mean nobody else needs', () => {
    const text = 'input x: [40, 16]; target y: [2]; layer LayerNorm(16) -> flatten -> Linear(640, 2); loss mse; optim adam lr=0.01';
    for (const rows of [8, 64]) expect(() => plan(text, { rows, batch: rows, devices: 'all' })).not.toThrow();
  });
});
