/** `import ... from 'nnc/node'`: like `nnc/runtime`, with all CPU cores, and a GPU if the package `webgpu` is installed. */
import { mustBeOptions } from '../base/calls.ts';
import type { PlanOptions } from '../library/program.ts';
import type { Load, LoadOptions, Model } from '../runtime/api.ts';
import { load as loadModel, type Host } from '../runtime/load.ts';
import { openCpu } from '../runtime/open-cpu.ts';
import { nodeHelpers } from '../node/helpers.ts';
import { findAdapter, releaseGpu } from '../node/gpu.ts';
import { profileOf } from '../node/profile.ts';
import { unitsOf } from '../verify/matrices.ts';
import { prove } from '../verify/prove.ts';
import { sleep } from '../node/sleep.ts';

/** The properties of a GPU that kernels are made for. */
export type Adapter = NonNullable<PlanOptions['adapter']>;

/** Loads a plan on a device. Uses a GPU if the package `webgpu` is installed; a software driver only if you ask for `gpu`. */
export const load = loadHere as Load;

async function loadHere(plan: unknown, options: LoadOptions = {}): Promise<Model> {
  mustBeOptions('load', options);
  const asks = options.gpu === undefined && (options.device ?? 'auto') !== 'cpu' && typeof options.device !== 'object';
  const gpu = asks
    ? { requestAdapter: async () => (await findAdapter({ swiftshader: options.device === 'gpu' })).found?.adapter ?? null }
    : options.gpu;
  return loadModel(plan, { ...options, gpu }, { cpu: openCpu(nodeHelpers()), sleep, prove: proveAll });
}

/**
 * What kernels are made for on the GPU that `load` takes with `device: 'gpu'`, as the option `adapter` of `program.plan`; undefined if there is
 * none. A software driver needs it: kernels for any GPU are many times slower there.
 */
export async function adapterHere(): Promise<Adapter | undefined> {
  const { found } = await findAdapter();
  return found && profileOf(found);
}

/** With the matrix units that the device says it has. */
const proveAll: Host['prove'] = (gpu, section) => prove(gpu, section, unitsOf({ features: gpu.features, info: gpu.adapterInfo }));

/** Releases the GPU so that the process can end. Call it after all models are destroyed. */
export const release: () => void = releaseGpu;
