import type { Plan } from '../plan.ts';
import { compileKernels, createCpuSession } from '../runtime/cpu.ts';
import type { Session } from '../runtime/session.ts';
import { createWasmSession, hasWasm } from '../runtime/wasm.ts';
import { nodeHelpers } from './helpers.ts';

/** Loads a plan on the processor: as WebAssembly on all of its cores, or as plain JavaScript. */
export function openCpuSession(plan: Plan, reason: string): Session {
  if (plan.wasm && hasWasm()) return createWasmSession(plan, plan.wasm, { reason, helpers: nodeHelpers() });
  return createCpuSession(plan, compileKernels(plan), reason);
}
