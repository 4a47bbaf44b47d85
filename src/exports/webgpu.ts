/** `import ... from 'nnc/runtime/webgpu'`: as `nnc/runtime`, for GPUs alone, and smaller for that. */
import type { Load, LoadOptions } from '../runtime/api.ts';
import { load as loadModel } from '../runtime/load.ts';

export { UserError } from '../base/errors.ts';
export type * from '../runtime/api.ts';
export { DeviceError, DeviceLost } from '../runtime/errors.ts';

/** Puts a plan on a GPU. Throws a `DeviceError` where there is none. */
export const load = ((plan: unknown, options?: LoadOptions) => loadModel(plan, options)) as Load;
