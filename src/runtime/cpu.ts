import { before, erf, roundF16, pow, sigmoid } from '../base/math.ts';
import { shuffleAt, uniformAt } from '../base/random.ts';
import { BYTES, UNIFORM_BYTES, traceWords, smaller, type Plan } from '../plan.ts';
import { inTurn, type JsSection } from '../sections.ts';
import { DeviceError } from './errors.ts';
import { breather } from './pause.ts';
import type { Counters, Session, StepUniforms, Words } from './session.ts';

/** The functions that generated kernels call. */
export const KERNEL_LIB = { before, sigmoid, erf, round_f16: roundF16, pow, uniform: uniformAt, shuffle: shuffleAt } as const;

export interface UniformWords {
  readonly f32: Float32Array;
  readonly i32: Int32Array;
  /** The place of the loop around the kernel. */
  place: number;
}

/** A kernel as JavaScript: computes all points of all axes on its ranges of the arenas. */
export type JsKernel = (ranges: readonly Words[], uniforms: UniformWords, lib: typeof KERNEL_LIB) => void;

/** Longer chunks would freeze pages and progress bars. */
const BUDGET_MS = 50;

/** Runs a plan on plain JavaScript. A plan is data: its kernels come as the functions of a module, and no text of it is ever evaluated. */
export function createCpuSession(
  plan: Plan,
  section: JsSection,
  { reason, kernels }: { readonly reason: string; readonly kernels: readonly JsKernel[] },
): Session {
  let arenas: Record<string, Words> = {};
  const counters: Counters = { dispatches: 0, submits: 0, buffers: 0, bindGroups: 0, bytes: 0 };
  for (const a of plan.arenas) {
    try {
      arenas[a.name] = a.dtype === 'f32' ? new Float32Array(a.words) : new Int32Array(a.words);
    } catch (e) {
      if (!(e instanceof RangeError)) throw e;
      throw new DeviceError(`there is not enough memory for the arena '${a.name}' of ${a.words * BYTES} bytes`, 'NN603', smaller(a.name));
    }
    counters.buffers++;
    counters.bytes += a.words * BYTES;
  }
  const arena = (name: string): Words => {
    const found = arenas[name];
    if (!found) throw new Error(`the plan has no arena '${name}'`);
    return found;
  };
  const rest = breather();
  const calls = new Map(
    Object.entries(section.programs).map(([name, list]) => [
      name,
      list.map((c) => ({
        ...(c.loop && { loop: c.loop }),
        run: kernels[c.kernel],
        ranges: c.ranges.map((w) => arena(w.arena).subarray(w.start, w.start + w.words)),
      })),
    ]),
  );
  return {
    plan,
    device: { kind: 'cpu', name: 'JavaScript', reason },
    counters,
    budget: BUDGET_MS,
    pace: { chunk: 1 },
    write(name, offset, data) {
      arena(name).set(data, offset);
    },
    read: (name, offset, length) => Promise.resolve(arena(name).slice(offset, offset + length)),
    async run(programs: readonly string[], all: StepUniforms) {
      counters.submits++;
      programs.forEach((name, slot) => {
        const uniforms: UniformWords = {
          f32: new Float32Array(all.buffer, slot * UNIFORM_BYTES, UNIFORM_BYTES / 4),
          i32: new Int32Array(all.buffer, slot * UNIFORM_BYTES, UNIFORM_BYTES / 4),
          place: 0,
        };
        inTurn(calls.get(name) ?? [], ({ run, ranges }, place) => {
          uniforms.place = place;
          run?.(ranges, uniforms, KERNEL_LIB);
          counters.dispatches++;
        });
      });
      const trace = traceWords(plan) ? (arena('trace') as Float32Array).slice() : new Float32Array(0);
      await rest();
      return trace;
    },
    destroy() {
      arenas = {};
      calls.clear();
    },
  };
}
