import type { Plan } from '../plan.ts';
import type { LoadOptions } from './api.ts';
import { compileKernels, createCpuSession, type JsKernel } from './cpu.ts';
import { DeviceError } from './errors.ts';
import type { Session } from './session.ts';
import { createWasmSession, hasWasm, type Helpers } from './wasm.ts';

/** Loads a plan on the processor. */
export type OpenCpu = (plan: Plan, options: Pick<LoadOptions, 'kernels'>, reason: string) => Session;

/** WebAssembly on as many threads as the caller brings; JavaScript where a page forbids that. */
export const openCpu =
  (helpers?: Helpers): OpenCpu =>
  (plan, { kernels }, reason) => {
    if (plan.wasm && hasWasm()) return createWasmSession(plan, plan.wasm, { reason, helpers });
    if (plan.cpu.length === 0)
      throw new DeviceError('this plan was made for GPUs, and there is none', 'NN601', 'make it with devices: "cpu" or "all"');
    return createCpuSession(plan, (kernels as JsKernel[] | undefined) ?? compileKernels(plan), reason);
  };
