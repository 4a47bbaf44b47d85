import { describe, expect, it } from 'vitest';
import { findAdapter } from '../../src/node/gpu.ts';
import { compile } from '../../src/compile.ts';
import type { Plan } from '../../src/plan.ts';
import { RunningModel } from '../../src/runtime/model.ts';
import { Population, type Net } from '../../src/runtime/population.ts';
import { BUDGET_MS, createGpuSession } from '../../src/runtime/webgpu.ts';
import { lossesOf, model, plan, running, toyData } from '../support/programs.ts';
import { webgpuOf } from '../support/sections.ts';

const HOUSE = 'layer Linear(1,16) -> relu -> Linear(16,1); loss mse; optim adam lr=0.01; train epochs=90';
const MINI = 'layer Linear(2,8) -> tanh -> Linear(8,1); loss mse; optim adam lr=0.02; train epochs=6 batch=32 shuffle seed=5';
const DROPPED = 'layer Linear(1,8) -> tanh -> Dropout(0.2) -> Linear(8,1); loss mse; optim adam lr=0.02; train epochs=6 batch=32 shuffle';

const RECURRENT =
  'input x: [5, 1]; layer scan(fc: Linear(1, 2) + (h -> hh: Linear(2, 2)) -> tanh, h=zeros(2), last=true) -> Linear(2, 1); loss mse; optim adam lr=0.02; train epochs=30 batch=4';

async function gpu(p: Plan, nets = 1) {
  const { found } = await findAdapter();
  if (!found) throw new Error('no adapter');
  return createGpuSession(p, found.adapter, { via: 'Dawn', reason: 'test', budget: BUDGET_MS.native, nets });
}

const near = (a: number, b: number): number => Math.abs(a - b) / Math.max(1e-6, Math.abs(b));

describe('a loop of one workgroup', () => {
  it.each([
    ['house', HOUSE, 100, 1],
    ['with batches, shuffling and a ragged end', MINI, 100, 2],
    ['with a loop over a sequence inside', RECURRENT, 12, 5],
  ] as const)('%s: is one dispatch a chunk for each program in it, and trains as the CPU does', async (_name, text, rows, width) => {
    const p = plan(text, { rows });
    expect(Object.keys(webgpuOf(p).loops)).toContain('train');
    const { x, y } = toyData(rows, width);
    const data = width === 1 ? x.subarray(0, rows) : x;
    const want = await running(p, 'cpu', async (m) => {
      m.setData(data, y);
      return lossesOf(m);
    });
    const session = await gpu(p);
    const m = await RunningModel.open(session);
    m.setData(data, y);
    const losses = await lossesOf(m);
    losses.forEach((l, i) => expect(near(l, want[i] ?? NaN), `step ${i}`).toBeLessThan(1e-3));
    // A ragged epoch changes between two programs: a dispatch for each run of one of them.
    const runs = p.train?.tail ? 2 * (p.train.steps / p.train.stepsPerEpoch) + session.counters.submits : session.counters.submits;
    expect(session.counters.dispatches).toBeLessThanOrEqual(runs);
    session.destroy();
  });

  it('gives the same bits whatever the size of its chunks', async () => {
    const p = plan(HOUSE, { rows: 100 });
    const { x, y } = toyData(100, 1);
    const run = async (chunk: number): Promise<number[]> => {
      const session = await gpu({ ...p, chunk: Math.min(p.chunk, chunk) });
      session.pace.chunk = chunk;
      const m = await RunningModel.open(session);
      m.setData(x, y);
      const losses = await lossesOf(m);
      session.destroy();
      return losses;
    };
    const [one, seven, all] = [await run(1), await run(7), await run(90)];
    expect(seven).toEqual(one);
    expect(all).toEqual(one);
  });

  it('is not made for what does not fit a workgroup', () => {
    const large = plan('layer Linear(64,64) -> relu -> Linear(64,1); loss mse; optim adam lr=0.01', { rows: 100 });
    expect(webgpuOf(large).loops).toEqual({});
    expect(webgpuOf(plan(HOUSE, { rows: 100, level: 0 })).loops).toEqual({});
  });
});

describe('a population', () => {
  it.each([
    ['of one batch', HOUSE],
    ['with batches that are shuffled, dropout, and a ragged end', DROPPED],
  ])('trains each net %s as its run alone does, bit for bit', async (_name, text) => {
    const m = model(text);
    const { x, y } = toyData(100, 1);
    const rates = [0.01, 0.05];
    const nets = rates.flatMap((lr) => {
      const { plan } = compile(m.model, { rows: 100, settings: { lr } });
      return [3, 4].map((seed): Net => ({ label: `lr ${lr}, seed ${seed}`, seed, plan }));
    });
    const [first] = nets;
    const session = await gpu(first?.plan as Plan, nets.length);
    const population = await Population.open(session, nets);
    population.setData(x, y);
    const results = await population.train();
    const weights = await population.weights();
    session.destroy();
    expect(results.map((r) => r.label)).toEqual(nets.map((n) => n.label));
    expect(new Set(results.map((r) => r.losses.at(-1))).size).toBe(nets.length);
    for (const p of new Set(nets.map((net) => net.plan))) {
      const alone = await gpu(p);
      for (const [i, net] of nets.entries()) {
        if (net.plan !== p) continue;
        const r = await RunningModel.open(alone, { seed: net.seed });
        r.setData(x, y);
        expect(await lossesOf(r), net.label).toEqual([...(results[i]?.losses ?? [])]);
        expect(await r.weights()).toEqual(weights[i]);
      }
      alone.destroy();
    }
  });

  it('says so where a program does not fit one workgroup', async () => {
    const p = plan('layer Linear(64,64) -> relu -> Linear(64,1); loss mse; optim adam lr=0.01', { rows: 100 });
    const session = await gpu(p);
    await expect(Population.open(session, [{ label: 'a', seed: 1, plan: p }])).rejects.toThrow('does not fit one workgroup');
    session.destroy();
  });
});
