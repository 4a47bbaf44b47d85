import { afterEach, describe, expect, it, vi } from 'vitest';
import { RunningModel } from '../../src/runtime/model.ts';
import type { Session } from '../../src/runtime/session.ts';
import { plan, toyData } from '../support/programs.ts';
import { openSession } from '../support/run-graph.ts';

/** How many steps go to the device at once: as many as fill its budget of time, by a clock of the test's own. */
const ROWS = 32;
const { x, y } = toyData(ROWS);
const cpu = plan('layer Linear(2, 3) -> tanh -> Linear(3, 1); loss mse; optim sgd lr=0.01; train steps=3000 batch=8', {
  rows: ROWS,
  devices: 'cpu',
});

afterEach(() => void vi.restoreAllMocks());

/** The sizes of all chunks of a run whose steps take `perStep(first step)` milliseconds, and how many were on their way at once. */
async function chunks(
  budget: number,
  perStep: (step: number) => number,
  until: number,
): Promise<{ sizes: number[]; flying: number; slept: number }> {
  let clock = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => clock);
  const real = await openSession(cpu, 'cpu');
  const sizes: number[] = [];
  let slept = 0;
  let [flying, most, queue, step]: [number, number, Promise<unknown>, number] = [0, 0, Promise.resolve(), 0];
  const session: Session = {
    plan: real.plan,
    device: real.device,
    counters: real.counters,
    budget,
    pace: { chunk: 1 },
    sleep: (ms) => {
      slept += ms;
      return Promise.resolve();
    },
    write: (...given) => real.write(...given),
    read: (...given) => real.read(...given),
    destroy: () => real.destroy(),
    run(programs, uniforms) {
      if (programs[0] === 'train') sizes.push(programs.length);
      most = Math.max(most, ++flying);
      // A device does one chunk after the other.
      const done = queue.then(async () => {
        const trace = await real.run(programs, uniforms);
        for (const _ of programs) clock += perStep(step++);
        flying--;
        return trace;
      });
      queue = done;
      return done;
    },
  };
  const model = await RunningModel.open(session);
  try {
    model.setData(x, y);
    await model.train({ until });
    return { sizes, flying: most, slept };
  } finally {
    model.destroy();
  }
}

describe('chunks of steps', () => {
  it('double from one until they fill half the budget, and stay', async () => {
    const { sizes } = await chunks(50, () => 1, 400);
    const grown = sizes.slice(0, sizes.indexOf(32) + 1);
    expect([...new Set(grown)]).toEqual([1, 2, 4, 8, 16, 32]);
    expect(new Set(sizes.slice(grown.length, -1))).toEqual(new Set([32]));
  });

  it('become shorter where steps take longer than the budget', async () => {
    const { sizes } = await chunks(50, (step) => (step < 200 ? 1 : 10), 500);
    expect(Math.max(...sizes)).toBe(32);
    // The last one is what is left.
    expect(Math.max(...sizes.slice(-4, -1))).toBeLessThanOrEqual(5);
  });

  it('are never longer than the plan allows', async () => {
    const { sizes } = await chunks(50, () => 0.001, 2000);
    expect(Math.max(...sizes)).toBe(cpu.chunk);
  });

  it('are waited for asleep, but not for as long as the kernels took to compile', async () => {
    const all = (slow: number) => chunks(50, (step) => (step === slow ? 5000 : 10), 100);
    expect((await all(0)).slept).toBeLessThan(1000);
    // Something may be compiled later as well.
    expect((await all(50)).slept).toBeLessThan(1000);
    expect((await all(-1)).slept).toBeGreaterThan(100);
  });

  it('are on their way two at a time, so that the device never waits for a loss', async () => {
    expect((await chunks(50, () => 1, 100)).flying).toBe(2);
  });
});
