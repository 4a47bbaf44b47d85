/// <reference types="@webgpu/types" />
import { mustBe, mustBeOptions } from '../base/calls.ts';
import { fail } from '../base/errors.ts';
import { checkWhole } from '../base/whole.ts';
import { PLAN_VERSION, type Plan } from '../plan.ts';
import type { BackendName } from '../sections.ts';
import type { Examples, LoadOptions, Named, Signal } from './api.ts';
import { DeviceError } from './errors.ts';
import { sectionOf } from './gpu-programs.ts';
import { RunningModel } from './model.ts';
import type { OpenCpu } from './open-cpu.ts';
import type { Sleep, Session } from './session.ts';
import { isSoftware } from './software.ts';
import { hasWasm } from './wasm.ts';
import { BUDGET_MS, createGpuSession, shareGpuDevice, type GpuOptions } from './webgpu.ts';

const DEVICES = ['auto', 'gpu', 'cpu'];

declare const WorkerGlobalScope: unknown;

/** What the environment offers besides WebGPU. */
export interface Host {
  /** Runs plans on the processor. GPU-only builds leave it out, so that it is not bundled. */
  readonly cpu?: OpenCpu | undefined;
  readonly sleep?: Sleep | undefined;
  /** Checks that a GPU does what a plan that was made for it relies on. Pages leave it out: plans for any GPU rely on nothing. */
  readonly prove?: GpuOptions['prove'];
}

/** Loads a model on a device: see {@link LoadOptions}. */
export async function load(json: unknown, options: LoadOptions = {}, host: Host = {}): Promise<RunningModel> {
  const plan = planOf(json);
  mustBeOptions('load', options);
  const { signal, weights, seed, onDevice, device = 'auto' } = options;
  if (typeof device !== 'object' && !DEVICES.includes(device))
    fail('NN501', `'device' is ${DEVICES.join(', ')} or a GPUDevice, and not ${device}`);
  checkWhole({ seed: 0 }, { seed });
  heed(signal);
  const session = await openSession(plan, options, host);
  try {
    heed(signal);
  } catch (e) {
    session.destroy();
    throw e;
  }
  // If a GPU was requested, a lost one is replaced by a GPU or not at all; a lost device of the caller's own is replaced by the CPU.
  const again = { ...options, device: typeof options.device === 'object' ? 'cpu' : options.device };
  const reopen = (): Promise<Session> => openSession(plan, again, host, 'the device before it was lost');
  const model = await RunningModel.open(session, { seed, weights, reopen, onDevice });
  try {
    if (options.data) {
      const { train, holdout } = parts(options.data);
      model.setData(train);
      if (holdout) model.setHoldout(holdout);
    }
    return model;
  } catch (e) {
    model.destroy();
    throw e;
  }
}

/** The training examples and the holdout. */
function parts(data: NonNullable<LoadOptions['data']>): { readonly train: Named; readonly holdout: Named | undefined } {
  const { train, holdout } = data as Examples;
  return typeof train === 'object' && !('length' in train)
    ? { train, holdout: holdout?.arrays }
    : { train: data as Named, holdout: undefined };
}

function planOf(json: unknown): Plan {
  const plan = json as Partial<Plan> | null | undefined;
  if (plan?.format !== 'nnc-plan' || plan.version !== PLAN_VERSION)
    fail('NN501', 'this is not a plan that this runner understands', { help: 'make it with program.plan, or build the folder again' });
  return plan as Plan;
}

function heed(signal: Signal | undefined): void {
  if (signal?.aborted) throw signal.reason ?? new DOMException('loading was aborted', 'AbortError');
}

/** Opens the requested device; `why` goes before the usual reason. */
async function openSession(plan: Plan, options: LoadOptions, { cpu, sleep, prove }: Host, why?: string): Promise<Session> {
  const { device = 'auto' } = options;
  const inPage = typeof document !== 'undefined' || typeof WorkerGlobalScope !== 'undefined';
  const budget = inPage ? BUDGET_MS.browser : BUDGET_MS.native;
  const because = (reason: string): string => [why, reason].filter((t) => t !== undefined).join('; ');
  if (typeof device === 'object')
    return shareGpuDevice(await whole(plan, 'webgpu', options), device as GPUDevice, {
      via: 'given',
      reason: because('given'),
      budget,
      sleep,
      prove,
    });
  const onCpu = async (reason: string): Promise<Session> => {
    if (!cpu) throw new DeviceError(`${reason}, and this runtime is for GPUs alone`, 'NN601', 'use a browser with WebGPU');
    return cpu(await whole(plan, hasWasm() && has(plan, 'wasm') ? 'wasm' : 'js', options), options, because(reason));
  };
  if (device === 'cpu') return onCpu(why === undefined ? 'asked for' : 'the CPU cannot be lost');
  const gpu = (options.gpu ?? globalThis.navigator?.gpu) as GPU | undefined;
  mustBe(!gpu || typeof gpu.requestAdapter === 'function', "'gpu' is an implementation of WebGPU, such as navigator.gpu", gpu);
  const adapter = await gpu?.requestAdapter({ powerPreference: 'high-performance' });
  const slow = adapter && device === 'auto' && isSoftware(adapter) && has(plan, 'wasm') && cpu !== undefined;
  if (adapter && has(plan, 'webgpu') && !slow) {
    const via = options.gpu ? 'WebGPU' : 'browser';
    return createGpuSession(await whole(plan, 'webgpu', options), adapter, {
      via,
      reason: because('WebGPU is there'),
      budget,
      sleep,
      prove,
    });
  }
  if (device === 'gpu') {
    if (!has(plan, 'webgpu')) sectionOf(plan);
    throw new DeviceError('WebGPU is not there', 'NN601', 'use a browser with WebGPU, or device: "cpu"');
  }
  return onCpu(slow ? 'the only WebGPU adapter is a software one' : 'WebGPU is not there');
}

const has = ({ backends, elsewhere }: Plan, name: BackendName): boolean =>
  backends[name] !== undefined || elsewhere?.includes(name) === true;

/** The plan with the section of a backend, which is brought if it is elsewhere. */
async function whole(plan: Plan, name: BackendName, { sections }: LoadOptions): Promise<Plan> {
  if (plan.backends[name] || !plan.elsewhere?.includes(name)) return plan;
  const section = typeof sections === 'function' ? await sections(name) : await fetched(sections?.[name], name);
  return { ...plan, backends: { ...plan.backends, [name]: section } };
}

async function fetched(address: string | undefined, name: string): Promise<unknown> {
  if (address === undefined)
    throw new DeviceError(`the plan leaves out its code for ${name}`, 'NN601', 'say in sections where it is, or use open of runner.js');
  const response = await fetch(address);
  if (!response.ok) throw new DeviceError(`${address} cannot be fetched: ${response.status}`, 'NN601', 'build the folder again');
  return response.json();
}
