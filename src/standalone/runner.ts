/// <reference types="@webgpu/types" />
import { readSafetensors, writeSafetensors } from '../data/safetensors.ts';
import type { Plan } from '../plan.ts';
import { compileKernels, createCpuSession, type JsKernel } from '../runtime/cpu.ts';
import { DeviceError } from '../runtime/errors.ts';
import { RunningModel } from '../runtime/model.ts';
import { createWasmSession, hasWasm } from '../runtime/wasm.ts';
import { BUDGET_MS, createGpuSession } from '../runtime/webgpu.ts';
import type { LoadOptions, Runner } from '../runtime/api.ts';

/** The runtime as one module without dependencies: what a built folder carries. */
export const load: Runner['load'] = async (json: unknown, options: LoadOptions = {}) => {
  const plan = json as Plan;
  if (plan?.format !== 'nnc-plan' || plan.version !== 5)
    throw new Error('this is not a plan that this runner understands: build the folder again');
  const inPage = typeof document !== 'undefined' || typeof WorkerGlobalScope !== 'undefined';
  const gpu = (options.gpu ?? globalThis.navigator?.gpu) as GPU | undefined;
  const adapter = options.device === 'cpu' ? null : await gpu?.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter) {
    const session = await createGpuSession(plan, adapter, {
      via: options.gpu ? 'WebGPU' : 'browser',
      reason: 'WebGPU is there',
      budget: inPage ? BUDGET_MS.browser : BUDGET_MS.native,
    });
    return new RunningModel(session);
  }
  if (options.device === 'gpu') throw new DeviceError('WebGPU is not there', 'NN601', 'use a browser with WebGPU, or device: "cpu"');
  const reason = options.device === 'cpu' ? 'asked for' : 'WebGPU is not there';
  if (plan.wasm && hasWasm()) return new RunningModel(createWasmSession(plan, plan.wasm, { reason }));
  return new RunningModel(createCpuSession(plan, (options.kernels as JsKernel[] | undefined) ?? compileKernels(plan), reason));
};

declare const WorkerGlobalScope: unknown;

export const readTensors: Runner['readTensors'] = (bytes) => Object.fromEntries(readSafetensors(bytes, 'the file'));
export const writeTensors: Runner['writeTensors'] = (tensors) => writeSafetensors(tensors);
