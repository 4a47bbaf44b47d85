import { describe, expect, it } from 'vitest';
import { limitsFor } from '../../src/runtime/device-limits.ts';
import { DeviceError } from '../../src/runtime/errors.ts';
import { plan } from '../support/programs.ts';

/** What a plan asks of a device, and what is said where that is too much. */
const planOf = (batch: number) =>
  plan(`layer Linear(16, 512) -> tanh -> Linear(512, 1); loss mse; optim sgd; train steps=2 batch=${batch}`, {
    rows: 2 * batch,
    devices: 'gpu',
  });
const made = planOf(128);
const limits = (bytes: number) => ({ maxStorageBufferBindingSize: bytes, maxBufferSize: 2 * bytes }) as GPUSupportedLimits;
const refused = (bytes: number): DeviceError => {
  try {
    limitsFor(made, limits(bytes), 1);
  } catch (e) {
    if (e instanceof DeviceError) return e;
    throw e;
  }
  throw new Error('it is not refused');
};

describe('the limits of a device', () => {
  it('are the default ones for a small plan', () => {
    expect(limitsFor(made, limits(2 ** 27), 1)).toEqual({});
  });

  it('are asked for where a plan needs more', () => {
    const large = planOf(2 ** 17);
    const bytes = 4 * Math.max(...large.arenas.map((a) => a.words));
    expect(bytes).toBeGreaterThan(2 ** 28);
    expect(limitsFor(large, limits(2 ** 32), 1)).toEqual({ maxStorageBufferBindingSize: bytes, maxBufferSize: bytes });
  });

  it('that are too small are an error with the value and the batch that fits', () => {
    const { code, message, help } = refused(200_000);
    expect({ code, message, help }).toMatchInlineSnapshot(`
      {
        "code": "NN603",
        "help": "use a smaller batch: one of 44 should fit",
        "message": "the arena 'work' needs 570368 bytes, and maxStorageBufferBindingSize of this device is 200000; the largest part of it is used by the dispatch that stores tanh_13 = tanh : f32[128, 512], 1 tanh (test.nn:1:26)",
      }
    `);
  });
});
