import type { Precision } from '../base/types.ts';
import type { Adapter, Backend } from '../codegen/backend.ts';
import { JS } from '../codegen-js/backend.ts';
import { WASM } from '../codegen-wasm/backend.ts';
import { WEBGPU } from '../codegen-wgsl/backend.ts';

/** Everything that kernels can be written for. Memory is assigned by the kernels of the first one that a plan is for. */
const BACKENDS: readonly Backend[] = [WEBGPU, JS, WASM];

/** Which devices a plan is for: nothing is written for the others. */
export type Devices = 'all' | 'gpu' | 'cpu';

export const backendsFor = (devices: Devices): readonly Backend[] =>
  BACKENDS.filter(({ device }) => devices === 'all' || device === devices);

/** Which devices the plans of a program are for: numbers of two bytes are for GPUs alone, and a software one is hardly the faster device. */
export function devicesFor(
  { precision }: { readonly precision: Precision },
  { adapter, devices }: { readonly adapter: Adapter; readonly devices: Devices },
): Devices {
  return precision === 'f16' && adapter.half && !adapter.software && devices === 'all' ? 'gpu' : devices;
}
