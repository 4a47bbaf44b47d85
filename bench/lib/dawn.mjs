import { create, globals } from 'webgpu';
import { countWebGpu } from './webgpu-counters.mjs';

/** Makes Node look like a browser with WebGPU, as the peers expect it, and counts their calls. */
export function installWebGpu() {
  Object.assign(globalThis, globals);
  const gpu = create([]);
  const navigator = { gpu, userAgent: 'node', platform: 'linux', language: 'en', hardwareConcurrency: 2 };
  Object.defineProperty(globalThis, 'navigator', { configurable: true, writable: true, value: navigator });
  return countWebGpu(globals);
}
