/// <reference types="@webgpu/types" />
import type { MatrixUnit } from '../ir/kernel/types.ts';
import type { WebGpuSection } from '../sections.ts';
import { checkHalves } from './halves.ts';
import { MATRIX_FEATURE, checkMatrices } from './matrices.ts';
import { checkCollectives, checkSubgroups } from './subgroups.ts';

/** The checks done in this process. */
const shown = new Map<string, Promise<void>>();

/**
 * Checks that the device does what a plan relies on, since a driver that does not would silently give wrong results. Each adapter is
 * checked once.
 */
export async function prove(gpu: GPUDevice, { features, kernels }: WebGpuSection, units: readonly MatrixUnit[] = []): Promise<void> {
  const { vendor, architecture, device, description } = gpu.adapterInfo;
  const once = (what: string, check: () => Promise<void>): Promise<void> => {
    const key = [vendor, architecture, device, description, what].join('/');
    const proof = shown.get(key) ?? check();
    shown.set(key, proof);
    return proof;
  };
  const subgroup = Math.max(...kernels.map((k) => k.subgroup));
  const half = features.includes('shader-f16');
  const usable = units.filter((u) => u.type === 'f32' || half);
  await Promise.all([
    subgroup > 1 && once(`subgroups of ${subgroup}`, () => checkSubgroups(gpu, subgroup)),
    kernels.some((k) => k.collectives) && once('collectives', () => checkCollectives(gpu)),
    half && once('halves', () => checkHalves(gpu)),
    features.includes(MATRIX_FEATURE) && once(`matrices ${usable.length}`, () => checkMatrices(gpu, usable)),
  ]);
}
