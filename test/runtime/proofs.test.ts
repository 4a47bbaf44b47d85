import { describe, expect, it } from 'vitest';
import { findAdapter } from '../../src/node/gpu.ts';
import { DeviceError } from '../../src/runtime/errors.ts';
import { load } from '../../src/runtime/load.ts';
import { checkSubgroups } from '../../src/verify/subgroups.ts';
import { plan } from '../support/programs.ts';

/** A device that does not do what a plan relies on is refused before anything is trained on it. */
async function device(features: GPUFeatureName[]): Promise<GPUDevice> {
  const { found } = await findAdapter();
  if (!found) throw new Error('no adapter');
  return found.adapter.requestDevice({ requiredFeatures: features });
}

describe('a device', () => {
  it('whose subgroups have another size is refused', async () => {
    const gpu = await device(['subgroups']);
    const { subgroupMaxSize } = gpu.adapterInfo;
    await expect(checkSubgroups(gpu, subgroupMaxSize)).resolves.toBeUndefined();
    await expect(checkSubgroups(gpu, 2 * subgroupMaxSize)).rejects.toThrow(
      `the driver does not deal threads out in subgroups of ${2 * subgroupMaxSize}, as it says`,
    );
    gpu.destroy();
  });

  it('that fails its proof ends loading with the reason', async () => {
    const { found } = await findAdapter();
    const made = plan('layer Linear(2, 1); loss mse; optim sgd; train steps=2', { rows: 4, devices: 'gpu' });
    const proofs: unknown[] = [];
    const prove = (_gpu: GPUDevice, section: unknown): Promise<void> => {
      proofs.push(section);
      return Promise.reject(new DeviceError('the driver rounds wrong'));
    };
    const gpu = { requestAdapter: () => Promise.resolve(found?.adapter ?? null) };
    await expect(load(made, { device: 'gpu', gpu }, { prove })).rejects.toThrow('the driver rounds wrong');
    expect(proofs).toEqual([made.backends.webgpu]);
  });
});
