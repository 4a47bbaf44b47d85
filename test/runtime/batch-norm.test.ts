import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.ts';
import { readSafetensors, writeSafetensors } from '../../src/data/safetensors.ts';
import { compile } from '../../src/compile.ts';
import { Population } from '../../src/runtime/population.ts';
import type { Weights } from '../../src/runtime/api.ts';
import { RunningModel } from '../../src/runtime/model.ts';
import { createGpuSession } from '../../src/runtime/webgpu.ts';
import { findAdapter } from '../../src/node/gpu.ts';
import { model, plan, running } from '../support/programs.ts';
import { openSession } from '../support/run-graph.ts';

const NET = (norm: string, rest = ''): string =>
  `layer Linear(2, 3) -> norm: ${norm} -> Linear(3, 1)\nloss mse\noptim sgd lr=0.01\n${rest}`;
const X = [1, 2, -1, 0.5, 3, 1, 0, -2, 2, 2];
const Y = [1, 2, 3, 4, 5];

describe('a batch of one row', () => {
  const refused = (text: string, rows: number, batch?: number): string => {
    try {
      compile(model(text).model, { rows, batch });
    } catch (e) {
      if (e instanceof UserError) return e.message;
      throw e;
    }
    return '';
  };

  it('is refused before BatchNorm would divide by nothing, with the ways out', () => {
    const last = refused(NET('BatchNorm1d(3)'), 65, 32);
    expect(last).toContain(
      'BatchNorm1d(3) needs more than one value for each channel, and the last of 65 rows is a batch of its own (batch=32)',
    );
    expect(last).toContain('use another batch, such as batch=33');
    expect(last).toContain('test.nn:1:');
    expect(refused(NET('BatchNorm1d(3, track_running_stats=false)'), 4, 1)).toContain('such as batch=2');
    expect(refused(NET('BatchNorm1d(3)'), 1)).toContain('give more rows than 1');
  });

  it('is taken where there is more than one value for each channel, or where nothing looks at the batch', () => {
    for (const [rows, batch] of [
      [64, 32],
      [66, 32],
      [65, 65],
      [2, 2],
    ] as const)
      expect(refused(NET('BatchNorm1d(3)'), rows, batch)).toBe('');
    expect(refused(NET('LayerNorm(3)'), 65, 32)).toBe('');
    const image = 'input x: [2, 2, 2]\nlayer norm: BatchNorm2d(2) -> flatten -> Linear(8, 1)\nloss mse\noptim sgd lr=0.01';
    expect(refused(image, 5, 2)).toBe('');
  });

  it('leaves running statistics that are numbers where a channel has places', async () => {
    const p = plan(
      'input x: [1, 2]\nlayer norm: BatchNorm1d(1) -> flatten -> Linear(2, 1)\nloss mse\noptim sgd lr=0.01\ntrain steps=6 batch=2',
      { rows: 5 },
    );
    await running(p, 'cpu', async (m) => {
      m.setData(X, Y);
      await m.train();
      const all = Object.values(await m.weights()).flatMap((t) => [...t.data]);
      expect(all.every(Number.isFinite)).toBe(true);
    });
  });
});

describe('num_batches_tracked', () => {
  const count = (w: Weights, name = 'norm.num_batches_tracked'): number | undefined => w[name]?.data[0];
  const trained = (text: string, body: (m: RunningModel) => Promise<void>, rows = 5): Promise<void> =>
    running(plan(text, { rows }), 'cpu', async (m) => {
      m.setData(X.slice(0, rows * 2), Y.slice(0, rows));
      await body(m);
    });

  it('counts every step, and goes on from what weights and checkpoints say', async () => {
    const text = NET('BatchNorm1d(3)', 'train steps=7 batch=3');
    await trained(text, async (m) => {
      expect(count(await m.weights())).toBe(0);
      await m.train({ until: 4 });
      const [weights, state] = [await m.weights(), await m.state()];
      expect(weights['norm.num_batches_tracked']).toEqual({ shape: [], data: Int32Array.of(4), wide: true });
      await m.train();
      expect(count(await m.weights())).toBe(7);

      await m.restore(state);
      expect(count(await m.weights())).toBe(4);
      await m.train();
      expect(count(await m.weights())).toBe(7);

      const { ['norm.num_batches_tracked']: _count, ...without } = state.tensors;
      await m.restore({ ...state, tensors: without });
      expect(count(await m.weights())).toBe(4);

      await m.setWeights({ ...weights, 'norm.num_batches_tracked': { shape: [], data: Int32Array.of(20_000_001) } });
      await m.train({ until: 6 });
      expect(count(await m.weights())).toBe(20_000_003);
      const { ['norm.num_batches_tracked']: _other, ...old } = weights;
      await m.setWeights(old);
      expect(count(await m.weights())).toBe(0);
    });
  });

  it('counts each use of a norm that is shared, as PyTorch does', () =>
    trained(
      'let norm = share(BatchNorm1d(3))\nlayer Linear(2, 3) -> norm -> relu -> norm -> Linear(3, 1)\nloss mse\noptim sgd lr=0.01\ntrain steps=3 batch=5',
      async (m) => {
        await m.train();
        expect(count(await m.weights())).toBe(6);
      },
    ));

  it('is there for InstanceNorm, which PyTorch never counts, and nowhere without running statistics', async () => {
    const image = (norm: string): string =>
      `input x: [1, 2]\nlayer norm: ${norm} -> flatten -> Linear(2, 1)\nloss mse\noptim sgd lr=0.01\ntrain steps=3`;
    await trained(image('InstanceNorm1d(1, track_running_stats=true)'), async (m) => {
      await m.train();
      expect(count(await m.weights())).toBe(0);
    });
    await trained(image('BatchNorm1d(1, track_running_stats=false)'), async (m) => {
      expect(Object.keys(await m.weights())).not.toContain('norm.num_batches_tracked');
    });
  });

  it('counts a batch for each loss that goes through the norm, where losses take turns', () =>
    trained(
      'input real: [2]\nlet disc = share(BatchNorm1d(2) -> Linear(2, 1))\nlayer randn([2], like=real) -> gen: Linear(2, 2) -> bn: BatchNorm1d(2)\nloss mean(disc(real)^2) + mean(disc(detach(pred))^2)\noptim adam params=[disc]\nloss mean(disc(pred))\noptim adam params=[gen, bn]\ntrain steps=4 batch=5',
      async (m) => {
        await m.train();
        const weights = await m.weights();
        const [own, shared] = [count(weights, 'bn.num_batches_tracked'), count(weights, 'disc.0.num_batches_tracked')];
        // The first loss uses the discriminator twice and the generator once, the second each of them once.
        expect([own, shared]).toEqual([8, 12]);
      },
    ));

  it('is counted for each of many nets at once', async () => {
    const { found } = await findAdapter();
    if (!found) throw new Error('no adapter');
    const p = plan(NET('BatchNorm1d(3)', 'train steps=5 batch=5'), { rows: 5 });
    const session = await createGpuSession(p, found.adapter, { via: '', reason: '', budget: 100, nets: 2 });
    const population = await Population.open(
      session,
      [1, 2].map((seed) => ({ label: '', seed, plan: p })),
    );
    population.setData(Float32Array.from(X), Float32Array.from(Y));
    await population.train();
    expect(count((await population.weights())[1] ?? {})).toBe(5);
    session.destroy();
  });

  it('is a scalar of 64 bits in a file, in front of what is narrower', () => {
    const bytes = writeSafetensors({
      w: { shape: [1], data: Float32Array.of(0.5) },
      n: { shape: [], data: Int32Array.of(7), wide: true },
      labels: { shape: [2], data: Int32Array.of(1, -2) },
    });
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)))).toEqual({
      n: { dtype: 'I64', shape: [], data_offsets: [0, 8] },
      w: { dtype: 'F32', shape: [1], data_offsets: [8, 12] },
      labels: { dtype: 'I32', shape: [2], data_offsets: [12, 20] },
    });
    expect(Object.fromEntries(readSafetensors(bytes, 'n'))).toEqual({
      w: { shape: [1], data: Float32Array.of(0.5) },
      n: { shape: [], data: Int32Array.of(7) },
      labels: { shape: [2], data: Int32Array.of(1, -2) },
    });
  });

  it('is refused where it is no number', async () => {
    const running = await RunningModel.open(await openSession(plan(NET('BatchNorm1d(3)'), { rows: 5 }), 'cpu'));
    const weights = await running.weights();
    await expect(running.setWeights({ ...weights, 'norm.num_batches_tracked': { shape: [2], data: Int32Array.of(1, 2) } })).rejects.toThrow(
      '[2]',
    );
    await expect(running.setWeights({ ...weights, 'bn.num_batches_tracked': { shape: [], data: Int32Array.of(1) } })).rejects.toThrow(
      'bn.num',
    );
    running.destroy();
  });
});
