/** `import ... from 'nnc/node'`: as `nnc/runtime`, with all cores of the processor, and a GPU where the package `webgpu` is installed. */
import type { Load, LoadOptions, Model } from '../runtime/api.ts';
import { load as loadModel } from '../runtime/load.ts';
import { openCpu } from '../runtime/open-cpu.ts';
import { nodeHelpers } from '../node/helpers.ts';
import { findAdapter, releaseGpu } from '../node/gpu.ts';
import { sleep } from '../node/sleep.ts';

/** Puts a plan on a device. The package `webgpu` is asked for a GPU if it is installed; a software driver is taken for `gpu` alone. */
export const load = loadHere as Load;

async function loadHere(plan: unknown, options: LoadOptions = {}): Promise<Model> {
  const asks = options.gpu === undefined && (options.device ?? 'auto') !== 'cpu' && typeof options.device !== 'object';
  const gpu = asks
    ? { requestAdapter: async () => (await findAdapter({ swiftshader: options.device === 'gpu' })).found?.adapter ?? null }
    : options.gpu;
  return loadModel(plan, { ...options, gpu }, { cpu: openCpu(nodeHelpers()), sleep });
}

/** Lets go of the GPU, so that the process can end. Call it when all models are destroyed. */
export const release = releaseGpu;
