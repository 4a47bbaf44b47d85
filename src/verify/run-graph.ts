import { uniformAt } from '../base/random.ts';
import { at } from '../base/errors.ts';
import { count, fixedDim, fixedShape, type Dim } from '../base/types.ts';
import { isView } from '../ir/graph/ops.ts';
import type { Graph, NodeId, Op } from '../ir/graph/types.ts';
import type { Adapter } from '../codegen/backend.ts';
import type { Devices } from '../lower/backends.ts';
import { collectScalars, emit } from '../lower/emit.ts';
import { lowerProgram, type Lowered } from '../lower/program.ts';
import { ArenaBuilder } from '../passes/memory/layout.ts';
import { dataTensor, stateTensor } from '../passes/schedule/schedule.ts';
import type { TilingChoice } from '../passes/schedule/lower.ts';
import type { Level, Place } from '../passes/schedule/types.ts';
import { PLAN_VERSION, type Plan, type PlanTensor } from '../plan.ts';
import { readElements } from './elements.ts';
import { stepUniforms, type Session, type Words } from '../runtime/session.ts';

/** Runs a single bound graph once, with every buffer that its kernels should write poisoned first: for verification and tests. */
export interface GraphPlan {
  readonly plan: Plan;
  readonly lowered: Lowered;
}

const NOTHING: PlanTensor = { name: '', arena: '', offset: 0, shape: [], dtype: 'f32' };

export interface GraphOptions {
  /** No result is overwritten by a later kernel. */
  readonly keepAll?: boolean;
  readonly tiling?: TilingChoice | undefined;
  readonly adapter?: Adapter | undefined;
  readonly devices?: Devices | undefined;
}

/** A plan with one program, `main`. */
export function planGraph(graph: Graph, level: Level, options: GraphOptions = {}): GraphPlan {
  const arenas = new ArenaBuilder();
  const lowered = lowerProgram('main', graph, arenas, { level, trace: [], chunk: 1, ...options });
  return { plan: planPrograms(graph.name, level, [lowered], arenas), lowered };
}

/** A plan of programs that do not belong to a model. */
export function planPrograms(name: string, level: Level, programs: readonly Lowered[], arenas: ArenaBuilder): Plan {
  const scalars = collectScalars(programs);
  return {
    format: 'nnc-plan',
    version: PLAN_VERSION,
    name,
    identity: '',
    level,
    arenas: arenas.arenas(),
    programs: Object.fromEntries(programs.map((p) => [p.name, { trace: {}, flops: 0 }])),
    backends: emit(programs, { arenas: arenas.arenas(), scalars, chunk: 1, loops: false }),
    scalars,
    params: [],
    counters: [],
    slots: [],
    data: undefined,
    holdout: undefined,
    predict: { rows: 1, inputs: [], output: NOTHING },
    watch: [],
    row: undefined,
    train: undefined,
    about: { inputs: [], targets: [], output: 'numbers' },
    chunk: 1,
  };
}

export interface GraphInputs {
  readonly inputs: ReadonlyMap<string, ArrayLike<number>>;
  readonly state: ReadonlyMap<string, ArrayLike<number>>;
  readonly step?: number;
  readonly seed?: number;
  /** Steps of the whole run. */
  readonly total?: number;
}

export interface GraphResult {
  readonly outputs: ReadonlyMap<string, Words>;
  /** The written states, after the run. */
  readonly state: ReadonlyMap<string, Words>;
  /** Every value that a kernel stored, if the plan kept it. */
  readonly stored: ReadonlyMap<NodeId, Words>;
}

/** Shows where a kernel forgets to write; as two halves it is NaN. */
const POISON = { i32: -123456, f16: 0x7e007e00 } as const;

export async function runGraph({ plan, lowered }: GraphPlan, session: Session, given: GraphInputs): Promise<GraphResult> {
  const { source: graph, tensors, groups, outputs, places } = lowered.schedule;
  for (const a of plan.arenas)
    session.write(a.name, 0, a.dtype === 'f32' ? new Float32Array(a.words).fill(NaN) : new Int32Array(a.words).fill(POISON[a.dtype]));
  const put = (tensor: string, values: ArrayLike<number>): void => {
    const placed = lowered.placed.get(tensor);
    const t = tensors.get(tensor);
    if (placed && t) session.write(placed.arena, placed.offset, t.dtype === 'f32' ? Float32Array.from(values) : Int32Array.from(values));
  };
  for (const [name, values] of given.inputs) put(dataTensor(name), values);
  for (const [name, values] of given.state) put(stateTensor(name), values);
  await session.run([lowered.name], stepUniforms(plan, given.step ?? 0, 1, { seed: given.seed ?? 0, total: given.total ?? 10 }));

  const read = (place: Place, size: number): Promise<Words> => {
    const placed = lowered.placed.get(place.tensor);
    return placed ? readElements(session, placed.arena, placed.offset + place.offset, size) : Promise.resolve(new Float32Array(0));
  };
  const sizeOf = (id: NodeId): number => count(graph.nodes[id]?.type.shape ?? []);
  const result = { outputs: new Map<string, Words>(), state: new Map<string, Words>(), stored: new Map<NodeId, Words>() };
  for (const [name, place] of Object.entries(outputs)) result.outputs.set(name, await read(place, sizeOf(graph.outputs[name] ?? -1)));
  for (const w of graph.writes) result.state.set(w.state, await read({ tensor: stateTensor(w.state), offset: 0 }, sizeOf(w.value)));
  for (const g of groups)
    for (const s of g.stores) if (!s.perStep && g.loop === undefined) result.stored.set(s.node, await read(s, sizeOf(s.node)));
  // What loops give lies in memory as well.
  for (const { id, op } of graph.nodes) {
    const place = op === 'scan' ? places.get(id) : undefined;
    if (place) result.stored.set(id, await read(place, sizeOf(id)));
  }
  return result;
}

/** The largest difference, relative to the largest magnitude or to `floor`, whichever is larger. NaN if either side is NaN. */
export function distance(got: ArrayLike<number>, want: ArrayLike<number>, floor = 1e-6): number {
  if (got.length !== want.length) return Infinity;
  let scale = floor;
  let worst = 0;
  for (let i = 0; i < want.length; i++) if (Number.isFinite(want[i])) scale = Math.max(scale, Math.abs(want[i] ?? 0));
  for (let i = 0; i < want.length; i++) {
    if (got[i] === want[i]) continue;
    const d = Math.abs((got[i] ?? NaN) - (want[i] ?? NaN));
    if (Number.isNaN(d)) return NaN;
    worst = Math.max(worst, d);
  }
  return worst / scale;
}

/**
 * Random values for everything that a graph reads; second moments are squares, so that their roots exist. `classes` is the number of
 * classes of an input's labels, if known.
 */
export function randomInputs(graph: Graph, classes: (input: string) => number | undefined, seed: number): GraphInputs {
  const rows = indexedRows(graph);
  const inputs = new Map<string, Float64Array>();
  const state = new Map<string, Float64Array>();
  for (const node of graph.nodes) {
    if (node.op !== 'input' && node.op !== 'param' && node.op !== 'state') continue;
    const { name } = node.attrs;
    const n = count(fixedShape(node.type.shape));
    const most = Math.min(classes(name) ?? Infinity, rows.get(node.id) ?? Infinity);
    const below = Number.isFinite(most) ? most : SMALL;
    const values = Float64Array.from({ length: n }, (_, i) => {
      const u = uniformAt(seed, 3000 + node.id, 0, i);
      // A loss scale would magnify the noise of cancellation into an apparent error.
      if (name.endsWith('loss_scale')) return 1;
      if (node.type.dtype === 'i32') return Math.floor(u * below);
      return Math.fround(/(_sq|square_avg|sum|var|variance|std|exp_inf|acc_delta|H_diag)$/.test(name) ? u * u : 2 * u - 1);
    });
    (node.op === 'input' ? inputs : state).set(name, values);
  }
  return { inputs, state };
}

/** The upper bound of integers without a known range. */
const SMALL = 2;

/** Operands whose elements an operation passes on unchanged; views pass on all of theirs. */
const HANDED_ON: { readonly [K in Op]?: (inputs: readonly NodeId[]) => readonly NodeId[] } = {
  concat: (inputs) => inputs,
  max: (inputs) => inputs,
  min: (inputs) => inputs,
  select: ([, yes = -1, no = -1]) => [yes, no],
  gather: ([from = -1]) => [from],
};

/** For each input that indexes rows, the number of rows: with several tables, that of the smallest. */
function indexedRows({ nodes }: Graph): ReadonlyMap<NodeId, number> {
  const rows = new Map<NodeId, number>();
  const index = (id: NodeId, most: Dim | undefined): void => {
    const node = at(nodes, id);
    if (node.op === 'input') rows.set(id, Math.min(fixedDim(most ?? Infinity), rows.get(id) ?? Infinity));
    else (HANDED_ON[node.op]?.(node.inputs) ?? (isView(node) ? node.inputs : [])).forEach((i) => index(i, most));
  };
  for (const node of nodes) {
    if (node.op === 'gather') index(at(node.inputs, 1), at(nodes, at(node.inputs, 0)).type.shape[0]);
    if (node.op === 'scatter_add') index(at(node.inputs, 0), node.attrs.rows);
  }
  return rows;
}
