import { at } from '../base/errors.ts';
import type { PlanMemory, ScheduledProgram } from '../codegen/backend.ts';
import { workgroupCost } from '../passes/schedule/cost.ts';
import { fuseLoops } from '../passes/schedule/fuse-loops.ts';
import { BYTES, UNIFORM_BYTES, type ArenaKind } from '../plan.ts';
import type { WgslLoop } from '../sections.ts';
import { generateLoop, type LoopArena } from './loop.ts';
import { LOOP_TARGET } from './targets.ts';

/** The workgroup memory of every device, minus what reductions need. */
const WORKGROUP_BYTES = 16_384 - 512;
/** The most operations of one thread per step; beyond that, many workgroups gain more than the saved dispatches. */
const MOST_WORK = 60_000;
const THREADS = 64;

/** How a loop treats each kind of arena. */
const KINDS: Readonly<Record<ArenaKind, LoopArena['kind']>> = { state: 'kept', data: 'data', trace: 'trace', work: 'scratch' };

/** The program as a loop of one workgroup, if its state fits and one workgroup is faster. */
function loopOf(program: ScheduledProgram, { arenas, scalars }: PlanMemory): WgslLoop | undefined {
  const touched = new Set((program.kernels.webgpu ?? []).flatMap((k) => k.buffers.map((b) => program.placed.get(b.tensor)?.arena)));
  const used = arenas
    .filter((a) => touched.has(a.name))
    .map((a): LoopArena => {
      const words = a.kind === 'work' ? (program.scratch[a.dtype] ?? a.words) : a.words;
      return { name: a.name, dtype: a.dtype, kind: KINDS[a.kind], words };
    });
  const inside = used.filter((a) => a.kind === 'kept' || a.kind === 'scratch').reduce((n, a) => n + a.words * BYTES, 0);
  if (inside > WORKGROUP_BYTES) return undefined;
  const loop = program.write(LOOP_TARGET);
  const kernels = program.batches.map((batch) => fuseLoops(batch.map((i) => at(loop, i))));
  const work = loop.reduce((n, k) => n + workgroupCost(k, THREADS) * (k.places ?? 1), 0);
  if (work > MOST_WORK) return undefined;
  const { code, bindings } = generateLoop(kernels, program.loops, {
    tensors: program.placed,
    arenas: used,
    scalars,
    uniformBytes: UNIFORM_BYTES,
  });
  return { wgsl: code, bindings };
}

/** The programs that one workgroup can train alone, by name. */
export function loopsOf(programs: readonly ScheduledProgram[], memory: PlanMemory): Record<string, WgslLoop> {
  const found: Record<string, WgslLoop> = {};
  for (const p of programs) {
    if (p.name !== 'train' && p.name !== 'tail') continue;
    const loop = loopOf(p, memory);
    if (loop) found[p.name] = loop;
  }
  return found;
}
