import type { Adapter } from '../codegen/backend.ts';
import type { FoundAdapter } from './gpu.ts';

/** What kernels should be made for on an adapter. */
export function profileOf({ adapter, software }: FoundAdapter): Adapter {
  const { subgroupMinSize = 1, subgroupMaxSize = 1 } = adapter.info;
  return {
    software,
    bindings: Math.min(MOST_BINDINGS, adapter.limits.maxStorageBuffersPerShaderStage),
    collectives: adapter.features.has('subgroups'),
    half: adapter.features.has('shader-f16'),
    // Of drivers on processors it is known how threads are numbered within subgroups.
    subgroup: software && adapter.features.has('subgroups') && subgroupMinSize === subgroupMaxSize ? subgroupMinSize : 1,
  };
}

/** More would not make fewer dispatches. */
const MOST_BINDINGS = 16;
