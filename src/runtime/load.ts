/// <reference types="@webgpu/types" />
import { PLAN_VERSION, type Plan } from '../plan.ts';
import type { Examples, LoadOptions, Named, Signal } from './api.ts';
import { DeviceError } from './errors.ts';
import { sectionOf } from './gpu-programs.ts';
import { RunningModel } from './model.ts';
import type { OpenCpu } from './open-cpu.ts';
import type { Sleep, Session } from './session.ts';
import { BUDGET_MS, createGpuSession, shareGpuDevice } from './webgpu.ts';

declare const WorkerGlobalScope: unknown;

/** What the place that it runs in has besides WebGPU. */
export interface Host {
  /** Runs plans on the processor; left out where a page is for GPUs alone, and then not bundled either. */
  readonly cpu?: OpenCpu | undefined;
  readonly sleep?: Sleep | undefined;
}

/** Puts a model on a device: see {@link LoadOptions}. */
export async function load(json: unknown, options: LoadOptions = {}, host: Host = {}): Promise<RunningModel> {
  const plan = planOf(json);
  const { signal, weights, seed, onDevice } = options;
  heed(signal);
  const session = await openSession(plan, options, host);
  try {
    heed(signal);
  } catch (e) {
    session.destroy();
    throw e;
  }
  // Whoever asked for a GPU by name gets one or an error; a device of the caller's own cannot be had twice.
  const again = { ...options, device: typeof options.device === 'object' ? 'cpu' : options.device };
  const reopen = (): Promise<Session> => openSession(plan, again, host, 'the device before it was lost');
  const model = await RunningModel.open(session, { seed, weights, reopen, onDevice });
  if (options.data) {
    const { train, holdout } = parts(options.data);
    model.setData(train);
    if (holdout) model.setHoldout(holdout);
  }
  return model;
}

/** What to train on, and what is held out. */
function parts(data: NonNullable<LoadOptions['data']>): { readonly train: Named; readonly holdout: Named | undefined } {
  const { train, holdout } = data as Examples;
  return typeof train === 'object' && !('length' in train)
    ? { train, holdout: holdout?.arrays }
    : { train: data as Named, holdout: undefined };
}

function planOf(json: unknown): Plan {
  const plan = json as Partial<Plan> | null | undefined;
  if (plan?.format !== 'nnc-plan' || plan.version !== PLAN_VERSION)
    throw new Error('this is not a plan that this runner understands: build the folder again');
  return plan as Plan;
}

function heed(signal: Signal | undefined): void {
  if (signal?.aborted) throw new DOMException('loading was aborted', 'AbortError');
}

/** Opens what was asked for; `why` goes before the usual reason. */
async function openSession(plan: Plan, options: LoadOptions, { cpu, sleep }: Host, why?: string): Promise<Session> {
  const { device = 'auto' } = options;
  const inPage = typeof document !== 'undefined' || typeof WorkerGlobalScope !== 'undefined';
  const budget = inPage ? BUDGET_MS.browser : BUDGET_MS.native;
  const because = (reason: string): string => [why, reason].filter((t) => t !== undefined).join('; ');
  if (typeof device === 'object')
    return shareGpuDevice(plan, device as GPUDevice, { via: 'given', reason: because('given'), budget, sleep });
  const onCpu = (reason: string): Session => {
    if (!cpu) throw new DeviceError(`${reason}, and this runtime is for GPUs alone`, 'NN601', 'use a browser with WebGPU');
    return cpu(plan, options, because(reason));
  };
  if (device === 'cpu') return onCpu(why === undefined ? 'asked for' : 'the CPU cannot be lost');
  const gpu = (options.gpu ?? globalThis.navigator?.gpu) as GPU | undefined;
  const adapter = await gpu?.requestAdapter({ powerPreference: 'high-performance' });
  const { webgpu, wasm } = plan.backends;
  // A software adapter shares the processor with what WebAssembly does in a fraction of the time.
  const slow = adapter && device === 'auto' && isSoftware(adapter) && wasm !== undefined && cpu !== undefined;
  if (adapter && webgpu && !slow) {
    const via = options.gpu ? 'WebGPU' : 'browser';
    return createGpuSession(plan, adapter, { via, reason: because('WebGPU is there'), budget, sleep });
  }
  if (device === 'gpu') {
    sectionOf(plan);
    throw new DeviceError('WebGPU is not there', 'NN601', 'use a browser with WebGPU, or device: "cpu"');
  }
  return onCpu(slow ? 'the only WebGPU adapter is a software one' : 'WebGPU is not there');
}

/** Whether an adapter runs on the processor. */
function isSoftware({ info }: GPUAdapter): boolean {
  return (
    (info.isFallbackAdapter ?? false) ||
    /llvmpipe|lavapipe|swiftshader|basic render/i.test(`${info.description} ${info.device} ${info.architecture}`)
  );
}
