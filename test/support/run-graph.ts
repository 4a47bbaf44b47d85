import { expect } from 'vitest';
import { sleep } from '../../src/node/sleep.ts';
import { profileOf } from '../../src/node/profile.ts';
import { prove } from '../../src/verify/prove.ts';
import { proveKernels } from '../../src/verify/prove-kernels.ts';
import { findAdapter } from '../../src/node/gpu.ts';
import { nodeHelpers } from '../../src/node/helpers.ts';
import { planGraph, runGraph as run, type GraphInputs, type GraphResult } from '../../src/verify/run-graph.ts';
import type { Graph } from '../../src/ir/graph/types.ts';
import type { Adapter } from '../../src/codegen/backend.ts';
import type { Level } from '../../src/passes/schedule/types.ts';
import type { Plan } from '../../src/plan.ts';
import { createCpuSession, type JsKernel } from '../../src/runtime/cpu.ts';
import type { Session } from '../../src/runtime/session.ts';
import { createWasmSession } from '../../src/runtime/wasm.ts';
import { BUDGET_MS, createGpuSession } from '../../src/runtime/webgpu.ts';
import { wasmOf, webgpuOf } from './sections.ts';
import type { WebGpuSection } from '../../src/sections.ts';

/** `cpu` is WebAssembly, `js` what stands in for it. */
export type DeviceKind = 'gpu' | 'cpu' | 'js';

/** A session on the wanted device; a GPU must be there, never silently none. */
export async function openSession(plan: Plan, kind: DeviceKind, threads = 1): Promise<Session> {
  if (kind === 'cpu') {
    return createWasmSession(plan, wasmOf(plan), { reason: 'test', helpers: nodeHelpers(threads) });
  }
  if (kind === 'js') {
    const section = plan.backends.js ?? { kernels: [], programs: {} };
    const kernels = section.kernels.map((k) => new Function('b', 'uniforms', 'lib', `'use strict';\n${k.js}`) as JsKernel);
    return createCpuSession(plan, section, { reason: 'test', kernels });
  }
  const { found, attempts } = await findAdapter();
  if (!found) throw new Error(`no adapter: ${JSON.stringify(attempts)}`);
  return createGpuSession(plan, found.adapter, { via: 'Dawn', reason: 'test', budget: BUDGET_MS.native, sleep, prove });
}

/** What kernels are made for on the GPU at hand: as it is, or as on GPUs that are none of software. */
export async function adapterAtHand(software: boolean, bindings = 8): Promise<Adapter> {
  const { found } = await findAdapter();
  if (!found) throw new Error('no adapter');
  return software ? { ...profileOf(found), software, bindings } : { ...profileOf(found), software, bindings, subgroup: 1, half: false };
}

/** The same, but with numbers of two bytes in memory, whether the GPU at hand has them or not: see {@link withoutHalves}. */
export async function adapterOfHalves(software: boolean, bindings = 8): Promise<Adapter> {
  return { ...(await adapterAtHand(software, bindings)), half: true };
}

/** A session for a plan with numbers of two bytes; where the GPU at hand has none, they have four. */
export async function openHalves(plan: Plan): Promise<Session> {
  const { found } = await findAdapter();
  return openSession(found?.adapter.features.has('shader-f16') ? plan : withoutHalves(plan), 'gpu');
}

/** The same kernels on the same places, with numbers of four bytes where there were two. */
function withoutHalves(plan: Plan): Plan {
  const wide = new Set(plan.arenas.filter((a) => a.dtype === 'f16').map((a) => a.name));
  const wgsl = (text: string): string =>
    text
      .replace('enable f16;\n', '')
      .replace(/\b(vec4h|f16)\(/g, 'quantizeToF16(')
      .replace(/\bf16\b/g, 'f32');
  const { features, kernels, loops, programs } = webgpuOf(plan);
  const webgpu: WebGpuSection = {
    features: features.filter((f) => f !== 'shader-f16'),
    kernels: kernels.map((k) => ({ ...k, wgsl: wgsl(k.wgsl) })),
    loops: Object.fromEntries(Object.entries(loops).map(([name, l]) => [name, { ...l, wgsl: wgsl(l.wgsl) }])),
    programs: Object.fromEntries(
      Object.entries(programs).map(([name, list]) => [
        name,
        list.map((d) => ({
          ...d,
          ranges: d.ranges.map((w) => (wide.has(w.arena) ? { ...w, start: 2 * w.start, words: 2 * w.words } : w)),
        })),
      ]),
    ),
  };
  return {
    ...plan,
    backends: { webgpu },
    arenas: plan.arenas.map((a) => (wide.has(a.name) ? { ...a, dtype: 'f32', words: 2 * a.words } : a)),
  };
}

let graphs = 0;

/** Runs a graph once on a device of its own. */
export async function runGraph(graph: Graph, level: Level, kind: DeviceKind, given: GraphInputs): Promise<GraphResult> {
  const planned = planGraph(graph, level, { devices: kind === 'gpu' ? 'gpu' : 'cpu' });
  // Every third graph is enough here: test/codegen/accesses.test.ts has whole programs, and every way to write kernels is proved too.
  if (graphs++ % 3 === 0) expect(proveKernels(planned.lowered, 1).problems).toEqual([]);
  const session = await openSession(planned.plan, kind);
  try {
    return await run(planned, session, given);
  } finally {
    session.destroy();
  }
}
