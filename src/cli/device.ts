import type { Plan } from '../plan.ts';
import { compileKernels, createCpuSession } from '../runtime/cpu.ts';
import { DeviceError } from '../runtime/errors.ts';
import type { Session } from '../runtime/session.ts';
import { createWasmSession, hasWasm } from '../runtime/wasm.ts';
import { BUDGET_MS, createGpuSession } from '../runtime/webgpu.ts';
import { findAdapter, releaseGpu } from './gpu.ts';
import { nodeHelpers } from './helpers.ts';

export type DeviceChoice = 'auto' | 'gpu' | 'cpu';

const asleep = new Int32Array(new SharedArrayBuffer(4));

/** Blocks this thread, and so Dawn's polling, which would take a core of its own. */
export function sleep(ms: number): void {
  Atomics.wait(asleep, 0, 0, ms);
}

/** Loads a plan on the processor: as WebAssembly on all of its cores, or as plain JavaScript. */
export function openCpuSession(plan: Plan, reason: string): Session {
  if (plan.wasm && hasWasm()) return createWasmSession(plan, plan.wasm, { reason, helpers: nodeHelpers() });
  return createCpuSession(plan, compileKernels(plan), reason);
}

/**
 * Loads a plan where it can run: a GPU; else the software Vulkan driver that npm brings; else the processor. The session
 * says which and why.
 */
export async function openSession(plan: Plan, choice: DeviceChoice): Promise<Session> {
  if (choice === 'cpu') return openCpuSession(plan, 'asked for with --device cpu');
  const { found, attempts } = await findAdapter();
  if (found) return createGpuSession(plan, found.adapter, { via: found.via, reason: found.reason, budget: BUDGET_MS.native, sleep });
  const tried = attempts.map((a) => `${a.what}: ${a.outcome}`).join('; ');
  if (choice === 'gpu')
    throw new DeviceError(`no WebGPU adapter was found (${tried})`, 'NN601', 'run nnc doctor to see what is missing, or use --device cpu');
  return openCpuSession(plan, `no WebGPU adapter was found (${tried})`);
}

export { releaseGpu };
