import { at, get } from '../base/errors.ts';
import type { Backend, PlanMemory, ScheduledProgram } from '../codegen/backend.ts';
import { Alike } from '../codegen/alike.ts';
import { bindBuffers } from '../codegen/bind.ts';
import { dispatchOf, repeatOf } from '../codegen/dispatch.ts';
import type { Kernel } from '../ir/kernel/types.ts';
import { kernelCost } from '../passes/schedule/cost.ts';
import { BYTES, MOST_THREADS, UNIFORM_BYTES } from '../plan.ts';
import type { Dispatch, Repeat, WasmCall, WasmSection } from '../sections.ts';
import { PAGE, WasmModule } from './module.ts';
import { addPrograms, controlAt } from './program.ts';
import { CPU_COSTS, WASM_TARGET } from './target.ts';
import { addKernel } from './wasm.ts';

/** Alignment of everything in memory, in bytes. */
const ALIGN = 256;
/** Bytes after the last arena that vectors may touch. */
const SLACK = 256;
/** The most pages of a memory with 32-bit addresses. */
const MOST_PAGES = 65_536;
/** From this much work on it pays to wake another thread, in instructions: some twenty microseconds. */
const WORTH_SHARING = 40_000;

/** WebAssembly with SIMD: one module for all programs. */
export const WASM: Backend = {
  name: 'wasm',
  device: 'cpu',
  target: () => WASM_TARGET,
  emit: (programs, memory) => ({ wasm: moduleOf(programs, memory) }),
};

/** All programs as one module; undefined if they need more memory than WebAssembly has. */
function moduleOf(programs: readonly ScheduledProgram[], { arenas, scalars, chunk }: PlanMemory): WasmSection | undefined {
  // Address 0 is left free, so that an unset address does no harm.
  let end = ALIGN;
  const take = (bytes: number): number => {
    const start = end;
    end = Math.ceil((end + bytes) / ALIGN) * ALIGN;
    return start;
  };
  const places = new Map(arenas.map((a) => [a.name, take(a.words * BYTES)]));
  take(SLACK);
  const uniforms = take(chunk * UNIFORM_BYTES);
  const { bytes, ...control } = controlAt(end, chunk);
  take(bytes);
  const module = new WasmModule();
  const kernels: number[] = [];
  const alike = new Alike<{ readonly index: number; readonly points: number; readonly work: number }>();
  let scratch = 0;
  const calls = programs.map((program) =>
    inOrder(program).map(({ kernel, loop }): WasmCall => {
      const bound = bindBuffers([kernel], program.placed, Infinity);
      const { index, points, work } = alike.of([kernel], bound, () => {
        const { fn, points, ...needs } = addKernel(module, kernel, { ...bound, scalars });
        scratch = Math.max(scratch, needs.scratch);
        const known = kernels.indexOf(fn);
        return { index: known >= 0 ? known : kernels.push(fn) - 1, points, work: Math.round(kernelCost(kernel, 1, CPU_COSTS)) };
      });
      return {
        kernel: index,
        addresses: bound.bindings.map((b) => get(places, b.arena, 'arena') + b.start * BYTES),
        points,
        work,
        shared: work >= WORTH_SHARING && points > 1,
        ...(loop && { loop }),
      };
    }),
  );
  const own = Math.ceil(scratch / ALIGN) * ALIGN;
  const scratches = take(own * MOST_THREADS);
  const pages = Math.ceil(end / PAGE);
  if (pages > MOST_PAGES) return undefined;
  const runs = addPrograms(
    module,
    calls.map((list) => list.map((c) => ({ ...c, fn: kernels[c.kernel] ?? 0 }))),
    { uniforms, control, scratch: scratches, own },
  );
  const exported = new Map([...runs, ...kernels.map((fn, i) => [`k${i}`, fn] as const)]);
  const assembled = module.assemble(pages, exported);
  const { job, count, steps, ready, sleepers } = control;
  return {
    module: base64(assembled.bytes),
    sharing: assembled.sharing,
    pages,
    arenas: Object.fromEntries(places),
    uniforms,
    scratch: scratches,
    control: { job, count, steps, ready, sleepers },
    programs: programs.map((p, i) => ({ name: p.name, calls: calls[i] ?? [] })),
  };
}

/** The kernels of a program in the order of their calls. */
const inOrder = ({
  batches,
  kernels,
  loops,
}: ScheduledProgram): readonly { readonly kernel: Kernel; readonly loop: Repeat | undefined }[] =>
  batches.flatMap((batch, d) => batch.map((i) => ({ kernel: at(kernels.wasm ?? [], i), loop: repeatOf(loops, d) })));

/** What each call of a program is, in words and in work. A section leaves it out, since only profiles ask for it. */
export const wordsOfCalls = (program: ScheduledProgram): readonly Dispatch[] =>
  inOrder(program).map(({ kernel, loop }, i) => dispatchOf(program.name, [kernel], i, [], loop));

function base64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}
