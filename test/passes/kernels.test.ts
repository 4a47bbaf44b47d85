import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { distance, planGraph, runGraph } from '../../src/verify/run-graph.ts';
import { compile } from '../../src/compile.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import type { Graph } from '../../src/ir/graph/types.ts';
import { parseKernel } from '../../src/ir/kernel/parse.ts';
import { printKernel } from '../../src/ir/kernel/print.ts';
import type { Kernel } from '../../src/ir/kernel/types.ts';
import { splitSums } from '../../src/passes/graph/split-sums.ts';
import { gpuTarget } from '../../src/codegen-wgsl/targets.ts';
import { optionsFor } from '../../src/passes/schedule/lower.ts';
import { tilingKey } from '../../src/passes/schedule/tiling.ts';
import { fuseLoops } from '../../src/passes/schedule/fuse-loops.ts';
import { reroll } from '../../src/passes/schedule/reroll.ts';
import { shareLoads } from '../../src/passes/schedule/share-loads.ts';
import { isInOrder } from '../../src/verify/subgroups.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { planBytes } from '../../src/plan.ts';
import { lossesOf, model, plan, running, toyData } from '../support/programs.ts';
import { Random } from '../support/random.ts';
import { adapterAtHand, openSession } from '../support/run-graph.ts';
import { webgpuOf } from '../support/sections.ts';

/** The body of a kernel after a rewrite, of one given as text. */
const body = (kernel: Kernel): string => printKernel(kernel).split('\n').slice(3, -2).join('\n');

describe('sharing loads', () => {
  it('names loads, reads once what is read twice, and moves out of a loop what does not change in it', () => {
    const kernel = parseKernel(`kernel k {
  read x : f32[64]
  write y : f32[8]
  axis i < 8
  var a = 0f
  for j < 8 {
    set a = fma(x[i], x[add(j, i)], a)
    if lt(x[i], 1f) {
      let b = x[j]
      set a = add(a, mul(b, x[j]))
    }
  }
  store y[i] = a
}
`);
    expect(body(shareLoads(kernel))).toBe(`  axis i < 8
  var a = 0f
  let l0 = x[i]
  for j < 8 {
    let l1 = x[add(j, i)]
    set a = fma(l0, l1, a)
    if lt(l0, 1f) {
      let b = x[j]
      set a = add(a, mul(b, b))
    }
  }
  store y[i] = a`);
  });

  it('leaves what the kernel writes, and indices that change', () => {
    const kernel = parseKernel(`kernel k {
  update x : f32[64]
  read t : f32[64]
  axis i < 8
  var n = 0u
  for j < 8 {
    store x[j] = add(x[i], t[n])
    set n = add(n, 1u)
  }
}
`);
    expect(shareLoads(kernel)).toEqual(kernel);
  });
});

describe('joining kernels of the same points and loops', () => {
  const sum = (name: string, term: string, extent = 9): Kernel =>
    parseKernel(`kernel ${name} {
  read x : f32[72]
  write ${name} : f32[8]
  axis i0 < 8
  var a = 0f
  for k < ${extent} {
    set a = add(a, ${term})
  }
  store ${name}[i0] = a
}
`);

  it('goes through the loop once', () => {
    const [joined, ...others] = fuseLoops([sum('p', 'x[add(k, i0)]'), sum('q', 'mul(x[add(k, i0)], 2f)')]);
    expect(others).toEqual([]);
    expect(joined && printKernel(joined)).toBe(`kernel p_q {
  read x : f32[72]
  write p : f32[8]
  write q : f32[8]
  axis i0 < 8
  var a_0 = 0f
  var a_1 = 0f
  for k_0 < 9 {
    let l0 = x[add(k_0, i0)]
    set a_0 = add(a_0, l0)
    set a_1 = add(a_1, mul(l0, 2f))
  }
  store p[i0] = a_0
  store q[i0] = a_1
}
`);
  });

  it('keeps apart what differs in its loop', () => {
    expect(fuseLoops([sum('p', 'x[i0]'), sum('q', 'x[i0]', 8)])).toHaveLength(2);
  });
});

describe('rolling up the rows of a tile', () => {
  const rows = (last: string): Kernel =>
    parseKernel(`kernel k {
  read x : f32[64]
  write y : f32[64]
  axis i < 4
  var a = 0f
  var b = 0f
  var c = 0f
  var d = 0f
  for k < 8 {
    set a = add(a, x[k])
  }
  let s = x[3u]
  store y[i] = mul(a, s)
  store y[add(i, 4u)] = mul(b, s)
  store y[add(i, 8u)] = mul(c, s)
  store y[add(i, ${last})] = mul(d, s)
}
`);

  it('makes a loop of what is the same for each row', () => {
    expect(
      body(reroll(rows('12u')))
        .split('\n')
        .slice(8)
        .join('\n'),
    ).toBe(`  let s = x[3u]
  table t0 = a, b, c, d
  for row < 4 {
    store y[add(i, mul(row, 4u))] = mul(t0[[row]], s)
  }`);
  });

  it('puts places at uneven distances into a table', () => {
    expect(body(reroll(rows('20u')))).toContain('table t1 = 0u, 4u, 8u, 20u');
  });

  it('leaves rows that differ', () => {
    const kernel = rows('12u');
    const other = {
      ...kernel,
      body: kernel.body.map((s, i) => (i === kernel.body.length - 1 && s.kind === 'store' ? { ...s, value: s.index } : s)),
    };
    expect(reroll(other as Kernel)).toBe(other);
  });
});

describe('threads that read for one another', () => {
  const product = (): Graph => {
    const b = new GraphBuilder('product');
    const leaf = (name: string, shape: readonly number[]) => b.add('input', [], { name }, { dtype: 'f32', shape });
    b.outputs['y'] = b.contract('mk,kn->mn', leaf('a', [64, 48]), leaf('b', [48, 128]));
    return b.graph();
  };

  it('load a row of a product each', () => {
    const { plan } = planGraph(product(), 1, { adapter: { software: true, bindings: 8, subgroup: 8, collectives: false, half: false } });
    const [kernel] = webgpuOf(plan).kernels;
    expect(kernel?.subgroup).toBe(8);
    expect(kernel?.wgsl).toMatch(/^enable subgroups;\n/);
    expect(kernel?.wgsl.match(/subgroupShuffle/g)?.length).toBeGreaterThanOrEqual(8);
  });

  it('stay alone where the adapter promises no subgroups, and on hardware', () => {
    for (const adapter of [
      { software: true, bindings: 8, subgroup: 1, collectives: false, half: false },
      { software: false, bindings: 8, subgroup: 32, collectives: false, half: false },
    ])
      expect(webgpuOf(planGraph(product(), 1, { adapter }).plan).kernels[0]?.subgroup).toBe(1);
  });

  it('are checked to be those that kernels count on', () => {
    const places = Array.from({ length: 64 }, (_, i) => i % 8);
    const last = Array.from({ length: 64 }, (_, i) => i - (i % 8) + 7);
    expect(isInOrder(places, last, 8)).toBe(true);
    expect(isInOrder(places, last, 4)).toBe(false);
    expect(
      isInOrder(
        places.map((p) => 7 - p),
        last,
        8,
      ),
    ).toBe(false);
    expect(
      isInOrder(
        places,
        last.map((l) => (l + 8) % 64),
        8,
      ),
    ).toBe(false);
  });

  it('join the lanes of a workgroup where the device has them, to what a tree of lanes joins', async () => {
    const b = new GraphBuilder('joins');
    const x = b.add('input', [], { name: 'x' }, { dtype: 'f32', shape: [5, 3001] });
    b.outputs['sum'] = b.sum(x, [1]);
    b.outputs['most'] = b.add('reduce_max', [b.op('neg', b.op('mul', x, x))], { axes: [1] });
    const graph = b.graph();
    const given = { inputs: new Map([['x', new Random(4).floats(5 * 3001)]]), state: new Map() };
    const want = evaluate(graph, { ...given, scalars: { step: 0, seed: 0, total: 1 } });
    const hardware = await adapterAtHand(false);
    for (const collectives of hardware.collectives ? [false, true] : [false]) {
      const planned = planGraph(graph, 1, { adapter: { ...hardware, collectives } });
      expect(webgpuOf(planned.plan).kernels.some((k) => k.wgsl.includes('subgroupAdd'))).toBe(collectives);
      expect(webgpuOf(planned.plan).kernels.some((k) => k.collectives)).toBe(collectives);
      const session = await openSession(planned.plan, 'gpu');
      const got = await runGraph(planned, session, given);
      session.destroy();
      for (const [name, id] of Object.entries(graph.outputs))
        expect(distance(got.outputs.get(name) ?? [], want(id).data), name).toBeLessThan(1e-6);
    }
  });

  it('give way to a tiling that was measured', () => {
    const adapter = { software: true, bindings: 8, subgroup: 8, collectives: false, half: false };
    const { lowered } = planGraph(product(), 1, { adapter });
    const [group] = lowered.schedule.groups;
    if (!group) throw new Error('no kernel');
    const { key, plain, options } = optionsFor(lowered.schedule, group, 0, gpuTarget(adapter));
    expect(options[0]?.kernel).toEqual(lowered.kernels.webgpu?.[0]);
    const tuned = (tile: string) =>
      planGraph(product(), 1, { adapter: { ...adapter, tuned: new Map([[key, tile]]) } }).lowered.kernels.webgpu?.[0];
    for (const { how, kernel } of [plain, ...options]) expect(tuned(tilingKey(how))).toEqual(kernel);
    expect(tuned('none that there is')).toEqual(lowered.kernels.webgpu?.[0]);
  });

  it('compute the same', async () => {
    const graph = product();
    const r = new Random(12);
    const given = {
      inputs: new Map([
        ['a', r.floats(64 * 48)],
        ['b', r.floats(48 * 128)],
      ]),
      state: new Map(),
    };
    const want = evaluate(graph, { ...given, scalars: { step: 0, seed: 0, total: 1 } })(graph.outputs['y'] ?? -1).data;
    const planned = planGraph(graph, 1, { adapter: await adapterAtHand(true) });
    const session = await openSession(planned.plan, 'gpu');
    expect(distance((await runGraph(planned, session, given)).outputs.get('y') ?? [], want)).toBeLessThan(1e-5);
    session.destroy();
  });
});

describe('long sums of few results', () => {
  const graph = (rows: number): Graph => {
    const b = new GraphBuilder('gradient');
    const leaf = (name: string, shape: readonly number[]) => b.add('input', [], { name }, { dtype: 'f32', shape });
    b.outputs['y'] = b.contract('nkx,nkw->xw', leaf('a', [rows, 40, 6]), leaf('b', [rows, 40, 5]));
    return b.graph();
  };

  it('are cut into parts, and stay the same sums', () => {
    const before = graph(64);
    const after = splitSums(before);
    expect(after.nodes.map((n) => n.op)).toEqual(['input', 'input', 'reshape', 'reshape', 'contract', 'reduce_sum']);
    expect(after.nodes.find((n) => n.op === 'contract')?.type.shape).toEqual([16, 6, 5]);
    const r = new Random(5);
    const values = {
      inputs: new Map([
        ['a', r.floats(64 * 40 * 6)],
        ['b', r.floats(64 * 40 * 5)],
      ]),
      state: new Map(),
      scalars: { step: 0, seed: 0, total: 1 },
    };
    const result = (g: Graph) => evaluate(g, values)(g.outputs['y'] ?? -1).data;
    expect(distance(result(after), result(before))).toBeLessThan(1e-12);
  });

  it('stay whole where they are short, or cannot be cut evenly', () => {
    expect(splitSums(graph(8))).toEqual(graph(8));
    expect(splitSums(graph(61))).toEqual(graph(61));
  });
});

describe('computing the forward pass again', () => {
  const DEEP = `input x: [2]
layer Linear(2, 48) -> tanh -> Dropout(0.1) -> Linear(48, 48) -> tanh -> Linear(48, 48) -> tanh -> Linear(48, 48) -> tanh -> Linear(48, 1)
loss mse
optim adam lr=0.01
train steps=8 seed=3`;
  const rows = 64;

  it('takes less memory', () => {
    const m = model(readFileSync('bench/programs/D.nn', 'utf8')).model;
    const bytes = (recompute: number) => planBytes(compile(m, { rows: 16, recompute }).plan).total;
    expect(bytes(6)).toBeLessThan(0.8 * bytes(0));
  });

  it.each(['cpu', 'gpu'] as const)('means the same on the %s, random numbers and all', async (kind) => {
    const { x, y } = toyData(rows, 2);
    const losses = (recompute: number) =>
      running(plan(DEEP, { rows, recompute }), kind, async (m) => {
        m.setData(x, y);
        return lossesOf(m);
      });
    const [plain, again] = [await losses(0), await losses(3)];
    expect(plan(DEEP, { rows, recompute: 3 }).programs['train']?.flops).toBeGreaterThan(
      plan(DEEP, { rows }).programs['train']?.flops ?? NaN,
    );
    plain.forEach((loss, i) => expect(again[i]).toBeCloseTo(loss, 6));
  });

  it('is done only as far as memory asks for it', () => {
    const m = model(DEEP).model;
    const total = planBytes(compile(m, { rows }).plan).total;
    expect(compile(m, { rows, maxMemory: total }).plan).toEqual(compile(m, { rows }).plan);
    const { plan: small } = compile(m, { rows, maxMemory: total - 1 });
    expect(planBytes(small).total).toBeLessThan(total);
    // The trials of a plan for the processor have its kernels, which keep other values than those of a GPU.
    const circular = model(
      'input x: [51, 8, 16]; layer gelu -> Conv2d(51, 40, 3, padding=1, padding_mode="circular") -> MaxPool2d(2) -> flatten; loss mse; optim sgd lr=1; train batch=1',
    ).model;
    expect(() => compile(circular, { rows: 2, devices: 'cpu', maxMemory: 2 ** 32 })).not.toThrow();
    expect(() => compile(m, { rows, maxMemory: 1000 })).toThrow(/needs \d+ bytes of device memory, and 1000 are allowed/);
  });
});
