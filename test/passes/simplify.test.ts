import { describe, expect, it } from 'vitest';
import { count, fixedShape } from '../../src/base/types.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import { cse, dce } from '../../src/passes/graph/cleanup.ts';
import { LAWS, simplify } from '../../src/passes/graph/simplify.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { EXAMPLES } from '../support/laws.ts';
import { Random } from '../support/random.ts';

describe('the laws of the simplifier', () => {
  it('have names of their own', () => {
    expect(LAWS.map((l) => l.name).sort()).toEqual(Object.keys(EXAMPLES).sort());
  });

  it.each(Object.entries(EXAMPLES))('%s', (_name, [build, left]) => {
    const b = new GraphBuilder('law');
    const type = { dtype: 'f32', shape: [3, 4] } as const;
    const [x, y] = [b.add('input', [], { name: 'x' }, type), b.add('input', [], { name: 'y' }, type)];
    b.outputs['out'] = build(b, x, y);
    const before = b.graph();
    const after = dce(cse(simplify(before)));
    const ops = (g: typeof before): string[] => g.nodes.map((n) => n.op).filter((op) => op !== 'input');
    expect(ops(after).sort()).toEqual(left.split(' ').sort());
    const r = new Random(8);
    const values = {
      inputs: new Map([
        ['x', r.floats(12, 0.5, 2)],
        ['y', r.floats(12, 0.5, 2)],
      ]),
      state: new Map(),
      scalars: { step: 0, seed: 0, total: 1 },
    };
    const want = evaluate(before, values)(before.outputs['out'] ?? -1);
    const got = evaluate(after, values)(after.outputs['out'] ?? -1);
    expect(got.shape).toEqual(want.shape);
    expect(got.data).toHaveLength(count(fixedShape(got.shape)));
    got.data.forEach((v, i) => expect(v).toBeCloseTo(want.data[i] ?? NaN, 12));
  });
});
