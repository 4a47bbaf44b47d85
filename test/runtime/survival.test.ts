import { readdirSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from 'vitest';
import { globals } from 'webgpu';
import { runTraining } from '../../src/cli/run-training.ts';
import { DeviceLost } from '../../src/runtime/errors.ts';
import { findAdapter } from '../../src/node/gpu.ts';
import { sleep } from '../../src/node/sleep.ts';
import { RunningModel } from '../../src/runtime/model.ts';
import type { Session } from '../../src/runtime/session.ts';
import { BUDGET_MS, createGpuSession } from '../../src/runtime/webgpu.ts';
import { plan, toyData } from '../support/programs.ts';
import { Random } from '../support/random.ts';
import { openSession } from '../support/run-graph.ts';

/** What a run survives: lost devices, many of them, and weeks. */
const TEXT =
  'layer Linear(2, 6) -> tanh -> Dropout(0.1) -> Linear(6, 1); loss mse; optim adam lr=cosine(0.02); train epochs=6 batch=4 shuffle seed=3';
const ROWS = 18;
const { x, y } = toyData(ROWS);
const cpu = plan(TEXT, { rows: ROWS, devices: 'cpu' });

/** How a device is lost: while it runs, while it is read, or by never answering until somebody notices. */
const WAYS = ['run', 'read', 'hangs'] as const;

/** What the package has beyond its types. */
const made = globals as unknown as Pick<typeof globalThis, 'GPUUncapturedErrorEvent' | 'GPUOutOfMemoryError'>;

/** A session that is another one but for some of its parts. */
const like = (real: Session, parts: Partial<Session>): Session => ({
  plan: real.plan,
  device: real.device,
  counters: real.counters,
  budget: real.budget,
  pace: real.pace,
  write: (arena, offset, data) => real.write(arena, offset, data),
  read: (arena, offset, length) => real.read(arena, offset, length),
  run: (programs, uniforms) => real.run(programs, uniforms),
  destroy: () => real.destroy(),
  ...parts,
});

/** A session that is lost at its n-th operation. */
async function mortal(n: number, way: (typeof WAYS)[number]): Promise<Session> {
  const real = await openSession(cpu, 'cpu');
  let [operations, dead] = [0, false];
  let lose: (why: unknown) => void = () => undefined;
  const lost = new Promise((resolve) => (lose = resolve));
  const die = (): Promise<never> => {
    dead = true;
    if (way === 'hangs') return new Promise((_resolve, reject) => setTimeout(() => (lose('hung'), reject(new DeviceLost('it hung'))), 2));
    lose('gone');
    return Promise.reject(new DeviceLost('it is gone'));
  };
  const falls = (what: 'run' | 'read'): boolean => dead || (++operations >= n && (way === 'hangs' ? what === 'run' : way === what));
  return like(real, {
    lost,
    pace: { chunk: 2 },
    run: (programs, uniforms) => (falls('run') ? die() : real.run(programs, uniforms)),
    read: (arena, offset, length) => (falls('read') ? die() : real.read(arena, offset, length)),
  });
}

async function trained(open: () => Promise<Session>): Promise<{ losses: number[]; weights: number[][]; devices: number }> {
  const losses: number[] = [];
  let devices = 1;
  const model = await RunningModel.open(await open(), {
    reopen: () => {
      devices++;
      return open();
    },
  });
  try {
    model.setData(x, y);
    await model.train({ until: 13, onLosses: (_first, l) => losses.push(...l) });
    await model.evaluate().catch(() => undefined);
    await model.train({ onLosses: (_first, l) => losses.push(...l) });
    return { losses, weights: Object.values(await model.weights()).map((t) => [...t.data]), devices };
  } finally {
    model.destroy();
  }
}

describe('a device that is lost', () => {
  it('100 times out of 100, at any step and in any way, costs neither a step nor a bit', async () => {
    const calm = await trained(() => openSession(cpu, 'cpu'));
    expect(calm.losses).toHaveLength(30);
    const random = new Random(5);
    let losses = 0;
    for (let i = 0; i < 100; i++) {
      const way = WAYS[i % WAYS.length] ?? 'run';
      const first = random.int(1, way === 'read' ? 3 : 14);
      let opened = 0;
      // The second device may be lost as well.
      const open = (): Promise<Session> => mortal(opened++ < 1 + (i % 2) ? first : Infinity, way);
      const { devices, ...same } = await trained(open);
      expect({ ...same, devices: 1 }, `loss at operation ${first}, ${way}`).toEqual(calm);
      losses += devices - 1;
    }
    expect(losses).toBeGreaterThanOrEqual(100);
  });
});

describe('a device without memory left', () => {
  it('in the middle of a run is given back, and the run goes on with the same bits on another', async () => {
    const gpu = plan(TEXT, { rows: ROWS, devices: 'gpu' });
    const calm = await trained(() => openSession(gpu, 'gpu'));
    const devices: GPUDevice[] = [];
    const open = async (): Promise<Session> => {
      const { found } = await findAdapter();
      const adapter = found?.adapter as GPUAdapter;
      const watched = new Proxy(adapter, {
        get: (target, key) =>
          key === 'requestDevice'
            ? async (wanted: GPUDeviceDescriptor) => (devices.push(await target.requestDevice(wanted)), devices.at(-1))
            : (Reflect.get(target, key, target) as unknown),
      });
      const session = await createGpuSession(gpu, watched, { via: 'Dawn', reason: 'test', budget: BUDGET_MS.native, sleep });
      let runs = 0;
      // As the device itself says it, while the third chunk of the first device is on its way.
      return like(session, {
        lost: session.lost,
        pace: { chunk: 2 },
        run: (programs, uniforms) => {
          const going = session.run(programs, uniforms);
          if (devices.length === 1 && ++runs === 3)
            devices[0]?.dispatchEvent(
              new made.GPUUncapturedErrorEvent('uncapturederror', { error: new made.GPUOutOfMemoryError('no room for a buffer') }),
            );
          return going;
        },
      });
    };
    const { devices: used, ...same } = await trained(open);
    expect([used, devices.length]).toEqual([2, 2]);
    expect({ ...same, devices: 1 }).toEqual(calm);
    expect(await devices[0]?.lost).toMatchObject({ reason: 'destroyed' });
  });
});

describe('loading and destroying', () => {
  const counts = (): { threads: number; files: number } => ({
    threads: readdirSync('/proc/self/task').length,
    files: readdirSync('/proc/self/fd').length,
  });
  const cycle = async (kind: 'cpu' | 'gpu', threads: number, times: number): Promise<void> => {
    const p = kind === 'cpu' ? cpu : plan(TEXT, { rows: ROWS, devices: 'gpu' });
    for (let i = 0; i < times; i++) {
      const session = await openSession(p, kind, threads);
      const model = await RunningModel.open(session);
      model.setData(x, y);
      if (i % 20 === 0) await model.train({ until: 2 });
      model.destroy();
    }
  };

  it.skipIf(process.platform !== 'linux').each([
    ['cpu', 1, 1000],
    ['cpu', 2, 100],
    ['gpu', 1, 5],
  ] as const)('on the %s with %i threads, %i times, leaves nothing behind', async (kind, threads, times) => {
    await cycle(kind, threads, Math.ceil(times / 10));
    const heap = await settled();
    const before = counts();
    await cycle(kind, threads, times);
    const later = await settled();
    const after = counts();
    expect(after.threads).toBeLessThanOrEqual(before.threads + 4);
    expect(after.files).toBeLessThanOrEqual(before.files + 4);
    expect(later - heap).toBeLessThan(20 * 2 ** 20);
  });
});

/** Bytes of the heap that are in use. */
function used(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

/** The same, when what was destroyed has had time to go. */
async function settled(): Promise<number> {
  for (let i = 0; i < 5; i++) {
    used();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return used();
}

describe('a run of weeks', () => {
  let restore: () => unknown = () => undefined;
  afterEach(() => restore());

  /** Steps of a device that takes no time, while the clock shows that each took a hundredth of a second. */
  const STEPS = Number(process.env['NNC_STEPS'] ?? 2e5);
  const SECONDS = 0.01;

  it('keeps as much in memory as one of hours, and saves as often', { timeout: 3_600_000 }, async () => {
    const long = plan(`${TEXT.replace('epochs=6', `steps=${STEPS}`)}`, { rows: ROWS, devices: 'cpu' });
    const real = await openSession(long, 'cpu');
    let now = 0;
    // No spies: they remember every call.
    const [clock, out, err] = [performance.now.bind(performance), process.stdout.write, process.stderr.write];
    restore = () =>
      Object.assign(performance, { now: clock }) &&
      Object.assign(process.stdout, { write: out }) &&
      Object.assign(process.stderr, { write: err });
    performance.now = () => now;
    process.stdout.write = () => true;
    process.stderr.write = () => true;
    const trace = await real.run(['train'], { buffer: new ArrayBuffer(256), count: 1 });
    const session = like(real, {
      run(programs) {
        now += 1000 * SECONDS * programs.length;
        return Promise.resolve(trace);
      },
    });
    const model = await RunningModel.open(session);
    model.setData(x, y);
    const heap: number[] = [];
    let saves = 0;
    await runTraining(model, {
      seed: 3,
      heldOut: [],
      judge: { by: 'loss', better: 'lower', patience: undefined, keepBest: false },
      logs: [],
      trap: undefined,
      stop: { aborted: false },
      saveBest: undefined,
      best: undefined,
      save: () => {
        if (model.step > (STEPS * (1 + heap.length)) / 10) heap.push(used());
        saves++;
        return Promise.resolve();
      },
    });
    model.destroy();
    expect(heap.length).toBeGreaterThanOrEqual(8);
    expect(Math.max(...heap.slice(1)) - Math.min(...heap.slice(1))).toBeLessThan(3 * 2 ** 20);
    // About every ten seconds, as the clock shows.
    const tens = (STEPS * SECONDS) / 10;
    expect(saves).toBeGreaterThan(0.4 * tens);
    expect(saves).toBeLessThan(1.1 * tens);
  });
});
