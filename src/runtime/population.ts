import { metricOutput } from '../base/outputs.ts';
import { fail } from '../base/errors.ts';
import { UNIFORM_BYTES, traceWords, type Plan } from '../plan.ts';
import { programOf, traced } from './trainer.ts';
import { hasParts, stepUniforms, type DeviceMemory, type Session, type StepUniforms, type Words } from './session.ts';
import { countsAfter, initialize, readTensors } from './weights.ts';
import type { Weights } from './api.ts';

/** One of many nets that train at once. They differ in the seed and in the uniforms. */
export interface Net {
  /** `seed 7`, `lr 0.01` */
  readonly label: string;
  readonly seed: number;
  /** The program with this net's settings; all nets have the same kernels. */
  readonly plan: Plan;
}

export interface NetResult {
  readonly label: string;
  readonly losses: Float32Array;
  /** The metrics by name. */
  readonly metrics: Readonly<Record<string, Float32Array>>;
}

/** Steps of the first chunk. */
const FIRST = 16;

/**
 * Trains many nets at once on shared data, one workgroup per net. The session must have been opened for this number of nets. Each net has
 * the same losses, bit for bit, as if it trained alone.
 */
export class Population {
  private readonly session: Session;
  private readonly nets: readonly Net[];
  /** Steps done so far. */
  private done = 0;

  private constructor(session: Session, nets: readonly Net[]) {
    this.session = session;
    this.nets = nets;
  }

  /** Initialises each net from its own seed. */
  static async open(session: Session, nets: readonly Net[]): Promise<Population> {
    const { plan } = session;
    if (!plan.backends.webgpu?.loops['train'] || !plan.train)
      fail('NN305', 'the program does not fit one workgroup, so many nets cannot train at once');
    for (const [i, net] of nets.entries()) await initialize(new NetMemory(session, i), net.seed);
    return new Population(session, nets);
  }

  setData(...arrays: readonly Words[]): void {
    this.session.plan.data?.tensors.forEach((t, i) => {
      if (t.arena !== '') this.session.write(t.arena, t.offset, arrays[i] ?? new Float32Array(0));
    });
  }

  /** Trains every net to the end, or until the signal says to stop. A net whose loss becomes NaN goes on, and ranks last. */
  async train(onProgress?: (step: number, steps: number) => void, signal?: { readonly aborted: boolean }): Promise<NetResult[]> {
    const { session, nets } = this;
    const { plan } = session;
    const { train } = plan;
    const steps = train?.steps ?? 0;
    const results = nets.map(({ label }): NetResult => ({
      label,
      losses: new Float32Array(steps),
      metrics: Object.fromEntries((train?.metrics ?? []).map((m) => [m, new Float32Array(steps)])),
    }));
    let chunk = Math.min(FIRST, plan.chunk);
    for (let step = 0; step < steps && !signal?.aborted;) {
      const program = programOf(plan, step);
      let n = 1;
      while (n < Math.min(chunk, steps - step) && programOf(plan, step + n) === program) n++;
      const begin = performance.now();
      const trace = await session.run(Array<string>(n).fill(program), this.uniforms(step, n, steps));
      const took = performance.now() - begin;
      nets.forEach((_, i) => {
        const own = trace.subarray(i * traceWords(plan), (i + 1) * traceWords(plan));
        const recorded = (what: string): Float32Array => traced(plan, own, Array<string>(n).fill(program), what);
        results[i]?.losses.set(recorded('loss'), step);
        for (const [name, values] of Object.entries(results[i]?.metrics ?? {})) values.set(recorded(metricOutput(name)), step);
      });
      if (n === chunk && took < session.budget / 2) chunk = Math.min(plan.chunk, chunk * 2);
      else if (n === chunk && took > session.budget) chunk = Math.max(1, Math.floor(chunk / 2));
      this.done = step += n;
      onProgress?.(step, steps);
    }
    const part = (values: Float32Array): Float32Array => values.subarray(0, this.done);
    return results.map(({ label, losses, metrics }) => ({
      label,
      losses: part(losses),
      metrics: Object.fromEntries(Object.entries(metrics).map(([name, values]) => [name, part(values)])),
    }));
  }

  /** The weights of every trained net. */
  async weights(): Promise<Weights[]> {
    const { plan } = this.session;
    // Reads whole arenas: a read for each tensor of each net would take longer than training.
    const arenas = [...new Set(plan.params.map((p) => p.arena))];
    const words = (arena: string): number => (plan.arenas.find((a) => a.name === arena)?.words ?? 0) * this.nets.length;
    const all = new Map(await Promise.all(arenas.map(async (a) => [a, await this.session.read(a, 0, words(a))] as const)));
    const copy: DeviceMemory = {
      plan,
      write: (arena, offset, data) => all.get(arena)?.set(data, offset),
      read: (arena, offset, length) => Promise.resolve(all.get(arena)?.slice(offset, offset + length) ?? new Float32Array(length)),
    };
    const counts = countsAfter(plan, this.done);
    return Promise.all(this.nets.map(async (_, i) => ({ ...(await readTensors(new NetMemory(copy, i), plan.params)), ...counts })));
  }

  /** The uniforms of each step, one net after the other. */
  private uniforms(first: number, count: number, total: number): StepUniforms {
    const all = new Uint8Array(this.nets.length * count * UNIFORM_BYTES);
    const known = new Map<Plan, StepUniforms>();
    this.nets.forEach(({ plan, seed }, i) => {
      const uniforms = stepUniforms(plan, first, count, { seed, total }, known.get(plan));
      known.set(plan, uniforms);
      all.set(new Uint8Array(uniforms.buffer), i * count * UNIFORM_BYTES);
    });
    return { buffer: all.buffer, count };
  }
}

/** The memory of one net: its own part of every arena that kernels write. */
class NetMemory implements DeviceMemory {
  readonly plan: Plan;
  private readonly whole: DeviceMemory;
  private readonly net: number;

  constructor(whole: DeviceMemory, net: number) {
    this.plan = whole.plan;
    this.whole = whole;
    this.net = net;
  }

  private start(arena: string): number {
    return hasParts(this.plan, arena) ? this.net * (this.plan.arenas.find((a) => a.name === arena)?.words ?? 0) : 0;
  }

  write(arena: string, offset: number, data: Words): void {
    this.whole.write(arena, this.start(arena) + offset, data);
  }

  read(arena: string, offset: number, length: number): Promise<Words> {
    return this.whole.read(arena, this.start(arena) + offset, length);
  }
}
