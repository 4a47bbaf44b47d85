/** `import ... from 'nnc/runtime'`: loads a plan on a device. No dependencies, no Node. */
import type { Load, LoadOptions } from '../runtime/api.ts';
import { load as loadModel } from '../runtime/load.ts';
import { openCpu } from '../runtime/open-cpu.ts';

export { UserError } from '../base/errors.ts';
export type * from '../runtime/api.ts';
export { DeviceError, DeviceLost } from '../runtime/errors.ts';
export { generate, type Generated, type GenerateOptions } from '../runtime/generate.ts';
export { trainJudged, type Evaluation, type JudgedOptions, type JudgedResult } from '../runtime/judged.ts';
export { probabilities } from '../runtime/probabilities.ts';

/** Loads a plan on a device: a GPU if there is one, else the CPU. Throws a `DeviceError` if the device refuses. */
export const load = ((plan: unknown, options?: LoadOptions) => loadModel(plan, options, { cpu: openCpu() })) as Load;
