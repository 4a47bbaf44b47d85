import { lowerProgram, collectScalars, generate, planTensor, type Lowered } from '../../src/lower.ts';
import { count, fixedShape } from '../../src/base/types.ts';
import type { Graph } from '../../src/ir/graph/types.ts';
import { ArenaBuilder } from '../../src/passes/memory/layout.ts';
import type { Level } from '../../src/passes/schedule/types.ts';
import type { Plan, PlanTensor } from '../../src/plan.ts';
import { compileKernels, createCpuSession } from '../../src/runtime/cpu.ts';
import { makeTicks, type Session, type Words } from '../../src/runtime/session.ts';
import { BUDGET_MS, createGpuSession } from '../../src/runtime/webgpu.ts';
import { findAdapter } from '../../src/cli/gpu.ts';
import { dataTensor, stateTensor } from '../../src/passes/schedule/schedule.ts';

export type DeviceKind = 'gpu' | 'cpu';

/** A session on the wanted device; a GPU must be there, never silently none. */
export async function openSession(plan: Plan, kind: DeviceKind): Promise<Session> {
  if (kind === 'cpu') return createCpuSession(plan, compileKernels(plan), 'test');
  const { found, attempts } = await findAdapter();
  if (!found) throw new Error(`no adapter: ${JSON.stringify(attempts)}`);
  return createGpuSession(plan, found.adapter, { via: 'Dawn', reason: 'test', budget: BUDGET_MS.native });
}

export interface GraphPlan {
  readonly plan: Plan;
  readonly lowered: Lowered;
}

/** A plan with one program, `main`, for a bound graph. */
export function planGraph(graph: Graph, level: Level): GraphPlan {
  const arenas = new ArenaBuilder();
  const lowered = lowerProgram('main', graph, arenas, { level, trace: [], chunk: 1 });
  const scalars = collectScalars([lowered]);
  const { kernels, dispatches } = generate([lowered], arenas, scalars);
  const nothing: PlanTensor = { name: '', arena: '', offset: 0, shape: [], dtype: 'f32' };
  const plan: Plan = {
    format: 'nnc-plan',
    version: 1,
    name: graph.name,
    source: '',
    level,
    arenas: arenas.arenas(),
    kernels,
    programs: { main: { dispatches: dispatches[0] ?? [], trace: {}, flops: 0 } },
    scalars,
    params: [],
    slots: [],
    data: undefined,
    predict: { rows: 1, input: nothing, output: nothing },
    train: undefined,
    chunk: 1,
  };
  return { plan, lowered };
}

export interface GraphInputs {
  readonly inputs: ReadonlyMap<string, ArrayLike<number>>;
  readonly state: ReadonlyMap<string, ArrayLike<number>>;
  readonly step?: number;
  readonly seed?: number;
}

export interface GraphResult {
  readonly outputs: ReadonlyMap<string, Words>;
  readonly state: ReadonlyMap<string, Words>;
}

/** Runs a graph once. All memory that a kernel should write is poisoned first. */
export async function runGraph(graph: Graph, level: Level, kind: DeviceKind, given: GraphInputs): Promise<GraphResult> {
  const { plan, lowered } = planGraph(graph, level);
  const session = await openSession(plan, kind);
  try {
    for (const a of plan.arenas)
      session.write(a.name, 0, a.dtype === 'f32' ? new Float32Array(a.words).fill(NaN) : new Int32Array(a.words).fill(-123456));
    const put = (tensor: string, values: ArrayLike<number>): void => {
      const placed = lowered.placed.get(tensor);
      const t = lowered.schedule.tensors.get(tensor);
      if (placed && t) session.write(placed.arena, placed.offset, t.dtype === 'f32' ? Float32Array.from(values) : Int32Array.from(values));
    };
    for (const [name, values] of given.inputs) put(dataTensor(name), values);
    for (const [name, values] of given.state) put(stateTensor(name), values);
    await session.run(['main'], makeTicks(plan, given.step ?? 0, 1, { seed: given.seed ?? 0, total: 10 }));
    const outputs = new Map<string, Words>();
    for (const [name, place] of Object.entries(lowered.schedule.outputs)) {
      const node = graph.nodes[graph.outputs[name] ?? -1];
      const t = planTensor(lowered, place.tensor, name, fixedShape(node?.type.shape ?? []), place.offset);
      outputs.set(name, await session.read(t.arena, t.offset, count(t.shape)));
    }
    const state = new Map<string, Words>();
    for (const w of graph.writes) {
      const placed = lowered.placed.get(stateTensor(w.state));
      if (placed)
        state.set(w.state, await session.read(placed.arena, placed.offset, lowered.schedule.tensors.get(stateTensor(w.state))?.size ?? 0));
    }
    return { outputs, state };
  } finally {
    session.destroy();
  }
}

/** Largest difference, relative to the largest magnitude. NaN where one side is NaN. */
export function distance(got: ArrayLike<number>, want: ArrayLike<number>): number {
  if (got.length !== want.length) return Infinity;
  let scale = 1e-6;
  let worst = 0;
  for (let i = 0; i < want.length; i++) scale = Math.max(scale, Math.abs(want[i] ?? 0));
  for (let i = 0; i < want.length; i++) {
    const d = Math.abs((got[i] ?? NaN) - (want[i] ?? NaN));
    if (Number.isNaN(d)) return NaN;
    worst = Math.max(worst, d);
  }
  return worst / scale;
}
