import { evalScalar, readsSeed } from '../base/scalar.ts';
import { BYTES, UNIFORM_BYTES, UNIFORM_COUNT, type Plan } from '../plan.ts';

/** The device that a plan runs on. */
export interface DeviceInfo {
  readonly kind: 'gpu' | 'cpu';
  /** `SwiftShader driver (Dawn)`, `JavaScript`. */
  readonly name: string;
  /** Why this device was chosen, for the user. */
  readonly reason: string;
}

/** What the device has done since the session was opened. */
export interface Counters {
  dispatches: number;
  submits: number;
  buffers: number;
  bindGroups: number;
  /** Bytes of all buffers of the session. */
  bytes: number;
}

export type Words = Float32Array | Int32Array;

/** Blocks for a number of milliseconds, but runs pending tasks first. */
export type Sleep = (ms: number) => Promise<void>;

/** The memory of a plan on a device, or of one of several nets that train there at once. */
export interface DeviceMemory {
  readonly plan: Plan;
  /** Copies words into an arena at an offset in elements. */
  write(arena: string, offset: number, data: Words): void;
  read(arena: string, offset: number, length: number): Promise<Words>;
}

/** A plan that is loaded on a device. */
export interface Session extends DeviceMemory {
  readonly device: DeviceInfo;
  readonly counters: Readonly<Counters>;
  /** Milliseconds that one chunk of steps may take. */
  readonly budget: number;
  /** The last chunk size, so that the size that fits the budget is found only once. */
  readonly pace: { chunk: number };
  /** For waiting without taking a core from a software adapter. */
  readonly sleep?: Sleep | undefined;
  /** Runs programs one after the other, each with its uniforms, and returns the trace arena after the last. */
  run(programs: readonly string[], uniforms: StepUniforms): Promise<Float32Array>;
  /** Settles when the device is lost; missing if it cannot be. */
  readonly lost?: Promise<unknown> | undefined;
  /** Seconds of each dispatch of a program; missing if the device cannot measure them. */
  readonly profile?: ((program: string, uniforms: StepUniforms) => Promise<readonly number[]>) | undefined;
  destroy(): void;
}

/** The uniforms of each step of a chunk: slot and scalars, 256 bytes apart. */
export interface StepUniforms {
  readonly buffer: ArrayBuffer;
  readonly count: number;
}

/**
 * Writes into each step's uniforms how many steps, including this one, run the same program. With several nets, only into those of the
 * first.
 */
export function countRuns(programs: readonly string[], uniforms: StepUniforms): void {
  const words = new Int32Array(uniforms.buffer);
  let left = 0;
  for (let slot = programs.length - 1; slot >= 0; slot--) {
    left = programs[slot] === programs[slot + 1] ? left + 1 : 1;
    words[(slot * UNIFORM_BYTES) / BYTES + UNIFORM_COUNT] = left;
  }
}

export type Rates = readonly (number | undefined)[];

/** What the scalars of a step depend on. */
export interface Run {
  readonly seed: number;
  /** Steps of the whole run. */
  readonly total: number;
  /** Training examples; the plan's capacity by default. */
  readonly rows?: number | undefined;
  /** Learning rates of a step that override the program's, by optimizer. */
  readonly ratesAt?: ((step: number) => Rates) | undefined;
}

/**
 * Computes the scalars of steps `first` to `first + count - 1` in float64. If the uniforms of the same steps and plan for another seed are
 * `known`, only the scalars that depend on the seed are computed.
 */
export function stepUniforms(plan: Plan, first: number, count: number, run: Run, known?: StepUniforms): StepUniforms {
  const buffer = known ? known.buffer.slice(0) : new ArrayBuffer(count * UNIFORM_BYTES);
  const [f32, i32] = [new Float32Array(buffer), new Int32Array(buffer)];
  const stride = UNIFORM_BYTES / BYTES;
  const steps = Array.from({ length: count }, (_, slot) => ({
    step: first + slot,
    seed: run.seed,
    total: run.total,
    rows: run.rows ?? plan.data?.rows,
    rates: run.ratesAt?.(first + slot),
  }));
  for (let slot = 0; slot < count; slot++) i32[slot * stride] = slot;
  plan.scalars.forEach(({ dtype, expr }, i) => {
    if (known && !readsSeed(expr)) return;
    const words = dtype === 'f32' ? f32 : i32;
    steps.forEach((env, slot) => (words[slot * stride + i + 1] = evalScalar(expr, env)));
  });
  return { buffer, count };
}

/** Whether each of several nets has its own part of an arena: kernels write it, while data is shared. */
export function hasParts(plan: Plan, arena: string): boolean {
  return plan.backends.webgpu?.loops['train']?.bindings.some((b) => b.arena === arena && b.access === 'read_write') ?? false;
}
