import { describe, expect, it } from 'vitest';
import { get } from '../../src/base/errors.ts';
import { compile } from '../../src/compile.ts';
import { distance } from '../../src/verify/run-graph.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import type { Graph, NodeId } from '../../src/ir/graph/types.ts';
import { differentiate } from '../../src/passes/graph/differentiate.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { scaledDotProduct } from '../../src/sema/layers/attention.ts';
import { planBytes } from '../../src/plan.ts';
import { model } from '../support/programs.ts';
import { Random } from '../support/random.ts';

const [HEADS, SIZE] = [2, 3];

type Mask = 'none' | 'added' | 'truth';

/** Attention of sequences of this length with the gradients of a loss; `all` looks at all keys at once, by the formula. */
function graphOf(places: number, causal: boolean, mask: Mask, all: boolean): Graph {
  const b = new GraphBuilder('attention');
  const shape = [1, HEADS, places, SIZE];
  const [q, k, v] = ['q', 'k', 'v'].map((name) => b.add('param', [], { name }, { dtype: 'f32', shape })) as [NodeId, NodeId, NodeId];
  const numbers = mask === 'none' ? undefined : b.add('input', [], { name: 'mask' }, { dtype: 'f32', shape: [places, places] });
  const hidden = numbers !== undefined && mask === 'truth' ? b.op('lt', b.like(0, numbers), numbers) : numbers;
  let out: NodeId;
  if (all) {
    const raw = b.contract('abtz,absz->abts', q, k);
    let scores = b.op('mul', raw, b.like(1 / Math.sqrt(SIZE), raw));
    const type = { dtype: 'i32', shape: b.shape(scores) } as const;
    if (causal) {
      const later = b.op('lt', b.add('iota', [], { axis: 2 }, type), b.add('iota', [], { axis: 3 }, type));
      scores = b.op('select', later, b.like(-1e30, scores), scores);
    }
    if (hidden !== undefined) {
      const wide = b.broadcast(hidden, b.shape(scores), [2, 3]);
      scores = mask === 'truth' ? b.op('select', wide, scores, b.like(-1e30, scores)) : b.op('add', scores, wide);
    }
    const e = b.op('exp', scores);
    const sums = b.broadcast(b.sum(e, [3]), b.shape(scores), [0, 1, 2]);
    out = b.contract('abts,absz->abtz', b.op('div', e, sums), v);
  } else out = scaledDotProduct(b, q, k, v, { causal, masks: hidden === undefined ? [] : [hidden] });
  const weight = b.add('input', [], { name: 'weight' }, { dtype: 'f32', shape });
  b.outputs['out'] = out;
  b.outputs['loss'] = b.sum(b.op('mul', out, weight), [0, 1, 2, 3]);
  return differentiate(b.graph(), ['q', 'k', 'v']);
}

describe('attention over long sequences', () => {
  it.each([
    [600, false, 'none'],
    [520, true, 'added'],
    [514, false, 'truth'],
  ] as const)('of %i places (causal %s, mask: %s) is what the formula says, and so are its gradients', (places, causal, mask) => {
    const r = new Random(places);
    const n = HEADS * places * SIZE;
    const state = new Map(['q', 'k', 'v'].map((name) => [name, r.floats(n)]));
    const inputs = new Map([
      ['weight', r.floats(n)],
      ['mask', r.floats(places * places)],
    ]);
    const [want, got] = [true, false].map((all) => {
      const graph = graphOf(places, causal, mask, all);
      const value = evaluate(graph, { inputs, state, scalars: { step: 0, seed: 0, total: 1 } });
      return new Map(Object.entries(graph.outputs).map(([name, id]) => [name, value(id).data]));
    });
    expect([...(want?.keys() ?? [])].length).toBe(5);
    for (const [name, data] of want ?? []) expect(distance(get(got ?? new Map(), name), data), name).toBeLessThan(1e-9);
  });

  it('never holds the scores of all places', () => {
    const places = 1024;
    const text = `input x: [${places}, 32]
layer MultiheadAttention(32, 2, causal=true) -> MultiheadAttention(32, 2, causal=true)
loss mse
optim sgd lr=0.1`;
    const { plan, programs } = compile(model(text).model, { rows: 1 });
    const scores = 2 * places * places;
    for (const [name, t] of programs[0]?.schedule.tensors ?? []) expect(t.size, name).toBeLessThanOrEqual(scores / 4);
    // Two layers would hold their scores until the backward pass: 16 MB, and as much again for the gradients.
    expect(planBytes(plan).total).toBeLessThan(12e6);
  });
});
