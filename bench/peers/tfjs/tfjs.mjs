import { dirname, sep } from 'node:path';
import { installWebGpu } from '../../lib/dawn.mjs';
import { versionOf } from '../../lib/versions.mjs';

/** TensorFlow.js on WebGPU or WebAssembly. */
export async function start(device) {
  const counters = installWebGpu();
  const { tf, requireLibrary } = await import('./library.mjs');
  const backend = `@tensorflow/tfjs-backend-${device}`;
  const loaded = requireLibrary(backend);
  if (device === 'wasm') loaded.setWasmPaths(dirname(requireLibrary.resolve(backend)) + sep);
  if (!(await tf.setBackend(device))) throw new Error(`the backend ${device} does not start`);
  await tf.ready();
  const { MODELS } = await import('./models.mjs');
  const { kernel } = await import('./kernels.mjs');
  return {
    version: `TensorFlow.js ${versionOf('@tensorflow/tfjs')} (${device})`,
    counters: device === 'webgpu' ? counters : undefined,
    train: (name) => MODELS[name](),
    kernel,
  };
}
