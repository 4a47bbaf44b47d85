import { afterAll, describe, expect, it } from 'vitest';
import { findAdapter } from '../../src/node/gpu.ts';
import type { DeviceDescription, Model } from '../../src/runtime/api.ts';
import { DeviceError } from '../../src/runtime/errors.ts';
import { load } from '../../src/exports/runtime.ts';
import { plan, toyData } from '../support/programs.ts';

/** What a page or a program does with a model while it trains. */
const ROWS = 24;
const PROGRAM =
  'layer Linear(2, 8) -> tanh -> Dropout(0.1) -> Linear(8, 1); loss mse; metric mae; optim adam lr=0.02; train epochs=400 batch=8 shuffle';
const { x, y } = toyData(ROWS);
const made = plan(PROGRAM, { rows: ROWS });
const devices: GPUDevice[] = [];

/** WebGPU as a page has it, which remembers the devices that it gave. */
function gpu(): unknown {
  return {
    async requestAdapter() {
      const { found } = await findAdapter();
      if (!found) throw new Error('no adapter');
      const { adapter } = found;
      return {
        features: adapter.features,
        limits: adapter.limits,
        info: adapter.info,
        async requestDevice(wanted: GPUDeviceDescriptor) {
          const device = await adapter.requestDevice(wanted);
          devices.push(device);
          return device;
        },
      };
    },
  };
}

async function opened(device: 'gpu' | 'cpu', more: Parameters<typeof load>[1] = {}): Promise<Model> {
  const model = await load(made, { device, gpu: gpu(), ...more });
  model.setData(x, y);
  return model;
}

/** All losses of a whole run. */
async function straight(device: 'gpu' | 'cpu'): Promise<number[]> {
  const model = await opened(device);
  const losses: number[] = [];
  for await (const p of model.train()) losses.push(...p.losses);
  model.destroy();
  return losses;
}

afterAll(() => {
  for (const d of devices) d.destroy();
});

describe.each(['gpu', 'cpu'] as const)('a model on the %s', (device) => {
  it('is trained chunk by chunk, paused by leaving the loop, and goes on as if it had not been', async () => {
    const model = await opened(device);
    const losses: number[] = [];
    const collect = (first: number, chunk: ArrayLike<number>): void => {
      expect(first).toBe(losses.length);
      losses.push(...Array.from(chunk));
    };
    let chunks = 0;
    for await (const p of model.train({ onLosses: collect })) {
      expect(p.metrics['mae']).toHaveLength(p.losses.length);
      if (++chunks === 2) break;
    }
    const paused = model.step;
    expect(paused).toBeGreaterThan(1);
    expect(paused).toBeLessThan(1200);
    expect((await model.train({ until: paused + 3, onLosses: collect })).outcome).toBe('paused');
    const end = await model.train({ onLosses: collect });
    expect([end.outcome, end.steps, model.step]).toEqual(['done', 1200 - paused - 3, 1200]);
    expect(losses).toEqual(await straight(device));
    model.destroy();
  });

  it('takes another learning rate while it trains, and gives the old one back', async () => {
    const model = await opened(device);
    const start = await model.weights();
    model.set({ lr: 0 });
    await model.train({ until: 10 });
    expect(await model.weights()).toEqual(start);
    model.set({ lr: undefined });
    await model.train({ until: 11 });
    expect(await model.weights()).not.toEqual(start);
    expect(() => model.set({ momentum: 1 })).toThrow("'momentum' cannot be set while training");
    expect(() => model.set({ lr: -1 })).toThrow('a learning rate is a number from 0 on, and not -1');
    model.destroy();
  });

  it('begins anew with another seed, and goes back to a state', async () => {
    const model = await opened(device);
    const begin = await model.state();
    await model.train({ until: 7 });
    const seven = await model.state();
    expect([begin.step, seven.step]).toEqual([0, 7]);
    await model.reset(5);
    expect(model.step).toBe(0);
    expect((await model.state()).tensors).not.toEqual(begin.tensors);
    await model.restore(seven);
    const other = await opened(device, { seed: seven.seed });
    await other.train({ until: 12 });
    await model.train({ until: 12 });
    expect(await model.weights()).toEqual(await other.weights());
    expect((await model.read('0.weight')).data).toEqual((await other.weights())['0.weight']?.data);
    await expect(model.read('0.wieght')).rejects.toThrow("did you mean '0.weight'?");
    for (const m of [model, other]) m.destroy();
  });

  it('predicts by name, with the shape of what comes out', async () => {
    const model = await opened(device);
    const { name } = model.about.inputs[0] ?? { name: '' };
    const [byName, byPlace] = [await model.predict({ [name]: [1, 2, 3, 4] }), await model.predict([1, 2, 3, 4])];
    expect(byName.shape).toEqual([2, 1]);
    expect(byName).toEqual(byPlace);
    await expect(model.predict({ wrong: [1, 2] })).rejects.toThrow("there is no 'wrong' to be given");
    expect(() => model.setData({ [name]: x })).toThrow("'y' is missing");
    model.setData({ [name]: x, y });
    model.destroy();
  });

  it('is gone for good once it is destroyed', async () => {
    const model = await opened(device);
    const training = model.train();
    const failed = expect(training).rejects.toThrow('the model was destroyed');
    model.destroy();
    model.destroy();
    await failed;
    await expect(model.predict([1, 2])).rejects.toThrow(DeviceError);
    await expect(model.train()).rejects.toThrow('the model was destroyed');
    expect(() => model.setData(x, y)).toThrow('the model was destroyed');
  });

  it('starts with the weights that are given, and says what is wrong with them', async () => {
    const first = await opened(device, { seed: 3 });
    const weights = await first.weights();
    const second = await opened(device, { weights });
    expect(await second.weights()).toEqual(weights);
    const broken = { ...weights, '0.weight': { shape: [8, 2], data: new Float32Array(16).fill(NaN) } };
    await expect(load(made, { device, gpu: gpu(), weights: broken })).rejects.toThrow("'0.weight' holds NaN at element 0");
    for (const m of [first, second]) m.destroy();
  });
});

describe('a lost device', () => {
  it('is replaced in the middle of a run, and the losses are those of a run that was not disturbed', async () => {
    const told: DeviceDescription[] = [];
    const model = await opened('gpu', { onDevice: (d) => told.push(d) });
    const losses: number[] = [];
    const kills = [20, 600];
    for await (const p of model.train()) {
      expect(p.first).toBe(losses.length);
      losses.push(...p.losses);
      if (p.step >= (kills[0] ?? Infinity)) {
        kills.shift();
        devices.at(-1)?.destroy();
      }
    }
    expect(told.length).toBeGreaterThan(0);
    expect(told[0]?.reason).toContain('the device before it was lost');
    expect(losses).toEqual(await straight('gpu'));
    model.destroy();
  });

  it('is noticed where nothing runs, and the model stands where it stood', async () => {
    const told: DeviceDescription[] = [];
    const model = await opened('gpu', { onDevice: (d) => told.push(d) });
    await model.train({ until: 30 });
    model.set({ lr: 0.001 });
    await model.train({ until: 50 });
    const before = await model.weights();
    devices.at(-1)?.destroy();
    while (told.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(model.step).toBe(50);
    expect(await model.weights()).toEqual(before);
    model.destroy();
  });

  it("of the caller's own is left for the CPU, and never destroyed by the model", async () => {
    const adapter = await (gpu() as GPU).requestAdapter();
    const device = await adapter?.requestDevice();
    if (!device) throw new Error('no device');
    const told: DeviceDescription[] = [];
    const model = await load(made, { device, onDevice: (d) => told.push(d) });
    model.setData(x, y);
    await model.train({ until: 10 });
    device.destroy();
    await model.train();
    expect(told.map((d) => d.kind)).toEqual(['cpu']);
    expect(model.device.kind).toBe('cpu');
    model.destroy();
    const mine = await (await (gpu() as GPU).requestAdapter())?.requestDevice();
    if (!mine) throw new Error('no device');
    const guest = await load(made, { device: mine });
    guest.destroy();
    const buffer = mine.createBuffer({ size: 4, usage: 9 });
    await buffer.mapAsync(1);
    expect(buffer.mapState).toBe('mapped');
  });
});

describe('a plan without data', () => {
  it('predicts many examples at once where they are cheap, and few where they are not', () => {
    expect(plan('layer Linear(2, 16) -> relu -> Linear(16, 1)', {}).predict.rows).toBe(256);
    expect(plan('layer Linear(512, 2048) -> relu -> Linear(2048, 1)', {}).predict.rows).toBe(1);
    expect(plan('layer Linear(64, 256) -> relu -> Linear(256, 1)', {}).predict.rows).toBeGreaterThan(64);
    // Where many are known to be there, they are computed together.
    expect(plan('layer Linear(512, 2048) -> relu -> Linear(2048, 1)', { predictions: 40 }).predict.rows).toBe(40);
    expect(plan('layer Linear(512, 2048) -> relu -> Linear(2048, 1)', { predictions: 10_000 }).predict.rows).toBe(256);
  });
});
