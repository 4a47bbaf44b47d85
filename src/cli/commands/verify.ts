import { CompilerBug } from '../../base/errors.ts';
import { uniformAt } from '../../base/random.ts';
import { count, fixedShape } from '../../base/types.ts';
import type { Graph, NodeId } from '../../ir/graph/types.ts';
import { evaluate } from '../../reference/evaluate.ts';
import type { Level } from '../../passes/schedule/types.ts';
import type { Adapter } from '../../lower.ts';
import { openSession, profileOf } from '../device.ts';
import { findAdapter } from '../gpu.ts';
import { distance, planGraph, runGraph, type GraphInputs } from '../run-graph.ts';
import { openProgram } from '../program.ts';
import { readTunings } from '../tunings.ts';
import { columns, note, print } from '../terminal.ts';
import { compileFor } from './check.ts';

export interface VerifyFlags {
  readonly data?: string;
  readonly batch?: number;
  readonly seed?: number;
}

/** Relative to the largest value of a kernel's result; float32 sums of some thousands stay well below. */
const TOLERANCE = 1e-3;

/** Runs the kernels of every program, fused and unfused, on every device, and holds each result against the reference. */
export async function verify(path: string, flags: VerifyFlags): Promise<void> {
  const program = await openProgram(path);
  const seed = flags.seed ?? 1;
  const { programs, plan } = await compileFor(program, { ...flags, opt: 1 });
  const { found } = await findAdapter();
  const adapter = found && { ...profileOf(found), tuned: await readTunings(found.adapter) };
  if (!found) note('no WebGPU adapter was found: only the CPU device is verified');
  const rows = [['program', 'level', 'device', 'kernels', 'worst error']];
  const wrong: string[] = [];
  for (const { name, schedule } of programs) {
    const { graph } = schedule;
    const given = randomInputs(graph, program.model.target?.classes ?? 2, seed);
    // The last batch of an epoch has its own program, and rows of its own.
    const step = name === 'tail' ? (plan.train?.stepsPerEpoch ?? 1) - 1 : 0;
    const want = evaluate(graph, { ...given, scalars: { step, seed, total: 10 } });
    for (const level of [0, 1] as const) {
      for (const device of found ? (['gpu', 'cpu'] as const) : (['cpu'] as const)) {
        const results = await compare(graph, { level, device, adapter }, { ...given, step, seed }, (id) => want(id).data);
        const worst = results.reduce((a, r) => (r.error > a || Number.isNaN(r.error) ? r.error : a), 0);
        rows.push([name, `-O ${level}`, device, String(results.length), worst.toExponential(1)]);
        for (const r of results)
          if (!(r.error <= TOLERANCE)) wrong.push(`${name} -O ${level} on the ${device}: ${r.what} is off by ${r.error.toExponential(1)}`);
      }
    }
  }
  print(columns(rows));
  if (wrong.length) throw new CompilerBug(`kernels disagree with the float64 reference:\n  ${wrong.join('\n  ')}`);
  print(`every kernel agrees with the float64 reference to ${TOLERANCE}`);
}

interface Result {
  readonly what: string;
  readonly error: number;
}

async function compare(
  graph: Graph,
  { level, device, adapter }: { readonly level: Level; readonly device: 'gpu' | 'cpu'; readonly adapter: Adapter | undefined },
  given: GraphInputs,
  want: (id: NodeId) => ArrayLike<number>,
): Promise<Result[]> {
  const planned = planGraph(graph, level, { keepAll: true, adapter, devices: device });
  const session = await openSession(planned.plan, device);
  try {
    const got = await runGraph(planned, session, given);
    return [...got.stored].map(([id, values]) => {
      const node = graph.nodes[id];
      return {
        what: `%${id} = ${node?.op ?? ''}${node?.loc ? ` (${node.loc})` : ''}`,
        error: distance(values, want(id), terms(graph, id, want)),
      };
    });
  } finally {
    session.destroy();
  }
}

/** How large the terms of a sum are: what they are rounded by stays where they cancel, as behind a batch norm. */
function terms(graph: Graph, id: NodeId, want: (id: NodeId) => ArrayLike<number>): number {
  const node = graph.nodes[id];
  if (node?.op !== 'reduce_sum') return 1e-6;
  const all = Array.from(want(node.inputs[0] ?? -1)).reduce((a, v) => a + Math.abs(v), 0);
  return Math.max(1e-6, all / Math.max(1, count(node.type.shape)));
}

/** Fresh random values for everything that a graph reads; second moments are squares, so that their roots exist. */
function randomInputs(graph: Graph, classes: number, seed: number): GraphInputs {
  const inputs = new Map<string, Float64Array>();
  const state = new Map<string, Float64Array>();
  for (const node of graph.nodes) {
    if (node.op !== 'input' && node.op !== 'state') continue;
    const { name } = node.attrs;
    const n = count(fixedShape(node.type.shape));
    const values = Float64Array.from({ length: n }, (_, i) => {
      const u = uniformAt(seed, 3000 + node.id, 0, i);
      if (node.type.dtype === 'i32') return Math.floor(u * classes);
      return Math.fround(/(_sq|square_avg|sum|var|std|exp_inf|acc_delta)$/.test(name) ? u * u : 2 * u - 1);
    });
    (node.op === 'input' ? inputs : state).set(name, values);
  }
  return { inputs, state };
}
