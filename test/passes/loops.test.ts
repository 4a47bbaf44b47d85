import { describe, expect, it } from 'vitest';
import { at } from '../../src/base/errors.ts';
import { count } from '../../src/base/types.ts';
import { gradient } from '../../src/autodiff/gradient.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import { flopsOf } from '../../src/ir/graph/flops.ts';
import { parseGraph } from '../../src/ir/graph/parse.ts';
import { printGraph } from '../../src/ir/graph/print.ts';
import { loopsOf } from '../../src/ir/graph/scan.ts';
import type { Graph, NodeId } from '../../src/ir/graph/types.ts';
import { verifyGraph } from '../../src/ir/graph/verify.ts';
import { cse, dce } from '../../src/passes/graph/cleanup.ts';
import { tidyLoops } from '../../src/passes/graph/loops.ts';
import { simplify } from '../../src/passes/graph/simplify.ts';
import { unroll } from '../../src/ir/graph/unroll.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { distance, planGraph, runGraph } from '../../src/verify/run-graph.ts';
import { randomLoops } from '../support/random-loops.ts';
import { Random } from '../support/random.ts';
import { stored } from '../support/trials/stored.ts';
import { adapterAtHand, openSession } from '../support/run-graph.ts';

const SCALARS = { step: 0, seed: 0, total: 1 };
const clean = (g: Graph): Graph => dce(cse(simplify(tidyLoops(g))));
const values = (graph: Graph, inputs: ReadonlyMap<string, ArrayLike<number>>): Map<string, Float64Array> => {
  const value = evaluate(graph, { inputs, state: new Map(), scalars: SCALARS });
  return new Map(Object.entries(graph.outputs).map(([name, id]) => [name, value(id).data]));
};

/** Numbers without the sign of zeros: sums of nothing but zeros may have either. */
const unsigned = (list: ArrayLike<number>): number[] => Array.from(list, (v) => v + 0);

/** h = tanh(h @ w + x), with the values of h before and after each place. */
function recurrent(places: number, reverse = false, batch = 2, width = 3): { readonly b: GraphBuilder; readonly leaves: NodeId[] } {
  const b = new GraphBuilder('net');
  const input = (name: string, shape: readonly number[]): NodeId => b.add('input', [], { name }, { dtype: 'f32', shape });
  const leaves = [input('x', [places, batch, width]), input('w', [width, width]), input('h', [batch, width])];
  const [x = -1, w = -1, h = -1] = leaves;
  const body = new GraphBuilder('cell');
  const state = body.add('state', [], { name: 'h' }, b.type(h));
  const product = body.contract('az,yz->ay', state, body.add('input', [], { name: 'w' }, b.type(w)));
  const mine = body.add('input', [], { name: 'x' }, { dtype: 'f32', shape: [batch, width] });
  const next = body.op('tanh', body.op('add', product, mine));
  body.outputs['h'] = next;
  body.outputs['before'] = state;
  body.writes.push({ state: 'h', value: next });
  const operands = new Map([
    ['x', x],
    ['w', w],
    ['h', h],
  ]);
  const loop = b.loop(body.graph(), operands, { length: places, reverse, each: ['x'] });
  b.outputs['y'] = loop.each('h');
  b.outputs['before'] = loop.each('before');
  b.outputs['last'] = loop.last('h');
  return { b, leaves };
}

const filled = (g: Graph): Map<string, Float32Array> =>
  new Map(
    g.nodes.flatMap((n) =>
      n.op === 'input' ? [[n.attrs.name, Float32Array.from({ length: count(n.type.shape) }, (_, i) => Math.sin(1 + 1.7 * i))]] : [],
    ),
  );

describe('a loop', () => {
  it.each([false, true])('does place by place what its body says (reverse: %s)', (reverse) => {
    const { b } = recurrent(4, reverse, 1, 2);
    const g = b.graph();
    const inputs = filled(g);
    const [x, w, start] = ['x', 'w', 'h'].map((n) => [...(inputs.get(n) ?? [])]) as [number[], number[], number[]];
    const got = values(g, inputs);
    let h = start;
    for (let k = 0; k < 4; k++) {
      const p = reverse ? 3 - k : k;
      expect([...(got.get('before') ?? [])].slice(2 * p, 2 * p + 2)).toEqual(h);
      h = [0, 1].map((j) => Math.tanh(at(h, 0) * at(w, 2 * j) + at(h, 1) * at(w, 2 * j + 1) + at(x, 2 * p + j)));
      [...(got.get('y') ?? [])].slice(2 * p, 2 * p + 2).forEach((v, j) => expect(v).toBeCloseTo(at(h, j), 12));
    }
    [...(got.get('last') ?? [])].forEach((v, j) => expect(v).toBeCloseTo(at(h, j), 12));
  });

  it('is the same written out, cleaned up, and read back from its text', () => {
    for (let seed = 0; seed < 60; seed++) {
      const { graph, inputs } = randomLoops(new Random(seed), 2);
      verifyGraph(graph, 'the gradient');
      const want = values(graph, inputs);
      const tidy = clean(graph);
      expect(printGraph(parseGraph(printGraph(tidy)))).toBe(printGraph(tidy));
      for (const [how, g] of Object.entries({ tidy, 'written out': unroll(graph), both: unroll(tidy) })) {
        expect(loopsOf(g.nodes).length === 0).toBe(how !== 'tidy' || loopsOf(tidy.nodes).length === 0);
        const got = values(g, inputs);
        for (const [name, data] of want) {
          const off = distance(got.get(name) ?? [], data, 1);
          if (!(off < 1e-11)) throw new Error(`seed ${seed}: ${name} is off by ${off} ${how}`);
        }
      }
    }
  });

  it('has the gradient of what is written out, and so has the gradient', () => {
    for (let seed = 0; seed < 60; seed++) {
      const { graph, inputs } = randomLoops(new Random(seed), 0);
      const slopes = (g: Graph): Map<string, Float64Array> => {
        const b = new GraphBuilder('slopes', g);
        const leaves = b.nodes.filter((n) => n.op === 'input' && n.type.dtype === 'f32').map((n) => n.id);
        const first = gradient(b, b.outputs['loss'] ?? -1, leaves);
        const all = first.map((id) =>
          b.sum(
            b.op('sin', id),
            b.shape(id).map((_, i) => i),
          ),
        );
        const sum = all.reduce((p, q) => b.op('add', p, q));
        [...first, ...gradient(b, sum, leaves)].forEach((id, i) => (b.outputs[`g${i}`] = id));
        return values(b.graph(), inputs);
      };
      const want = slopes(unroll(graph));
      for (const [name, data] of slopes(graph)) {
        const off = distance(data, want.get(name) ?? [], 1);
        if (!(off < 1e-10)) throw new Error(`seed ${seed}: ${name} is off by ${off}`);
      }
    }
  });

  it('gives the same bits as what is written out, on every device', { timeout: 120_000 }, async () => {
    for (let seed = 0; seed < 24; seed++) {
      const { graph: given, inputs } = randomLoops(new Random(1000 + seed));
      const graph = clean(given);
      const want = values(graph, inputs);
      const flat = unroll(graph);
      const device = seed % 4 === 0 ? 'gpu' : seed % 4 === 1 ? 'js' : 'cpu';
      const level = device === 'js' ? 0 : seed % 3 === 0 ? 0 : 1;
      const adapter = await adapterAtHand(seed % 8 !== 4);
      const threads = seed % 2;
      const run = async (g: Graph): Promise<ReadonlyMap<string, ArrayLike<number>>> => {
        const made = planGraph(g, level, { adapter });
        const session = await openSession(made.plan, device, threads);
        const { outputs } = await runGraph(made, session, { inputs, state: new Map() });
        session.destroy();
        return outputs;
      };
      const [looped, written] = [await run(graph), await run(flat)];
      for (const [name, data] of want) {
        const got = looped.get(name) ?? [];
        const off = distance(got, data, 1);
        if (!(off < 1e-5)) throw new Error(`seed ${seed}: ${name} is off by ${off} on ${device} at -O ${level}`);
        // Kernels of a loop are fused otherwise than those around it, so only unfused ones are sure to round alike.
        if (level === 0) expect(unsigned(got), `seed ${seed}: ${name}`).toEqual(unsigned(written.get(name) ?? []));
      }
    }
  });

  it('agrees with the reference in every tiling', { timeout: 120_000 }, async () => {
    for (let seed = 0; seed < 16; seed++) {
      const { graph: given, inputs } = randomLoops(new Random(2000 + seed));
      const graph = clean(given);
      const want = values(graph, inputs);
      const made = planGraph(graph, 1, { tiling: seed, adapter: await adapterAtHand(seed % 2 === 0), devices: 'all' });
      for (const device of seed % 4 === 0 ? (['cpu', 'gpu'] as const) : (['cpu'] as const)) {
        const session = await openSession(made.plan, device);
        const { outputs } = await runGraph(made, session, { inputs, state: new Map() });
        session.destroy();
        for (const [name, data] of want) {
          const off = distance(outputs.get(name) ?? [], data, 1);
          if (!(off < 1e-5)) throw new Error(`seed ${seed}: ${name} is off by ${off} on ${device}`);
        }
      }
    }
  });
});

describe('nnc verify', () => {
  it('takes what a loop gives as the device has it, since a maximum is compared with it bit by bit', async () => {
    const text = 'input x: [2, 2]\nlayer scan(fc: Linear(2, 2) + tanh) -> amax(dim=1) -> head: Linear(2, 2)\nloss mse\noptim sgd lr=0.1\n';
    for (let seed = 0; seed < 8; seed++) expect(await stored.run(text, seed), `seed ${seed}`).toBeUndefined();
  });
});

describe('what loops cost', () => {
  it('has as many kernels for a thousand places as for ten', () => {
    const kernels = (places: number): number => {
      const { b, leaves } = recurrent(places);
      const loss = b.sum(b.outputs['y'] ?? -1, [0, 1, 2]);
      gradient(b, loss, leaves).forEach((id, i) => (b.outputs[`g${i}`] = id));
      return planGraph(clean(b.graph()), 1, { devices: 'cpu' }).lowered.schedule.groups.length;
    };
    expect(kernels(1000)).toBe(kernels(10));
  });

  it('makes the gradient of a weight one product behind the loop', () => {
    const { b, leaves } = recurrent(5);
    const loss = b.sum(b.outputs['last'] ?? -1, [0, 1]);
    b.outputs['dw'] = at(gradient(b, loss, leaves), 1);
    const node = b.node(b.outputs['dw']);
    expect(node.op).toBe('contract');
    expect(node.inputs.map((i) => b.shape(i))).toEqual([
      [5, 2, 3],
      [5, 2, 3],
    ]);
  });

  it('adds up what comes back through results that are equal and not yet merged', () => {
    const { b, leaves } = recurrent(3);
    const body = at(loopsOf(b.nodes), 0)[0]?.attrs.body as Graph;
    const operands = new Map([
      ['x', 0],
      ['w', 1],
      ['h', 2],
    ]);
    const again = b.loop(body, operands, { length: 3, reverse: false, each: ['x'] });
    const total = (id: NodeId, by: number): NodeId => b.sum(b.op('mul', id, b.like(by, id)), [0, 1]);
    const slope = (of: NodeId): Float64Array => {
      const c = new GraphBuilder('slope', b.graph());
      c.outputs['g'] = at(gradient(c, of, leaves), 0);
      return values({ ...c.graph(), outputs: { g: c.outputs['g'] } }, filled(b.graph())).get('g') ?? new Float64Array();
    };
    const [first, second] = [b.outputs['last'] ?? -1, again.last('h')];
    const one = slope(total(first, 1));
    expect(one.some((v) => v !== 0)).toBe(true);
    expect(
      distance(
        slope(total(second, 3)),
        one.map((v) => 3 * v),
        1,
      ),
    ).toBeLessThan(1e-12);
    expect(
      distance(
        slope(b.op('add', total(first, 2), total(second, 3))),
        one.map((v) => 5 * v),
        1,
      ),
    ).toBeLessThan(1e-12);
  });

  it('counts the operations of the body once for each place, whatever the results', () => {
    const { b } = recurrent(7);
    const g = b.graph();
    // A product of 2 x 3 x 3, a sum and a function of 2 x 3.
    expect(flopsOf(g.nodes, g.nodes)).toBe(flopsOf(unroll(g).nodes, unroll(g).nodes));
  });

  it('computes neither states nor operands that no result needs', () => {
    const { b } = recurrent(5);
    const body = at(loopsOf(b.nodes), 0)[0]?.attrs.body;
    const more = new GraphBuilder('cell', body);
    const idle = more.add('state', [], { name: 'idle' }, { dtype: 'f32', shape: [4] });
    more.writes.push({ state: 'idle', value: more.op('exp', idle) });
    const operands = new Map([
      ['x', 0],
      ['w', 1],
      ['h', 2],
      ['idle', b.full(1, { dtype: 'f32', shape: [4] })],
    ]);
    const outer = new GraphBuilder('net', b.graph());
    const y = outer.loop(more.graph(), operands, { length: 5, reverse: false, each: ['x'] }).each('h');
    const tidy = clean({ ...outer.graph(), outputs: { y } });
    const [loop] = at(loopsOf(tidy.nodes), 0);
    expect(loop?.attrs.names).toEqual(['x', 'w', 'h']);
    expect(loop?.attrs.body.nodes.map((n) => n.op)).not.toContain('exp');
  });

  it('gives results that are equal one node', () => {
    const { b } = recurrent(5);
    const body = at(loopsOf(b.nodes), 0)[0]?.attrs.body as Graph;
    const twice = { ...body, outputs: { ...body.outputs, again: body.outputs['h'] ?? -1 } };
    const operands = new Map([
      ['x', 0],
      ['w', 1],
      ['h', 2],
    ]);
    const loop = b.loop(twice, operands, { length: 5, reverse: false, each: ['x'] });
    b.outputs['again'] = loop.each('again');
    const tidy = clean(b.graph());
    expect(tidy.outputs['again']).toBe(tidy.outputs['y']);
  });
});

describe('the shape rule of a loop refuses', () => {
  const broken = (
    change: (attrs: Parameters<GraphBuilder['loop']>[2], operands: Map<string, NodeId>, body: GraphBuilder) => unknown,
  ): (() => void) => {
    const { b } = recurrent(4);
    const body = new GraphBuilder('cell', at(loopsOf(b.nodes), 0)[0]?.attrs.body);
    const operands = new Map([
      ['x', 0],
      ['w', 1],
      ['h', 2],
    ]);
    const how = { length: 4, reverse: false, each: ['x'] };
    const other = change(how, operands, body);
    return () => b.loop(body.graph(), operands, { ...how, ...(other as object) }).each('h');
  };

  it.each([
    ['no places', () => ({ length: 0 }), 'a loop needs at least one place, not 0'],
    ['an operand of other places', () => ({ length: 5 }), "'x' has f32[4, 2, 3], which does not hold 5 places"],
    [
      'an operand that is missing',
      (_h: unknown, o: Map<string, NodeId>): void => void o.delete('w'),
      "the body reads 'w', which no operand gives",
    ],
    [
      'an operand of another shape',
      (_h: unknown, o: Map<string, NodeId>): void => void o.set('w', 2),
      "the body sees 'w' as f32[3, 3], and it is f32[2, 3]",
    ],
    [
      'an output that is not there',
      (_h: unknown, _o: unknown, body: GraphBuilder) => delete body.outputs['h'],
      "the body has no output 'h'",
    ],
    [
      'a parameter in the body',
      (_h: unknown, _o: unknown, body: GraphBuilder): void => void body.add('param', [], { name: 'p' }, { dtype: 'f32', shape: [] }),
      'the body holds param',
    ],
  ] as const)('%s', (_, change, message) => {
    expect(broken(change as never)).toThrow(message);
  });

  it('the last value of what is not carried', () => {
    const { b } = recurrent(4);
    const body = at(loopsOf(b.nodes), 0)[0]?.attrs.body as Graph;
    const operands = new Map([
      ['x', 0],
      ['w', 1],
      ['h', 2],
    ]);
    expect(() => b.loop(body, operands, { length: 4, reverse: false, each: ['x'] }).last('x')).toThrow("'x' is not carried");
  });
});
