import { readFileSync } from 'node:fs';
import { create } from 'webgpu';
import { describe, expect, it } from 'vitest';
import { roundF16 } from '../../src/base/math.ts';
import { fromBits, readElements, toBits, toWords } from '../../src/verify/elements.ts';
import { checkHalves, isNext } from '../../src/verify/halves.ts';
import { findAdapter } from '../../src/node/gpu.ts';
import { devicesFor } from '../../src/lower/backends.ts';
import { ANY_ADAPTER } from '../../src/codegen/backend.ts';
import { distance, planGraph, runGraph } from '../../src/verify/run-graph.ts';
import { compile } from '../../src/compile.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import { printGraph } from '../../src/ir/graph/print.ts';
import type { NodeId } from '../../src/ir/graph/types.ts';
import { cse, dce } from '../../src/passes/graph/cleanup.ts';
import { scaleLoss, unscale } from '../../src/passes/graph/loss-scale.ts';
import { holdHalves, roundProducts } from '../../src/passes/graph/precision.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { datasetOf, lossesOf, model, running, toyData, weightsOf } from '../support/programs.ts';
import { Random } from '../support/random.ts';
import { halves, worstStored } from '../support/trials/halves.ts';
import { allPass, parts } from '../support/trials/tried.ts';
import { randomGraph } from '../support/random-graph.ts';
import { adapterOfHalves, openHalves, openSession } from '../support/run-graph.ts';
import { RunningModel } from '../../src/runtime/model.ts';
import { webgpuOf } from '../support/sections.ts';

const f32 = (...shape: number[]) => ({ dtype: 'f32', shape }) as const;

describe('binary16', () => {
  const all = Array.from({ length: 0x7c00 }, (_, bits) => fromBits(bits));

  it('has the numbers that it has', () => {
    expect([1, 0x3c00, 0x3c01, 0x0400, 0x7bff].map(fromBits)).toEqual([2 ** -24, 1, 1 + 2 ** -10, 2 ** -14, 65504]);
    all.forEach((v, bits) => {
      expect(roundF16(v)).toBe(v);
      expect(toBits(v)).toBe(bits);
      if (bits > 0) expect([roundF16(-v), toBits(-v)]).toEqual([-v, bits | 0x8000]);
    });
  });

  it('rounds to the nearest, and in the middle to the even one', () => {
    const r = new Random(3);
    for (let bits = 0; bits < 0x7bff; bits++) {
      const [low = 0, high = 0] = [all[bits], all[bits + 1]];
      const middle = (low + high) / 2;
      expect(roundF16(middle)).toBe(bits % 2 === 0 ? low : high);
      const x = low + (high - low) * r.unit();
      expect(roundF16(x)).toBe(x < middle ? low : high);
      expect(roundF16(-x)).toBe(-roundF16(x) + 0);
    }
    expect([65519.99, 65520, -1e9, Infinity, NaN, 2 ** -26].map(roundF16)).toEqual([65504, Infinity, -Infinity, Infinity, NaN, 0]);
  });

  it('lies in memory as its bits', async () => {
    const values = [1.5, -0.25, 65504, Infinity, NaN];
    const words = toWords(values, 'f16');
    expect(words).toHaveLength(3);
    const session = {
      plan: { arenas: [{ name: 'h', dtype: 'f16' }] },
      read: (_a: string, offset: number, n: number) => Promise.resolve(words.slice(offset, offset + n)),
    } as unknown as Parameters<typeof readElements>[0];
    expect([...(await readElements(session, 'h', 0, 5))]).toEqual(values);
    expect([...(await readElements(session, 'h', 1, 3))]).toEqual(values.slice(1, 4));
  });

  it('is told from what a driver might make of it', () => {
    expect(isNext(toBits(0.1), 0.1) && isNext(toBits(0.1) + 1, 0.1) === roundF16(0.1) < 0.1).toBe(true);
    expect([isNext(toBits(0.2), 0.1), isNext(0x7bff, 70000), isNext(0x7c00, 1e9), isNext(0x7bff, NaN)]).toEqual([
      false,
      false,
      true,
      false,
    ]);
    expect(isNext(0, -6e-5)).toBe(true);
  });
});

it('an error beside what overflows is seen', () => {
  expect(distance([1, Infinity], [1, Infinity])).toBe(0);
  expect(distance([5, Infinity], [1, Infinity])).toBe(4);
  expect(distance([1, 2], [1, Infinity])).toBe(Infinity);
  expect(distance([1, NaN], [1, 2])).toBeNaN();
});

/** Values around everything that rounding turns on. */
const EDGES = [0, 1, -1, 2048.9, 2049, 2051, 65504, 65519.9, 65520, -65520, 1e20, 2 ** -14, 0.1, -0.3, 1.00048828125, 1.00146484375];

describe.each(['gpu', 'cpu', 'js'] as const)('rounding on the %s', (device) => {
  it.each([0, 1] as const)('is that of the reference at -O%i, and what overflows is seen', async (level) => {
    const r = new Random(9);
    const x = Float64Array.from({ length: 1024 }, (_, i) => Math.fround(EDGES[i] ?? r.between(-1, 1) * 2 ** r.int(-10, 15)));
    const b = new GraphBuilder('round_f16');
    const input = b.add('input', [], { name: 'x' }, f32(x.length));
    b.outputs['y'] = b.op('round_f16', input);
    b.outputs['ok'] = b.op('select', b.op('finite', b.op('round_f16', input)), b.like(1, input), b.like(0, input));
    const planned = planGraph(b.graph(), level);
    const session = await openSession(planned.plan, device);
    const got = await runGraph(planned, session, { inputs: new Map([['x', x]]), state: new Map() });
    session.destroy();
    x.forEach((v, i) => {
      expect(got.outputs.get('y')?.[i], `roundF16(${v})`).toBe(roundF16(v));
      expect(got.outputs.get('ok')?.[i], `finite(roundF16(${v}))`).toBe(Number.isFinite(roundF16(v)) ? 1 : 0);
    });
  });
});

describe('rounding products', () => {
  it('rounds operands below their views, results behind the bias, and no gradient of a parameter', () => {
    const b = new GraphBuilder('net');
    const x = b.add('input', [], { name: 'x' }, f32(5, 4));
    const params = b.add('state', [], { name: 'params' }, f32(15));
    const w = b.reshape(b.add('slice', [params], { start: [0], size: [12] }), [3, 4]);
    const bias = b.add('slice', [params], { start: [12], size: [3] });
    const y = b.op('add', b.contract('az,yz->ay', x, w), b.broadcast(bias, [5, 3], [1]));
    const h = b.op('max', y, b.like(0, y));
    b.outputs['out'] = b.contract('ay,by->ab', h, h);
    b.outputs['grad:w'] = b.contract('ay,az->yz', h, x);
    expect(printGraph(roundProducts(b.graph()))).toMatchInlineSnapshot(`
      "graph net {
        %0 = input {name="x"} : f32[5, 4]
        %1 = state {name="params"} : f32[15]
        %2 = slice %1 {start=[0] size=[12]} : f32[12]
        %3 = reshape %2 {shape=[3,4]} : f32[3, 4]
        %4 = slice %1 {start=[12] size=[3]} : f32[3]
        %5 = round_f16 %0 : f32[5, 4]
        %6 = round_f16 %1 : f32[15]
        %7 = slice %6 {start=[0] size=[12]} : f32[12]
        %8 = reshape %7 {shape=[3,4]} : f32[3, 4]
        %9 = contract %5, %8 {spec="az,yz->ay"} : f32[5, 3]
        %10 = broadcast %4 {shape=[5,3] axes=[1]} : f32[5, 3]
        %11 = add %9, %10 : f32[5, 3]
        %12 = round_f16 %11 : f32[5, 3]
        %13 = const {value=0} : f32[5, 3]
        %14 = max %12, %13 : f32[5, 3]
        %15 = contract %14, %14 {spec="ay,by->ab"} : f32[5, 5]
        %16 = round_f16 %15 : f32[5, 5]
        %17 = contract %14, %5 {spec="ay,az->yz"} : f32[3, 4]
        output out = %16
        output grad:w = %17
      }
      "
    `);
  });

  it('knows what binary16 can hold', () => {
    const b = new GraphBuilder('known');
    const x = b.add('input', [], { name: 'x' }, f32(4));
    const h = b.op('round_f16', x);
    const ids: readonly (readonly [NodeId, boolean])[] = [
      [x, false],
      [h, true],
      [b.op('neg', h), true],
      [b.op('add', h, h), false],
      [b.op('max', h, b.like(0, h)), true],
      [b.op('max', h, b.like(0.1, h)), false],
      [b.op('select', b.op('lt', x, h), h, b.like(0, h)), true],
      [b.op('select', b.op('lt', x, h), h, x), false],
      [b.add('pad', [h], { low: [1], high: [0], value: 0 }), true],
      [b.add('pad', [h], { low: [1], high: [0], value: -1e30 }), false],
      [b.add('reduce_max', [h], { axes: [0] }), true],
      [b.sum(h, [0]), false],
      [b.add('concat', [h, x], { axis: 0 }), false],
    ];
    const holds = holdHalves(b.graph());
    for (const [id, want] of ids) expect(holds[id], `%${id}`).toBe(want);
  });
});

describe.each(Array.from({ length: 12 }, (_, i) => i + 1))('products of random graph %i', (seed) => {
  const r = new Random(seed);
  const { graph, inputs, state } = randomGraph(r, r.int(6, 14));
  const rounded = dce(cse(roundProducts(graph)));

  it.each([
    ['gpu', 0],
    ['gpu', 1],
    ['cpu', 1],
  ] as const)('agree with the reference on the %s at -O%i', async (device, level) => {
    expect(await worstStored(rounded, level, device, { inputs, state, step: 3, seed: 7 }, seed % 2 === 0)).toBeLessThan(2e-3);
  });
});

describe('random programs with precision f16', () => {
  it.each(parts(20, 10))('from seed %i on agree with the reference', (from) => allPass(halves, from, 10));

  it('hold in a loop as well, of which a driver takes the smallest numbers for 0', async () => {
    const gru = `input x: int[3]
layer Embedding(2, 2)
  -> GRU(2, 2)
  -> head: Linear(2, 2)
loss cross_entropy(pred, target, label_smoothing=0.1)
optim sgd lr=0.1 momentum=0.1 dampening=0.2 lr[head]=0.1 lookahead=(2, 0.2)
`;
    expect(await halves.run(gru, 5215)).toBeUndefined();
  });
});

describe('loss scaling', () => {
  const update = (g: readonly number[], scale: number, tracker: number) => {
    const b = new GraphBuilder('update');
    const p = b.add('state', [], { name: 'p' }, f32(3));
    const { g: unscaled, commit } = unscale(b, b.add('input', [], { name: 'g' }, f32(3)));
    b.outputs['g'] = unscaled;
    b.writes.push({ state: 'p', value: commit(b.op('sub', p, unscaled), p) });
    const graph = b.graph();
    const state = new Map([
      ['p', [1, 2, 3]],
      ['optim.loss_scale', [scale]],
      ['optim.growth_tracker', [tracker]],
    ]);
    const run = evaluate(graph, { inputs: new Map([['g', g]]), state, scalars: { step: 0, seed: 0, total: 1 } });
    return Object.fromEntries(graph.writes.map((w) => [w.state.replace('optim.', ''), [...run(w.value).data]]));
  };

  it('begins at 65,536 and takes it from the gradients again', () => {
    expect(update([65536, 0, 32768], 0, 0)).toEqual({ loss_scale: [65536], growth_tracker: [1], p: [0, 2, 2.5] });
  });

  it('leaves everything as it was where a gradient overflows, and halves the scale', () => {
    expect(update([1, Infinity, 1], 1024, 7)).toEqual({ loss_scale: [512], growth_tracker: [0], p: [1, 2, 3] });
    expect(update([1, NaN, 1], 1, 7)).toEqual({ loss_scale: [1], growth_tracker: [0], p: [1, 2, 3] });
  });

  it('grows after 2,000 good steps, to 2^24 at the most', () => {
    expect(update([0, 0, 0], 1024, 1998)).toMatchObject({ loss_scale: [1024], growth_tracker: [1999] });
    expect(update([0, 0, 0], 1024, 1999)).toMatchObject({ loss_scale: [2048], growth_tracker: [0] });
    expect(update([0, 0, 0], 2 ** 24, 1999)).toMatchObject({ loss_scale: [2 ** 24] });
  });

  it('multiplies the loss', () => {
    const b = new GraphBuilder('loss');
    const loss = b.add('input', [], { name: 'l' }, f32());
    for (const [kept, want] of [
      [0, 65536 * 1.5],
      [8, 12],
    ] as const) {
      const graph = scaleLoss(b.graph(), loss);
      const state = new Map([['optim.loss_scale', [kept]]]);
      const run = evaluate(graph, { inputs: new Map([['l', [1.5]]]), state, scalars: { step: 0, seed: 0, total: 1 } });
      expect(run(graph.outputs['scaled_loss'] ?? -1).data[0]).toBe(want);
    }
  });

  it.each(['gpu', 'cpu', 'js'] as const)('skips steps that overflow, and trains on, on the %s', async (device) => {
    // Prices in thousands of millions: their gradients overflow until the scale is small.
    const m = model('layer Linear(2, 8) -> relu -> Linear(8, 1); loss mse; optim adam lr=0.01; precision f16; train steps=60').model;
    const { x, y } = toyData(16);
    const { plan } = compile(m, { rows: 16 });
    await running(plan, device, async (r) => {
      r.setData(
        x,
        y.map((v) => v * 4000),
      );
      const before = await r.weights();
      await lossesOf(r, { until: 1 });
      expect(await r.weights()).toEqual(before);
      const first = (await r.state()).tensors['optim.loss_scale']?.data[0];
      expect(first).toBe(32768);
      await lossesOf(r);
      const scale = (await r.state()).tensors['optim.loss_scale']?.data[0] ?? 0;
      expect(scale).toBeLessThan(32768);
      expect(scale).toBeGreaterThanOrEqual(1);
      expect(await r.weights()).not.toEqual(before);
    });
  });
});

/** Dawn without a GPU: it compiles shaders and runs nothing. It must stay reachable while its device is used. */
const nothing = create(['backend=null']);

describe('programs with precision f16', () => {
  it('may run on the processor where the GPU is software', () => {
    const on = (software: boolean, precision: 'f32' | 'f16') =>
      devicesFor({ precision }, { adapter: { ...ANY_ADAPTER, software, half: true }, devices: 'all' });
    expect([on(true, 'f16'), on(false, 'f16'), on(false, 'f32')]).toEqual(['all', 'gpu', 'all']);
  });

  it.each([
    {
      name: 'mlp',
      text: 'layer Linear(20,32) -> tanh -> Linear(32,32) -> gelu -> Linear(32,5); loss cross_entropy; optim adamw lr=3e-3 weight_decay=0.05; train epochs=60',
    },
    {
      name: 'cnn',
      text: 'input x: [1, 12, 12]\nlayer Conv2d(1, 8, 3, padding=1) -> relu -> MaxPool2d(2) -> Conv2d(8, 16, 3) -> relu -> MaxPool2d(2) -> flatten -> Linear(64, 10)\nloss cross_entropy\noptim sgd lr=0.05 momentum=0.9 weight_decay=1e-3\ntrain epochs=30',
    },
    { name: 'gpt', text: readFileSync('test/parity/gpt/gpt.nn', 'utf8') },
  ])("$name comes near to PyTorch's run in float32", async ({ name, text }) => {
    const folder = `test/parity/${name}`;
    const want = JSON.parse(readFileSync(`${folder}/losses.json`, 'utf8')) as number[];
    const m = model(`${text}\nprecision f16`, `${name}.nn`);
    const data = datasetOf(`${folder}/data.safetensors`, m.model);
    const weights = weightsOf(`${folder}/init.safetensors`);
    const { plan: halves } = compile(m.model, { rows: data.rows, devices: 'gpu', adapter: await adapterOfHalves(true) });
    const { plan } = compile(m.model, { rows: data.rows, devices: 'cpu' });
    expect(halves.arenas.map((a) => a.dtype)).toContain('f16');
    expect(plan.arenas.map((a) => a.dtype)).not.toContain('f16');
    expect(halves.identity).toBe(plan.identity);
    for (const session of [await openHalves(halves), await openSession(plan, 'cpu')]) {
      try {
        const r = await RunningModel.open(session);
        r.setData(...data.tensors);
        await r.setWeights(weights);
        const losses = await lossesOf(r);
        want.forEach((w, i) =>
          expect(Math.abs(w - (losses[i] ?? NaN)) / w, `loss of step ${i} on ${session.device.name}`).toBeLessThan(0.03),
        );
      } finally {
        session.destroy();
      }
    }
  });

  it('need less memory where they have two bytes', async () => {
    const text = readFileSync('bench/programs/D.nn', 'utf8');
    const sizes = (['f32', 'f16'] as const).map((precision) => {
      const { plan } = compile(model(`${text}\nprecision ${precision}`).model, {
        rows: 16,
        devices: 'gpu',
        adapter: { software: false, bindings: 8, subgroup: 1, collectives: false, half: true },
      });
      return plan.arenas.filter((a) => a.kind === 'work').reduce((n, a) => n + a.words, 0);
    });
    expect((sizes[1] ?? 1) / (sizes[0] ?? 1)).toBeLessThan(0.85);
  });

  it.each(['B', 'C', 'D'])('are kernels that are valid where a device has f16: %s', async (name) => {
    const adapter = await nothing.requestAdapter();
    const device = await adapter?.requestDevice({ requiredFeatures: ['shader-f16', 'subgroups'] });
    if (!device) throw new Error('no adapter');
    const { model: m } = model(`${readFileSync(`bench/programs/${name}.nn`, 'utf8')}\nprecision f16`);
    for (const software of [true, false]) {
      const { plan } = compile(m, {
        rows: 32,
        devices: 'gpu',
        adapter: { software, bindings: 8, subgroup: software ? 8 : 1, collectives: false, half: true },
      });
      expect(webgpuOf(plan).kernels.some((k) => k.wgsl.startsWith('enable f16') || k.wgsl.includes('\nenable f16'))).toBe(true);
      for (const { name: kernel, wgsl: code } of webgpuOf(plan).kernels) {
        const info = await device.createShaderModule({ code }).getCompilationInfo();
        expect(
          info.messages.filter((i) => i.type === 'error').map((i) => i.message),
          kernel,
        ).toEqual([]);
      }
    }
    device.destroy();
  });

  it('are proved on a device that has f16 before they run', async (t) => {
    const { found } = await findAdapter();
    if (!found?.adapter.features.has('shader-f16')) return t.skip('the GPU at hand has no shader-f16');
    const device = await found.adapter.requestDevice({ requiredFeatures: ['shader-f16'] });
    await checkHalves(device);
    device.destroy();
  });
});
