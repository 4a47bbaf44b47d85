import { describe, expect, it } from 'vitest';
import { planBytes } from '../../src/plan.ts';
import { plan } from '../support/programs.ts';

const TEXT =
  'input x: [30, 4]; layer Linear(4, 32) -> relu -> Linear(32, 32) -> tanh -> GRU(32, 8, last=true) -> Linear(8, 1); loss mse; optim adam lr=0.01';

/** Small enough for a loop of steps in one workgroup of a GPU, whose uniforms have twice the size. */
const SMALL = 'layer Linear(1, 4) -> relu -> Linear(4, 1); loss mse; optim adam lr=0.01';

describe.each(['cpu', 'gpu', 'all'] as const)('memory of a program with a loop for %s', (devices) => {
  it('is known before its kernels are written, and may be limited', () => {
    const whole = plan(TEXT, { rows: 64, batch: 64, devices });
    const { total, places } = planBytes(whole);
    expect(places).toBe(devices === 'cpu' ? 0 : 30 * 256);
    const limited = plan(TEXT, { rows: 64, batch: 64, devices, maxMemory: total });
    expect(planBytes(limited).total).toBeLessThanOrEqual(total);
    expect(() => plan(TEXT, { rows: 64, batch: 64, devices, maxMemory: Math.floor(total / 50) })).toThrow(/bytes of device memory/);
  });

  it('is known where one workgroup trains the whole net', () => {
    const { total } = planBytes(plan(SMALL, { rows: 64, batch: 64, devices }));
    expect(planBytes(plan(SMALL, { rows: 64, batch: 64, devices, maxMemory: total })).total).toBe(total);
    expect(() => plan(SMALL, { rows: 64, batch: 64, devices, maxMemory: total - 1 })).toThrow(`needs ${total} bytes of device memory`);
  });
});
