import { at } from '../base/errors.ts';
import { generateLoop, type LoopArena } from '../codegen-wgsl/loop.ts';
import type { Lowered } from './program.ts';
import { jam } from '../passes/schedule/jam.ts';
import { workgroupCost } from '../passes/schedule/cost.ts';
import { BYTES, TICK_BYTES, type Arena, type PlanLoop, type PlanScalar } from '../plan.ts';

/** Workgroup memory that every device has, less what joining partial sums takes. */
const WORKGROUP_BYTES = 16_384 - 512;
/** Operations of one thread for a step: beyond, many workgroups are faster than the dispatches that one saves. */
const MOST_WORK = 60_000;
const THREADS = 64;

const KINDS: Readonly<Record<string, LoopArena['kind']>> = {
  state: 'held',
  istate: 'held',
  data: 'data',
  idata: 'data',
  trace: 'trace',
  work: 'scratch',
  iwork: 'scratch',
  hwork: 'scratch',
};

/** The program as a loop of one workgroup, where its state fits and one workgroup is the faster way. */
function loopOf(program: Lowered, arenas: readonly Arena[], scalars: readonly PlanScalar[]): PlanLoop | undefined {
  const touched = new Set(program.gpu.flatMap((k) => k.buffers.map((b) => program.placed.get(b.tensor)?.arena)));
  const used = arenas
    .filter((a) => touched.has(a.name))
    .map((a): LoopArena => {
      const kind = KINDS[a.name] ?? 'held';
      return { name: a.name, dtype: a.dtype, kind, words: kind === 'scratch' ? (program.scratch[a.name] ?? a.words) : a.words };
    });
  const inside = used.filter((a) => a.kind === 'held' || a.kind === 'scratch').reduce((n, a) => n + a.words * BYTES, 0);
  if (inside > WORKGROUP_BYTES) return undefined;
  const loop = program.loop();
  const kernels = program.batches.map((batch) => jam(batch.map((i) => at(loop, i))));
  const work = loop.reduce((n, k) => n + workgroupCost(k, THREADS), 0);
  if (work > MOST_WORK) return undefined;
  const { code, bindings } = generateLoop(kernels, { tensors: program.placed, arenas: used, scalars, tickBytes: TICK_BYTES });
  return { wgsl: code, bindings };
}

/** The programs that one workgroup can train by itself, by name. */
export function loopsOf(programs: readonly Lowered[], arenas: readonly Arena[], scalars: readonly PlanScalar[]): Record<string, PlanLoop> {
  const found: Record<string, PlanLoop> = {};
  for (const p of programs) {
    if (p.devices === 'cpu' || (p.name !== 'train' && p.name !== 'tail')) continue;
    const loop = loopOf(p, arenas, scalars);
    if (loop) found[p.name] = loop;
  }
  return found;
}
