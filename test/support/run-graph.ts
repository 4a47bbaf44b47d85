import { nap, profileOf, prove } from '../../src/cli/device.ts';
import { findAdapter } from '../../src/cli/gpu.ts';
import { nodeHelpers } from '../../src/cli/helpers.ts';
import { planGraph, runGraph as run, type GraphInputs, type GraphResult } from '../../src/cli/run-graph.ts';
import type { Graph } from '../../src/ir/graph/types.ts';
import type { Adapter } from '../../src/lower.ts';
import type { Level } from '../../src/passes/schedule/types.ts';
import type { Plan } from '../../src/plan.ts';
import { compileKernels, createCpuSession } from '../../src/runtime/cpu.ts';
import type { Session } from '../../src/runtime/session.ts';
import { createWasmSession } from '../../src/runtime/wasm.ts';
import { BUDGET_MS, createGpuSession } from '../../src/runtime/webgpu.ts';

/** `cpu` is WebAssembly, `js` what stands in for it. */
export type DeviceKind = 'gpu' | 'cpu' | 'js';

/** A session on the wanted device; a GPU must be there, never silently none. */
export async function openSession(plan: Plan, kind: DeviceKind, threads = 1): Promise<Session> {
  if (kind === 'cpu') {
    if (!plan.wasm) throw new Error('the plan has no WebAssembly');
    return createWasmSession(plan, plan.wasm, { reason: 'test', helpers: nodeHelpers(threads) });
  }
  if (kind === 'js') return createCpuSession(plan, compileKernels(plan), 'test');
  const { found, attempts } = await findAdapter();
  if (!found) throw new Error(`no adapter: ${JSON.stringify(attempts)}`);
  return createGpuSession(plan, found.adapter, { via: 'Dawn', reason: 'test', budget: BUDGET_MS.native, nap, prove });
}

/** What kernels are made for on the GPU at hand: as it is, or as on GPUs that are none of software. */
export async function adapterAtHand(software: boolean, bindings = 8): Promise<Adapter> {
  const { found } = await findAdapter();
  if (!found) throw new Error('no adapter');
  return software ? { ...profileOf(found), software, bindings } : { software, bindings, subgroup: 1, half: false };
}

/** Runs a graph once on a device of its own. */
export async function runGraph(graph: Graph, level: Level, kind: DeviceKind, given: GraphInputs): Promise<GraphResult> {
  const planned = planGraph(graph, level);
  const session = await openSession(planned.plan, kind);
  try {
    return await run(planned, session, given);
  } finally {
    session.destroy();
  }
}
