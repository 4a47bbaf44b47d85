import { CompilerBug } from '../../base/errors.ts';
import type { Graph } from '../../ir/graph/types.ts';
import type { Level } from '../../passes/schedule/types.ts';
import type { Adapter } from '../../lower/targets.ts';
import { openSession, profileOf } from '../device.ts';
import { findAdapter } from '../gpu.ts';
import { planGraph, randomInputs, runGraph, storedErrors, type GraphInputs, type StoredError } from '../run-graph.ts';
import { openProgram } from '../program.ts';
import { readTunings } from '../tunings.ts';
import { columns, note, print } from '../terminal.ts';
import { compileFor } from './check.ts';

export interface VerifyFlags {
  readonly data?: string;
  readonly batch?: number;
  readonly seed?: number;
}

/**
 * Relative to the largest value of a kernel's result: float32 sums of some thousands stay well below, and so does binary16, which
 * rounds by half a thousandth and may do so twice.
 */
const TOLERANCE = { f32: 1e-3, f16: 4e-3 } as const;

/**
 * Runs the kernels of every program, fused and unfused, on every device, and holds each result against what the reference makes of
 * what the kernel read.
 */
export async function verify(path: string, flags: VerifyFlags): Promise<void> {
  const program = await openProgram(path);
  const seed = flags.seed ?? 1;
  const { programs, plan } = await compileFor(program, { ...flags, opt: 1 });
  const { found } = await findAdapter();
  const adapter = found && { ...profileOf(found), tuned: await readTunings(found.adapter) };
  if (!found) note('no WebGPU adapter was found: only the CPU device is verified');
  const tolerance = TOLERANCE[program.model.precision];
  const rows = [['program', 'level', 'device', 'kernels', 'worst error']];
  const wrong: string[] = [];
  for (const { name, schedule } of programs) {
    const { graph } = schedule;
    const given = randomInputs(graph, program.model.targets[0]?.classes ?? 2, seed);
    // The last batch of an epoch has its own program, and rows of its own.
    const step = name === 'tail' ? (plan.train?.stepsPerEpoch ?? 1) - 1 : 0;
    for (const level of [0, 1] as const) {
      for (const device of found ? (['gpu', 'cpu'] as const) : (['cpu'] as const)) {
        const results = await compare(graph, { level, device, adapter }, { ...given, step, seed });
        const worst = results.reduce((a, r) => (r.error > a || Number.isNaN(r.error) ? r.error : a), 0);
        rows.push([name, `-O ${level}`, device, String(results.length), worst.toExponential(1)]);
        for (const r of results)
          if (!(r.error <= tolerance)) wrong.push(`${name} -O ${level} on the ${device}: ${r.what} is off by ${r.error.toExponential(1)}`);
      }
    }
  }
  print(columns(rows));
  if (wrong.length) throw new CompilerBug(`kernels disagree with the float64 reference:\n  ${wrong.join('\n  ')}`);
  print(`every kernel agrees with the float64 reference to ${tolerance}`);
}

async function compare(
  graph: Graph,
  { level, device, adapter }: { readonly level: Level; readonly device: 'gpu' | 'cpu'; readonly adapter: Adapter | undefined },
  given: GraphInputs,
): Promise<StoredError[]> {
  const planned = planGraph(graph, level, { keepAll: true, adapter, devices: device });
  const session = await openSession(planned.plan, device);
  try {
    return storedErrors(graph, given, await runGraph(planned, session, given));
  } finally {
    session.destroy();
  }
}
