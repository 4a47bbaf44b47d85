import { installWebGpu } from '../../lib/dawn.mjs';
import { installIteratorHelpers } from '../../lib/iterator-helpers.mjs';
import { versionOf } from '../../lib/versions.mjs';

/** jax-js on WebGPU or WebAssembly. */
export async function start(device) {
  // It looks for WebGPU when it is loaded, whichever device is used.
  const counters = installWebGpu();
  installIteratorHelpers();
  const { defaultDevice, init } = await import('@jax-js/jax');
  await init(device);
  defaultDevice(device);
  const { MODELS } = await import('./models.mjs');
  const { kernel } = await import('./kernels.mjs');
  return {
    version: `jax-js ${versionOf('@jax-js/jax')} (${device})`,
    counters: device === 'webgpu' ? counters : undefined,
    train: (name) => MODELS[name](),
    kernel,
  };
}
