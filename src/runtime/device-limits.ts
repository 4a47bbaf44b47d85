/// <reference types="@webgpu/types" />
import { messageOf } from '../base/errors.ts';
import { BYTES, smaller, type Plan } from '../plan.ts';
import { DeviceError } from './errors.ts';
import { sectionOf } from './gpu-programs.ts';
import { hasParts } from './session.ts';

/** The number of storage buffers that a kernel may use on every device. */
const STORAGE_BUFFERS = 8;

/** The number of copies of an arena with several nets: one for each, except for data. */
export function copiesOf(plan: Plan, arena: string, nets: number): number {
  return hasParts(plan, arena) ? nets : 1;
}

/** The batch that should fit a share of the memory, since nearly all that lies beside the state grows with it. */
const fitting = ({ train }: Plan, share: number): number => Math.floor((train?.batch ?? 0) * share);

/** The dispatch that first uses the largest part of what is computed within a step, for messages. */
function largestIn(plan: Plan, arena: string): string {
  if (!arena.endsWith('work')) return '';
  const all = Object.values(sectionOf(plan).programs).flat();
  const sizes = all.map((d) => Math.max(0, ...d.ranges.map((r) => (r.arena === arena ? r.words : 0))));
  const [about] = all[sizes.indexOf(Math.max(...sizes))]?.about ?? [];
  return about === undefined ? '' : `; the largest part of it is used by the dispatch that stores ${about}`;
}

/** The non-default limits that a plan needs; throws if the device or adapter has less. */
export function limitsFor(plan: Plan, limits: GPUSupportedLimits, nets: number): Record<string, number> {
  const sizes = plan.arenas.map(({ name, words }) => ({ name, words: words * copiesOf(plan, name, nets) }));
  const largest = sizes.reduce((best, a) => (a.words > best.words ? a : best), { name: '', words: 0 });
  const bytes = largest.words * BYTES;
  const required: Record<string, number> = {};
  for (const limit of ['maxStorageBufferBindingSize', 'maxBufferSize'] as const) {
    const standard = limit === 'maxBufferSize' ? 268_435_456 : 134_217_728;
    if (bytes > limits[limit]) {
      throw new DeviceError(
        `the arena '${largest.name}' needs ${bytes} bytes, and ${limit} of this device is ${limits[limit]}${largestIn(plan, largest.name)}`,
        'NN603',
        smaller(largest.name, fitting(plan, limits[limit] / bytes)),
      );
    }
    if (bytes > standard) required[limit] = bytes;
  }
  const bindings = Math.max(...sectionOf(plan).kernels.map((k) => k.bindings.length));
  if (bindings > STORAGE_BUFFERS) required['maxStorageBuffersPerShaderStage'] = bindings;
  return required;
}

/** Requests only the limits that the plan needs, since default limits work everywhere. */
export async function requestDevice(plan: Plan, adapter: GPUAdapter, nets: number): Promise<GPUDevice> {
  const requiredLimits = limitsFor(plan, adapter.limits, nets);
  try {
    // Timestamps are for profiling.
    const timestamps = adapter.features.has('timestamp-query') ? ['timestamp-query'] : [];
    const requiredFeatures = [...sectionOf(plan).features, ...timestamps] as GPUFeatureName[];
    return await adapter.requestDevice({ label: `nnc ${plan.name}`, requiredLimits, requiredFeatures });
  } catch (e) {
    throw new DeviceError(`the adapter gives no device: ${messageOf(e)}`);
  }
}
