import type { Adapter } from '../codegen/backend.ts';
import type { FoundAdapter } from './gpu.ts';

/** The adapter's properties that kernels are generated for. */
export function profileOf({ adapter, software }: FoundAdapter): Adapter {
  const { subgroupMinSize = 1, subgroupMaxSize = 1 } = adapter.info;
  return {
    software,
    bindings: Math.min(MOST_BINDINGS, adapter.limits.maxStorageBuffersPerShaderStage),
    collectives: adapter.features.has('subgroups'),
    half: adapter.features.has('shader-f16'),
    // Only for CPU drivers it is known how threads are numbered within subgroups.
    subgroup: software && adapter.features.has('subgroups') && subgroupMinSize === subgroupMaxSize ? subgroupMinSize : 1,
  };
}

/** More bindings would not reduce the number of dispatches. */
const MOST_BINDINGS = 16;
