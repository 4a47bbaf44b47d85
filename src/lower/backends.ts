import type { Precision } from '../base/types.ts';
import type { Adapter, Backend } from '../codegen/backend.ts';
import { JS } from '../codegen-js/backend.ts';
import { WASM } from '../codegen-wasm/backend.ts';
import { WEBGPU } from '../codegen-wgsl/backend.ts';

/** All backends. Memory is assigned by the kernels of the first one that a plan is for. */
const BACKENDS: readonly Backend[] = [WEBGPU, JS, WASM];

/** The devices a plan is for; no code is generated for others. */
export type Devices = 'all' | 'gpu' | 'cpu';

export const backendsFor = (devices: Devices): readonly Backend[] =>
  BACKENDS.filter(({ device }) => devices === 'all' || device === devices);

/**
 * The devices for a program's plans. Storing f16 needs a plan for the GPU alone; a software GPU is hardly the faster device, so its plans
 * keep the processor.
 */
export function devicesFor(
  { precision }: { readonly precision: Precision },
  { adapter, devices }: { readonly adapter: Adapter; readonly devices: Devices },
): Devices {
  return precision === 'f16' && adapter.half && !adapter.software && devices === 'all' ? 'gpu' : devices;
}
