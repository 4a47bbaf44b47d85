import { evalScalar, readsSeed } from '../base/scalar.ts';
import { BYTES, UNIFORM_BYTES, UNIFORM_COUNT, type Plan } from '../plan.ts';

/** Where a plan runs. */
export interface DeviceInfo {
  readonly kind: 'gpu' | 'cpu';
  /** `SwiftShader driver (Dawn)`, `JavaScript`. */
  readonly name: string;
  /** Why this one: for the user. */
  readonly reason: string;
}

/** What the device was asked to do since the session began. */
export interface Counters {
  dispatches: number;
  submits: number;
  buffers: number;
  bindGroups: number;
  /** Bytes of all buffers that live as long as the session. */
  bytes: number;
}

export type Words = Float32Array | Int32Array;

/** Blocks for so many milliseconds, but lets first happen what is due. */
export type Sleep = (ms: number) => Promise<void>;

/** The memory of a plan on a device, or of one of the nets that train there at once. */
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
  /** How many steps the last chunks had: what fits the budget is found out once. */
  readonly pace: { chunk: number };
  /** Where waiting any other way takes a core from a software adapter. */
  readonly sleep?: Sleep | undefined;
  /** Runs one program after the other, each with its uniforms, and gives the trace arena as it is after the last. */
  run(programs: readonly string[], uniforms: StepUniforms): Promise<Float32Array>;
  /** Settles when the device is lost; never where it cannot be. */
  readonly lost?: Promise<unknown> | undefined;
  /** Seconds that each dispatch of a program takes by itself; undefined where the device cannot tell. */
  readonly profile?: ((program: string, uniforms: StepUniforms) => Promise<readonly number[]>) | undefined;
  destroy(): void;
}

/** The words that the host sets for each step of a chunk: slot and scalars, 256 bytes apart. */
export interface StepUniforms {
  readonly buffer: ArrayBuffer;
  readonly count: number;
}

/** Says with each step for how many steps from it on the program stays the same; of several nets, the first one's do. */
export function countRuns(programs: readonly string[], uniforms: StepUniforms): void {
  const words = new Int32Array(uniforms.buffer);
  let left = 0;
  for (let slot = programs.length - 1; slot >= 0; slot--) {
    left = programs[slot] === programs[slot + 1] ? left + 1 : 1;
    words[(slot * UNIFORM_BYTES) / BYTES + UNIFORM_COUNT] = left;
  }
}

export type Rates = readonly (number | undefined)[];

/** What the scalars of a step are made of. */
export interface Run {
  readonly seed: number;
  /** Steps of the whole run. */
  readonly total: number;
  /** Examples to train on; as many as the plan has room for where it is not said. */
  readonly rows?: number | undefined;
  /** Learning rates of a step by optimizer, where they are not the program's. */
  readonly ratesAt?: ((step: number) => Rates) | undefined;
}

/**
 * Computes the scalars of steps `first` to `first + count - 1` in float64. Where the uniforms of the same steps and plan for another
 * seed are known, only what depends on the seed is computed.
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

/** Whether each of several nets has a part of an arena: of what kernels write, not of the data that they read. */
export function hasParts(plan: Plan, arena: string): boolean {
  return plan.backends.webgpu?.loops['train']?.bindings.some((b) => b.arena === arena && b.access === 'read_write') ?? false;
}
