import { expect } from 'vitest';
import { proveKernels } from '../../src/verify/prove-kernels.ts';
import { planPrograms, runGraph, type GraphInputs, type GraphResult } from '../../src/verify/run-graph.ts';
import type { Graph } from '../../src/ir/graph/types.ts';
import { lowerProgram, type Lowered } from '../../src/lower/program.ts';
import type { Adapter } from '../../src/codegen/backend.ts';
import { WASM_TARGET } from '../../src/codegen-wasm/target.ts';
import { gpuTarget } from '../../src/codegen-wgsl/targets.ts';
import { ArenaBuilder } from '../../src/passes/memory/layout.ts';
import { optionsFor } from '../../src/passes/schedule/lower.ts';
import { adapterAtHand, openSession } from './run-graph.ts';

/** What one way to write the kernels of a graph gives. */
export interface Way {
  readonly name: string;
  readonly result: GraphResult;
}

/** The kinds of adapters that kernels can be made for, on the GPU at hand. */
async function profiles(): Promise<readonly (readonly [string, Adapter])[]> {
  const software = await adapterAtHand(true);
  return [
    ['software', software],
    ['software without subgroups', { ...software, subgroup: 1, collectives: false }],
    ['hardware', await adapterAtHand(false)],
  ];
}

/** Ways for each kind of adapter that a test tries: a few, others for each graph. `NNC_WAYS=1000` tries all that there are. */
const MOST = Number(process.env['NNC_WAYS'] ?? 1);

/**
 * Runs a graph as every choice of a tiling would have it: way n takes the n-th candidate of each kernel, so that all candidates of all
 * kernels are run. Each way is a program of one plan. Where only some are tried, `seed` says which.
 */
export async function everyWay(graph: Graph, given: GraphInputs, seed: number): Promise<Way[]> {
  const ways: Way[] = [];
  for (const device of ['gpu', 'cpu'] as const) {
    const arenas = new ArenaBuilder();
    const programs: Lowered[] = [];
    for (const [kind, adapter] of device === 'gpu' ? await profiles() : [['processor', await adapterAtHand(false)] as const]) {
      const lower = (name: string, tiling: number): Lowered =>
        lowerProgram(name, graph, arenas, { level: 1, trace: [], chunk: 1, adapter, devices: device, tiling });
      const target = device === 'gpu' ? gpuTarget(adapter) : WASM_TARGET;
      const { schedule } = lower(kind, 0);
      const all = Math.max(1, ...schedule.groups.map((g, i) => optionsFor(schedule, g, i, target).options.length));
      for (let n = 0; n < Math.min(MOST, all); n++) programs.push(lower(`${kind} ${(seed + n) % all}`, (seed + n) % all));
    }
    const plan = planPrograms(graph.name, 1, programs, arenas);
    const session = await openSession(plan, device);
    try {
      for (const lowered of programs) expect(proveKernels(lowered, 1).problems).toEqual([]);
      for (const lowered of programs) ways.push({ name: lowered.name, result: await runGraph({ plan, lowered }, session, given) });
    } finally {
      session.destroy();
    }
  }
  return ways;
}
