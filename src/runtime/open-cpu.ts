import type { Plan } from '../plan.ts';
import type { LoadOptions } from './api.ts';
import { createCpuSession, type JsKernel } from './cpu.ts';
import { DeviceError } from './errors.ts';
import type { Session } from './session.ts';
import { createWasmSession, hasWasm, type Helpers } from './wasm.ts';

/** Loads a plan on the processor. */
export type OpenCpu = (plan: Plan, options: Pick<LoadOptions, 'kernels'>, reason: string) => Session;

/** WebAssembly with the caller's threads; JavaScript where a page does not allow that. */
export const openCpu =
  (helpers?: Helpers): OpenCpu =>
  (plan, { kernels }, reason) => {
    const { wasm, js } = plan.backends;
    if (wasm && hasWasm()) return createWasmSession(plan, wasm, { reason, helpers });
    if (!js) throw new DeviceError('this plan was made for GPUs, and there is none', 'NN601', 'make it with devices: "cpu" or "all"');
    if (!kernels)
      throw new DeviceError(
        'WebAssembly is not there, and a plan is data: its kernels in plain JavaScript are a file of their own',
        'NN601',
        'give those of kernels.js, which nnc build writes: load(plan, { kernels })',
      );
    return createCpuSession(plan, js, { kernels: kernels as JsKernel[], reason });
  };
