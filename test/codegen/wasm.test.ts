import { describe, expect, it } from 'vitest';
import { shuffleAt, uniformAt } from '../../src/base/random.ts';
import { distance, planGraph, runGraph as run } from '../../src/verify/run-graph.ts';
import { nodeHelpers } from '../../src/node/helpers.ts';
import { signed, unsigned } from '../../src/codegen-wasm/encode.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import { POINTWISE, type PointwiseOp } from '../../src/ir/graph/pointwise.ts';
import type { NodeId } from '../../src/ir/graph/types.ts';
import { cse, dce } from '../../src/passes/graph/cleanup.ts';
import { simplify } from '../../src/passes/graph/simplify.ts';
import type { Plan } from '../../src/plan.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { createWasmSession, hasWasm, type WasmSession } from '../../src/runtime/wasm.ts';
import { CASES } from '../support/math-cases.ts';
import { datasetOf, lossesOf, model, weightsOf } from '../support/programs.ts';
import { Random } from '../support/random.ts';
import { randomGraph } from '../support/random-graph.ts';
import { runGraph } from '../support/run-graph.ts';
import { compile } from '../../src/compile.ts';
import { RunningModel } from '../../src/runtime/model.ts';
import { readFileSync } from 'node:fs';
import { wasmOf } from '../support/sections.ts';

const N = 4096;
const f32 = (...shape: number[]) => ({ dtype: 'f32', shape }) as const;

/** A session on so many threads, all of which are there. */
async function threaded(plan: Plan, threads: number): Promise<WasmSession> {
  const session = createWasmSession(plan, wasmOf(plan), { reason: 'test', helpers: nodeHelpers(threads) });
  for (let i = 0; i < 500 && session.threads() < threads; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(session.threads()).toBe(threads);
  return session;
}

/** One function of one input. At -O0 it is computed by element, at -O1 by vectors. */
async function values(x: Float64Array, level: 0 | 1, build: (b: GraphBuilder, x: NodeId) => NodeId): Promise<number[]> {
  const b = new GraphBuilder('math');
  b.outputs['y'] = build(b, b.add('input', [], { name: 'x' }, f32(x.length)));
  return [...((await runGraph(b.graph(), level, 'cpu', { inputs: new Map([['x', x]]), state: new Map() })).outputs.get('y') ?? [])];
}

describe.each([0, 1] as const)('the numeric functions of WebAssembly at -O%i', (level) => {
  it.each(CASES)('$op on [$low, $high]', async ({ op, low, high, relative, absolute }) => {
    const x = new Random(5).floats(N, low, high);
    x.set([low, high, (low + high) / 2].map(Math.fround));
    const got = await values(x, level, (b, v) => b.op(op, v));
    x.forEach((v, i) => {
      const want = (POINTWISE[op] as (x: number) => number)(v);
      const error = Math.abs((got[i] ?? NaN) - want);
      expect(error, `${op}(${v}) = ${got[i] ?? 'nothing'}, not ${want}`).toBeLessThanOrEqual(absolute + relative * Math.abs(want) + 1e-38);
    });
  });

  it('exp and log are good to a few units in the last place, and exact at the ends', async () => {
    const x = new Random(7).floats(N, -87, 88);
    const exp = await values(x, level, (b, v) => b.op('exp', v));
    x.forEach((v, i) => expect(Math.abs((exp[i] ?? NaN) / Math.exp(v) - 1)).toBeLessThan(2.5e-7));
    const back = await values(Float64Array.from(exp), level, (b, v) => b.op('log', v));
    exp.forEach((v, i) =>
      expect(Math.abs((back[i] ?? NaN) - Math.log(v))).toBeLessThanOrEqual(2.5e-7 * Math.max(Math.abs(Math.log(v)), 1e-6)),
    );
    const ends = Float64Array.from([0, -0, 200, -200, 1, -1, 1e-40, 3.4e38]);
    expect((await values(ends, level, (b, v) => b.op('exp', v))).slice(0, 4)).toEqual([1, 1, Infinity, 0]);
    const logs = await values(ends, level, (b, v) => b.op('log', v));
    expect([...logs.slice(0, 2), ...logs.slice(4, 6)]).toEqual([-Infinity, -Infinity, 0, NaN]);
    expect(logs[6]).toBeCloseTo(Math.log(Math.fround(1e-40)), 4);
    expect(logs[7]).toBeCloseTo(Math.log(3.4e38), 4);
  });

  it('takes the larger one, the smaller one, and the one that a condition says', async () => {
    const special = [0, -0, 1, -1, 0.5, 2, -3, Infinity, -Infinity, NaN, 1e-40, 3.4e38];
    const x = Float64Array.from({ length: special.length ** 2 }, (_, i) => Math.fround(special[i % special.length] ?? 0));
    const other = x.map((_, i) => Math.fround(special[Math.floor(i / special.length)] ?? 0));
    const both = async (build: (b: GraphBuilder, x: NodeId, y: NodeId) => NodeId): Promise<number[]> => {
      const b = new GraphBuilder('pairs');
      const input = (name: string) => b.add('input', [], { name }, f32(x.length));
      b.outputs['y'] = build(b, input('x'), input('other'));
      const given = {
        inputs: new Map([
          ['x', x],
          ['other', other],
        ]),
        state: new Map(),
      };
      return [...((await runGraph(b.graph(), level, 'cpu', given)).outputs.get('y') ?? [])];
    };
    const list = (of: (a: number, b: number) => number): number[] => [...x].map((a, i) => Math.fround(of(a, other[i] ?? 0)));
    expect(await both((b, p, q) => b.op('max', p, q))).toEqual(list(Math.max));
    expect(await both((b, p, q) => b.op('min', p, q))).toEqual(list(Math.min));
    expect(await both((b, p, q) => b.op('select', b.op('lt', p, q), p, b.op('neg', q)))).toEqual(list((a, c) => (a < c ? a : -c)));
    const between = (b: GraphBuilder, p: NodeId, q: NodeId): NodeId =>
      b.op(
        'select',
        b.op('and', b.op('le', b.like(-1, p), p), b.op('not', b.op('eq', p, q))),
        b.op('max', p, q),
        b.op('min', p, b.like(7, p)),
      );
    expect(await both(between)).toEqual(list((a, c) => (-1 <= a && a !== c ? Math.max(a, c) : Math.min(a, 7))));
  });

  it('what is not a number stays so', async () => {
    const x = Float64Array.from({ length: 16 }, (_, i) => (i % 2 ? NaN : 1));
    for (const op of ['exp', 'log', 'tanh', 'sigmoid', 'erf', 'sqrt', 'sin', 'neg', 'sign', 'expm1', 'log1p'] as const)
      expect((await values(x, level, (b, v) => b.op(op, v))).map(Number.isNaN), op).toEqual([...x].map(Number.isNaN));
    const relu = await values(x, level, (b, v) => b.op('max', v, b.like(0, v)));
    expect(relu.map(Number.isNaN)).toEqual([...x].map(Number.isNaN));
  });

  it('pow has a meaning for negative bases with whole exponents', async () => {
    const x = new Random(6).floats(N, -3, 3);
    for (const exponent of [0, 1, 2, 3, 5]) {
      const got = await values(x, level, (b, v) => b.op('pow', v, b.full(exponent, f32(N))));
      x.forEach((v, i) => expect(Math.abs((got[i] ?? NaN) - v ** exponent)).toBeLessThan(3e-6 * Math.max(1, Math.abs(v ** exponent))));
    }
  });
});

describe('random numbers', () => {
  it('are those of base/random.ts, bit by bit', async () => {
    const b = new GraphBuilder('random');
    const [seed, step] = [
      b.add('input', [], { name: 'seed' }, { dtype: 'i32', shape: [] }),
      b.add('input', [], { name: 'step' }, { dtype: 'i32', shape: [] }),
    ];
    b.outputs['u'] = b.add('uniform', [seed, step], { stream: 5 }, f32(1000));
    const place = b.add('iota', [], { axis: 0 }, { dtype: 'i32', shape: [1000] });
    b.outputs['s'] = b.op('shuffle', place, b.full(1000, { dtype: 'i32', shape: [] }), seed, step);
    const inputs = new Map([
      ['seed', [-77]],
      ['step', [12345]],
    ]);
    for (const level of [0, 1] as const) {
      const { outputs } = await runGraph(b.graph(), level, 'cpu', { inputs, state: new Map() });
      expect([...(outputs.get('u') ?? [])]).toEqual(Array.from({ length: 1000 }, (_, i) => uniformAt(-77, 5, 12345, i)));
      expect([...(outputs.get('s') ?? [])]).toEqual(Array.from({ length: 1000 }, (_, i) => shuffleAt(i, 1000, -77, 12345)));
    }
  });
});

/** Random graphs with every tiling: the cheapest alone would leave most of the code untried. */
describe.each(Array.from({ length: 30 }, (_, i) => i + 1))('random graph %i', (seed) => {
  const r = new Random(seed);
  const { graph, inputs, state } = randomGraph(r, r.int(4, 14));
  const want = evaluate(graph, { inputs, state, scalars: { step: 3, seed: 7, total: 10 } });
  const cleaned = dce(cse(simplify(graph)));

  it.each([0, 1, 2, 3, 5, 8, 13])('agrees with the reference with tiling %i', async (choice) => {
    const planned = planGraph(cleaned, 1, { tiling: choice });
    const session = createWasmSession(planned.plan, wasmOf(planned.plan), { reason: 'test' });
    const got = await run(planned, session, { inputs, state, step: 3, seed: 7 });
    for (const [name, id] of Object.entries(graph.outputs))
      expect(distance(got.outputs.get(name) ?? [], want(id).data), name).toBeLessThan(2e-4);
    for (const w of graph.writes) expect(distance(got.state.get(w.state) ?? [], want(w.value).data), w.state).toBeLessThan(2e-4);
  });
});

/** Products large enough that operands are copied and that threads share them. */
const PRODUCTS = [
  ['mk,kn->mn', [40, 128], [128, 72]],
  ['km,kn->mn', [128, 40], [128, 72]],
  ['km,kn->mn', [1100, 24], [1100, 144]],
  ['mk,nk->mn', [40, 128], [72, 128]],
  ['mk,nk->mn', [65, 66], [35, 66]],
  ['bmk,bkn->bmn', [3, 16, 64], [3, 64, 48]],
  ['bkm,bkn->mn', [3, 64, 48], [3, 64, 40]],
] as const;

describe.each(PRODUCTS)('%s of %j and %j', (spec, left, right) => {
  const b = new GraphBuilder('product');
  b.outputs['y'] = b.contract(spec, b.add('input', [], { name: 'a' }, f32(...left)), b.add('input', [], { name: 'b' }, f32(...right)));
  const graph = b.graph();
  const r = new Random(3);
  const size = (shape: readonly number[]): number => shape.reduce((x, y) => x * y, 1);
  const inputs = new Map([
    ['a', r.floats(size(left), -1, 1)],
    ['b', r.floats(size(right), -1, 1)],
  ]);
  const want = evaluate(graph, { inputs, state: new Map(), scalars: { step: 0, seed: 0, total: 1 } })(graph.outputs['y'] ?? -1).data;

  it.each([undefined, 0, 1, 2, 3, 4, 5, 6, 7])('is right with tiling %s, to the same bits on any number of threads', async (choice) => {
    const planned = planGraph(graph, 1, { tiling: choice });
    const call = wasmOf(planned.plan).programs[0]?.calls[0];
    expect(call?.shared).toBe(true);
    const results: number[][] = [];
    for (const threads of [1, 2, 3]) {
      const session = await threaded(planned.plan, threads);
      results.push([...((await run(planned, session, { inputs, state: new Map() })).outputs.get('y') ?? [])]);
      session.destroy();
    }
    expect(distance(results[0] ?? [], want)).toBeLessThan(2e-6);
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });
});

describe('threads', () => {
  it('train to the same bits, and end when they are told to', async () => {
    const m = model(readFileSync('test/parity/gpt/gpt.nn', 'utf8'), 'gpt.nn');
    const data = datasetOf('test/parity/gpt/data.safetensors', m.model);
    const { plan } = compile(m.model, { rows: data.rows, batch: data.rows });
    expect(wasmOf(plan).programs[0]?.calls.some((c) => c.shared)).toBe(true);
    const runs: number[][] = [];
    for (const threads of [1, 2, 3]) {
      const session = await threaded(plan, threads);
      expect(session.device.name).toBe(`WebAssembly SIMD, ${threads === 1 ? '1 thread' : `${threads} threads`}`);
      const running = await RunningModel.open(session);
      running.setData(...data.tensors);
      await running.setWeights(weightsOf('test/parity/gpt/init.safetensors'));
      runs.push(await lossesOf(running, { steps: 12 }));
      running.destroy();
    }
    expect(runs[0]).toHaveLength(12);
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).toEqual(runs[0]);
  });

  it('are not asked for by small nets', () => {
    const { plan } = compile(model('layer Linear(1,16) -> relu -> Linear(16,1); loss mse; optim adam lr=0.01; train epochs=5').model, {
      rows: 100,
    });
    const helpers = { count: 3, start: () => expect.fail('a thread was started') };
    expect(createWasmSession(plan, wasmOf(plan), { reason: 'test', helpers }).device.name).toBe('WebAssembly SIMD, 1 thread');
  });
});

describe('the encoder', () => {
  it('writes numbers as the specification has them', () => {
    expect([0, 127, 128, 624485, 2 ** 32 - 1].map(unsigned)).toEqual([[0], [127], [128, 1], [0xe5, 0x8e, 0x26], [255, 255, 255, 255, 15]]);
    expect([0, 63, 64, -1, -64, -65, -123456, 2 ** 31].map(signed)).toEqual([
      [0],
      [63],
      [192, 0],
      [127],
      [64],
      [191, 127],
      [0xc0, 0xbb, 0x78],
      [128, 128, 128, 128, 120],
    ]);
  });

  it('knows whether SIMD is there', () => expect(hasWasm()).toBe(true));

  it('leaves out what has no place in memory of 32 bits', () => {
    const b = new GraphBuilder('large');
    const op: PointwiseOp = 'neg';
    b.outputs['y'] = b.op(op, b.add('input', [], { name: 'x' }, f32(2 ** 30)));
    expect(planGraph(b.graph(), 1).plan.backends.wasm).toBeUndefined();
  });
});
