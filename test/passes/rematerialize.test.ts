import { describe, expect, it } from 'vitest';
import { rematerialize } from '../../src/passes/graph/rematerialize.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import type { Graph } from '../../src/ir/graph/types.ts';
import { distance } from '../../src/verify/run-graph.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { Random } from '../support/random.ts';

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
