import { describe, expect, it } from 'vitest';
import { findAdapter } from '../../src/node/gpu.ts';
import { shuffleAt, uniformAt } from '../../src/base/random.ts';
import { planBytes } from '../../src/plan.ts';
import { DeviceError } from '../../src/runtime/errors.ts';
import { RunningModel } from '../../src/runtime/model.ts';
import { stepUniforms, type Session, type StepUniforms } from '../../src/runtime/session.ts';
import { initialStream, initialValue } from '../../src/base/init.ts';
import { programOf, traced } from '../../src/runtime/trainer.ts';
import { createGpuSession } from '../../src/runtime/webgpu.ts';
import { lossesOf, plan, running, toyData } from '../support/programs.ts';
import { openSession } from '../support/run-graph.ts';
import { webgpuOf } from '../support/sections.ts';

const HOUSE = 'layer Linear(1,16) -> relu -> Linear(16,1); loss mse; optim adam lr=0.01; train epochs=300';
const MINI = 'layer Linear(2,8) -> tanh -> Linear(8,1); loss mse; optim adam lr=0.02; train epochs=6 batch=32 shuffle seed=5';

function houseData(): { x: Float32Array; y: Float32Array } {
  const x = Float32Array.from({ length: 100 }, (_, i) => (i % 37) / 7);
  return { x, y: x.map((v) => 200 * v + 50) };
}

/** Steps in a chunk can be chosen only through the time that they seem to take. */
function withChunks(session: Session, sizes: number[]): Session {
  return new Proxy(session, {
    get(target, key) {
      if (key === 'run') {
        return (programs: readonly string[], uniforms: StepUniforms) => {
          sizes.push(programs.length);
          return target.run(programs, uniforms);
        };
      }
      const value = Reflect.get(target, key) as unknown;
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

describe('an adapter', () => {
  it('is there: WGSL really runs in this suite', async () => {
    const { found, attempts } = await findAdapter();
    expect(found, JSON.stringify(attempts)).toBeDefined();
  });
});

describe('two chunks in flight', () => {
  it('run in the order of the calls, also where a program runs for the first time', async () => {
    // Too wide for one workgroup, so that each step has kernels of its own, and the last of an epoch others.
    const wide = plan(
      'layer Linear(2,64) -> tanh -> Linear(64,64) -> tanh -> Linear(64,1); loss mse; optim sgd lr=0.05; train epochs=6 batch=8',
      { rows: 20 },
    );
    expect(webgpuOf(wide).loops).toEqual({});
    const { x, y } = toyData(20);
    // As in training, two at a time; the program of steps 2 and 5 is another one.
    const losses = async (atOnce: number): Promise<readonly number[]> =>
      running(wide, 'gpu', async (m, session) => {
        m.setData(x, y);
        const run = (step: number): Promise<Float32Array> =>
          session.run([programOf(wide, step)], stepUniforms(wide, step, 1, { seed: 1, total: 18 }));
        const traces: Float32Array[] = [];
        for (let step = 0; step < 6; step += atOnce)
          traces.push(...(await Promise.all(Array.from({ length: atOnce }, (_, i) => run(step + i)))));
        return traces.map((trace, step) => traced(wide, trace, [programOf(wide, step)], 'loss')[0] ?? NaN);
      });
    expect(await losses(2)).toEqual(await losses(1));
  });
});

describe('the training loop', () => {
  const p = plan(HOUSE, { rows: 100 });

  it('needs at most 8 dispatches a step for the house, and one dispatch and one submit a chunk', async () => {
    expect(webgpuOf(p).programs['train']?.length).toBeLessThanOrEqual(8);
    const session = await openSession(p, 'gpu');
    const chunks: number[] = [];
    const m = await RunningModel.open(withChunks(session, chunks));
    const { x, y } = houseData();
    m.setData(x, y);
    await m.train();
    expect(chunks.reduce((a, b) => a + b, 0)).toBe(300);
    expect(session.counters.submits).toBe(chunks.length);
    expect(session.counters.dispatches).toBe(chunks.length);
    expect(Math.max(...chunks)).toBeGreaterThan(8);
    session.destroy();
  });

  it.each(['gpu', 'cpu'] as const)('allocates exactly what check says, and nothing after the first chunk, on the %s', async (device) => {
    await running(p, device, async (m, session) => {
      const { x, y } = houseData();
      m.setData(x, y);
      const bytes = planBytes(p);
      expect(session.counters.bytes).toBe(device === 'gpu' ? bytes.total : bytes.arenas);
      await m.train({ until: 1 });
      const before = { ...session.counters };
      await m.train();
      expect(session.counters.buffers).toBe(before.buffers);
      expect(session.counters.bindGroups).toBe(before.bindGroups);
      expect(session.counters.bytes).toBe(before.bytes);
    });
  });

  it('creates no WebGPU buffer and no bind group after the first chunk', async () => {
    const { found } = await findAdapter();
    if (!found) throw new Error('no adapter');
    let buffers = 0;
    let groups = 0;
    const request = found.adapter.requestDevice.bind(found.adapter);
    // Counts on the device itself, so that no bookkeeping of ours is believed.
    found.adapter.requestDevice = async (d) => {
      const device = await request(d);
      const [createBuffer, createBindGroup] = [device.createBuffer.bind(device), device.createBindGroup.bind(device)];
      device.createBuffer = (b) => (buffers++, createBuffer(b));
      device.createBindGroup = (b) => (groups++, createBindGroup(b));
      return device;
    };
    const session = await createGpuSession(p, found.adapter, { via: 'test', reason: '', budget: 200 });
    const m = await RunningModel.open(session);
    const { x, y } = houseData();
    m.setData(x, y);
    await m.train({ until: 1 });
    const [b, g] = [buffers, groups];
    expect(b).toBeGreaterThan(3);
    await m.train();
    expect([buffers, groups]).toEqual([b, g]);
    session.destroy();
  });

  it.each(['gpu', 'cpu'] as const)('gives the same bits whatever the chunks, and goes on from a saved state, on the %s', async (device) => {
    const p2 = plan(MINI, { rows: 100 });
    const { x, y } = toyData(100);
    const straight = await running(p2, device, async (m) => {
      m.setData(x, y);
      return { losses: await lossesOf(m), weights: await m.weights() };
    });
    const inPieces = await running(p2, device, async (m) => {
      m.setData(x, y);
      const losses: number[] = [];
      for (const until of [1, 2, 5, 11, 24]) losses.push(...(await lossesOf(m, { until })));
      return { losses, weights: await m.weights() };
    });
    expect(inPieces.losses).toEqual(straight.losses);
    expect(inPieces.weights).toEqual(straight.weights);

    const saved = await running(p2, device, async (m) => {
      m.setData(x, y);
      await m.train({ until: 9 });
      return m.state();
    });
    const resumed = await running(p2, device, async (m) => {
      m.setData(x, y);
      await m.restore(saved);
      return { losses: await lossesOf(m), weights: await m.weights() };
    });
    expect(resumed.losses).toEqual(straight.losses.slice(9));
    expect(resumed.weights).toEqual(straight.weights);
  });

  it('takes every example once in each epoch, the last batch with what is left', async () => {
    // One weight and a loss that is the sum of the inputs of the batch: each loss tells which rows were taken.
    const p3 = plan('layer Linear(1, 1, bias=false); loss l1(reduction=sum); optim sgd lr=0; train epochs=3 batch=4 shuffle seed=9', {
      rows: 10,
    });
    const x = Float32Array.from({ length: 10 }, (_, i) => 2 ** i);
    for (const device of ['gpu', 'cpu'] as const) {
      await running(p3, device, async (m) => {
        m.setData(x, new Float32Array(10));
        await m.setWeights({ '0.weight': { shape: [1, 1], data: Float32Array.of(1) } });
        const losses = await lossesOf(m);
        expect(losses).toHaveLength(9);
        for (let epoch = 0; epoch < 3; epoch++) {
          const sums = losses.slice(epoch * 3, epoch * 3 + 3);
          expect(sums.reduce((a, b) => a + b, 0)).toBe(1023);
          const order = Array.from({ length: 10 }, (_, i) => shuffleAt(i, 10, 9, epoch));
          expect([...order].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
          const expected = [order.slice(0, 4), order.slice(4, 8), order.slice(8)].map((rows) => rows.reduce((n, r) => n + 2 ** r, 0));
          expect(sums).toEqual(expected);
        }
      });
    }
  });

  it('drops the same elements on every device: those that the seed says', async () => {
    const p4 = plan(
      'input x: [6]\nlayer Dropout(0.25) -> Linear(6, 1, bias=false)\nloss l1(reduction=sum)\noptim sgd lr=0\ntrain steps=5 seed=11',
      { rows: 3 },
    );
    const x = Float32Array.from({ length: 18 }, (_, i) => 2 ** i);
    const want = Array.from({ length: 5 }, (_, step) => x.reduce((n, v, i) => n + (uniformAt(11, 1, step, i) >= 0.25 ? v / 0.75 : 0), 0));
    for (const device of ['gpu', 'cpu'] as const) {
      const losses = await running(p4, device, async (m) => {
        m.setData(x, new Float32Array(3));
        await m.setWeights({ '1.weight': { shape: [1, 6], data: new Float32Array(6).fill(1) } });
        // Nothing is dropped when the model predicts.
        expect([...(await m.predict(x.subarray(0, 6))).data]).toEqual([63]);
        return lossesOf(m);
      });
      losses.forEach((l, i) => expect(Math.abs(l - (want[i] ?? 0)) / (want[i] ?? 1)).toBeLessThan(1e-5));
    }
  });

  it('predicts any number of examples', async () => {
    const p5 = plan('layer Linear(2, 3)', {});
    for (const device of ['gpu', 'cpu'] as const) {
      await running(p5, device, async (m) => {
        await m.setWeights({
          '0.weight': { shape: [3, 2], data: Float32Array.of(1, 0, 0, 1, 1, 1) },
          '0.bias': { shape: [3], data: Float32Array.of(0, 0, 10) },
        });
        const out = await m.predict([1, 2, 3, 4, 5, 6]);
        expect([...out.data]).toEqual([1, 2, 13, 3, 4, 17, 5, 6, 21]);
        expect(out.shape).toEqual([3, 3]);
        await expect(m.predict([1, 2, 3])).rejects.toThrow('no whole number of examples');
      });
    }
  });

  it('answers everybody who asks at once, while it trains too', async () => {
    for (const device of ['gpu', 'cpu'] as const) {
      await running(p, device, async (m) => {
        const { x, y } = houseData();
        m.setData(x, y);
        const alone = [];
        for (let i = 0; i < 6; i++) alone.push((await m.predict([i])).data[0]);
        const together = await Promise.all([0, 1, 2, 3, 4, 5].map((i) => m.predict([i])));
        expect(together.map((r) => r.data[0])).toEqual(alone);
        const order: string[] = [];
        const asked: Promise<number>[] = [];
        const training = m.train({
          onLosses: (first) => {
            if (asked.length < 3) asked.push(m.predict([first]).then((r) => order.push(`predicted ${r.data.length}`)));
          },
        });
        const result = await training.then((r) => (order.push('trained'), r));
        await Promise.all(asked);
        expect(result.steps).toBe(300);
        // Between the steps of a training, not after it.
        expect(order).toEqual(['predicted 1', 'predicted 1', 'predicted 1', 'trained']);
      });
    }
  });

  it('stops with one clear error when the loss is no number', async () => {
    const p6 = plan('layer Linear(1, 1); loss mse; optim sgd lr=1e30; train steps=50', { rows: 4 });
    await running(p6, 'cpu', async (m) => {
      m.setData([1, 2, 3, 4], [1, 2, 3, 4]);
      await expect(m.train()).rejects.toThrow(/the loss is (NaN|Infinity) at step \d+/);
    });
  });

  it('reports a lost device as such, in the middle of training', async () => {
    const { found } = await findAdapter();
    if (!found) throw new Error('no adapter');
    let device: GPUDevice | undefined;
    const request = found.adapter.requestDevice.bind(found.adapter);
    found.adapter.requestDevice = async (d) => (device = await request(d));
    const session = await createGpuSession(p, found.adapter, { via: 'test', reason: '', budget: 200 });
    const m = await RunningModel.open(session);
    const { x, y } = houseData();
    m.setData(x, y);
    const error: unknown = await m.train({ onProgress: (progress) => progress.step > 3 && device?.destroy() }).then(
      () => undefined,
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(DeviceError);
    expect((error as Error).message).toContain('the device was lost');
  });

  it('starts from the same weights on every device for a seed', async () => {
    const p7 = plan(MINI, { rows: 100, seed: 42 });
    const first = p7.params[0];
    if (!first) throw new Error('no parameter');
    const bound = 1 / Math.sqrt(2);
    const values = initialValue(first.init, first.shape, initialStream(42, 0));
    expect(values.every((v) => Math.abs(v) <= bound)).toBe(true);
    expect(new Set(values).size).toBe(values.length);
    for (const device of ['gpu', 'cpu'] as const)
      await running(p7, device, async (m) => expect((await m.weights())['0.weight']?.data).toEqual(values));
  });
});
