import { availableParallelism } from 'node:os';
import { MOST_THREADS, type Plan } from '../plan.ts';
import { timesOf } from '../sections.ts';
import type { FoundAdapter } from './gpu.ts';

/** The speed of a device: seconds per dispatch and per step of a loop, and operations per second. */
interface Speed {
  readonly dispatch: number;
  readonly loop: number;
  readonly flops: number;
}

/**
 * Orders of magnitude, for choosing between devices; `docs/performance.md` has measurements. A dispatch and a step of a loop were measured on
 * an NVIDIA H200 with Vulkan (3.4 and 8 to 13 microseconds); its 12 TFLOP/s in a large training step are more than most GPUs have.
 */
const HARDWARE: Speed = { dispatch: 4e-6, loop: 12e-6, flops: 1e12 };
const SOFTWARE: Speed = { dispatch: 30e-6, loop: 100e-6, flops: 4e9 };
/** One core with 128-bit SIMD. */
const CORE: Speed = { dispatch: 0.5e-6, loop: 0, flops: 6e9 };

/** Estimated seconds for a training step, or for a prediction if the plan does not train. */
function estimate(plan: Plan, speed: Speed, threads: number): number {
  const { webgpu, js } = plan.backends;
  const name = plan.train ? 'train' : 'predict';
  const program = plan.programs[name];
  if (!program) return 0;
  if (speed.loop > 0 && webgpu?.loops[name]) return speed.loop;
  const list = (speed === CORE ? js : webgpu)?.programs[name] ?? [];
  const dispatches = list.reduce((n, d) => n + timesOf(d), 0);
  return dispatches * speed.dispatch + program.flops / (speed.flops * threads);
}

/** Whether the processor should run a plan rather than an available adapter, and why. */
export function choose(plan: Plan, found: FoundAdapter): { readonly cpu: boolean; readonly reason: string } {
  if (!plan.backends.wasm && !plan.backends.js) return { cpu: false, reason: found.reason };
  const threads = Math.min(MOST_THREADS, availableParallelism());
  const cpu = estimate(plan, CORE, threads);
  const gpu = estimate(plan, found.software ? SOFTWARE : HARDWARE, 1);
  const name = found.adapter.info.description || found.adapter.info.device || 'the adapter';
  return cpu < gpu
    ? { cpu: true, reason: `likely faster for this program than ${name}${found.software ? ', a GPU in software' : ''}` }
    : { cpu: false, reason: `${found.reason}; likely faster for this program than the processor` };
}
