import { installWebGpu } from '../../lib/dawn.mjs';
import { versionOf } from '../../lib/versions.mjs';
import { WORKLOADS } from '../../lib/workloads.mjs';
import { elementwise } from './elementwise.mjs';
import { house } from './house.mjs';
import { matmul } from './matmul.mjs';

/** Not a peer: what an adapter gives when WGSL is written for it by hand, as a bound to measure everyone by. */
export async function start() {
  return {
    version: `hand-written WGSL (Dawn of webgpu ${versionOf('webgpu')})`,
    counters: installWebGpu(),
    train: house,
    kernel: (name, inputs) => (WORKLOADS[name].matrix ? matmul(WORKLOADS[name].matrix, inputs) : elementwise(inputs)),
  };
}
