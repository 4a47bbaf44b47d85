/** `import ... from 'nnc/runtime/webgpu'`: like `nnc/runtime`, but only for GPUs, and smaller. */
import type { Load, LoadOptions } from '../runtime/api.ts';
import { load as loadModel } from '../runtime/load.ts';

export { UserError } from '../base/errors.ts';
export type * from '../runtime/api.ts';
export { DeviceError, DeviceLost } from '../runtime/errors.ts';

/** Loads a plan on a GPU. Throws a `DeviceError` if there is none. */
export const load = ((plan: unknown, options?: LoadOptions) => loadModel(plan, options)) as Load;
