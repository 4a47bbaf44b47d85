import { Sharing } from './sharing.ts';
import { BYTES, UNIFORM_BYTES, traceWords, smaller, type Plan } from '../plan.ts';
import { timesOf, type WasmSection } from '../sections.ts';
import { DeviceError, destroyed } from './errors.ts';
import { breather } from './pause.ts';
import type { Counters, DeviceInfo, Session, StepUniforms, Words } from './session.ts';

/** Helper threads. How to start them depends on the platform, so the caller provides this. */
export interface Helpers {
  readonly count: number;
  /**
   * Starts them: each instantiates the module on the memory and calls its `work(rank, threads)`, with ranks from 1 on. Returns a function
   * that terminates those that have not ended by themselves.
   */
  readonly start: (module: WebAssembly.Module, memory: WebAssembly.Memory, threads: number) => () => void;
}

/** Longer chunks would freeze pages and progress bars. */
const BUDGET_MS = 50;
const SHARED = 3;
const STOP = -1;

/** `(i32.const 0, i32x4.splat, drop)`: the smallest module that needs SIMD. */
const PROBE = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 9, 1, 7, 0, 65, 0, 253, 17, 26, 11];

/** Whether WebAssembly with SIMD is available and allowed; cached. */
let allowed: boolean | undefined;
export function hasWasm(): boolean {
  try {
    allowed ??= typeof WebAssembly === 'object' && new WebAssembly.Module(Uint8Array.from(PROBE)) instanceof WebAssembly.Module;
  } catch {
    allowed = false;
  }
  return allowed;
}

/** `run`, and the kernels as `k0`, `k1`, ... */
type Exports = Readonly<Record<string, (...numbers: number[]) => void>>;

/** A session that may have threads. */
export interface WasmSession extends Session {
  /** The number of threads that are ready: helpers take time to start, and until then the first thread works alone. */
  readonly threads: () => number;
}

/** Runs a plan as WebAssembly, in one memory, with as many threads as are ready. */
export function createWasmSession(...given: ConstructorParameters<typeof OnProcessor>): WasmSession {
  return new OnProcessor(...given);
}

class OnProcessor implements WasmSession {
  readonly plan: Plan;
  readonly device: DeviceInfo;
  readonly counters: Counters;
  readonly budget = BUDGET_MS;
  readonly pace = { chunk: 1 };
  private readonly code: WasmSection;
  private readonly helpers: Helpers | undefined;
  private readonly words: Int32Array;
  private readonly arenas: Map<string, Words>;
  private readonly exports: Exports;
  private readonly stop: (() => void) | undefined;
  /** The place of each program in the module. */
  private readonly index: ReadonlyMap<string, number>;
  /** Of each program: whether threads may share it, how much work it is, and how many kernels run. */
  private readonly shares: readonly boolean[];
  private readonly work: readonly number[];
  private readonly calls: readonly number[];
  private readonly sharing = new Sharing();
  private ended = false;
  /** Short runs, such as one token of a text, need no pause each. */
  private readonly rest = breather();

  constructor(plan: Plan, code: WasmSection, { reason, helpers }: { readonly reason: string; readonly helpers?: Helpers | undefined }) {
    this.plan = plan;
    this.code = code;
    this.index = new Map(code.programs.map((p, i) => [p.name, i]));
    this.shares = code.programs.map((p) => p.calls.some((c) => c.shared));
    this.work = code.programs.map((p) => p.calls.reduce((n, c) => n + c.work * timesOf(c), 0));
    this.calls = code.programs.map((p) => p.calls.reduce((n, c) => n + timesOf(c), 0));
    this.helpers = helpers && helpers.count > 0 && this.shares.includes(true) ? helpers : undefined;
    const bytes = Uint8Array.from(atob(code.module), (c) => c.charCodeAt(0));
    if (this.helpers) bytes[code.sharing] = SHARED;
    const module = new WebAssembly.Module(bytes);
    const memory = makeMemory(plan, code, this.helpers !== undefined);
    this.exports = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Exports;
    this.words = new Int32Array(memory.buffer);
    this.stop = this.helpers?.start(module, memory, this.most);
    this.arenas = new Map(
      plan.arenas.map((a) => {
        const View = a.dtype === 'f32' ? Float32Array : Int32Array;
        return [a.name, new View(memory.buffer, code.arenas[a.name] ?? 0, a.words)];
      }),
    );
    const size = plan.arenas.reduce((n, a) => n + a.words * BYTES, 0);
    this.counters = { dispatches: 0, submits: 0, buffers: plan.arenas.length, bindGroups: 0, bytes: size };
    this.device = { kind: 'cpu', name: `WebAssembly SIMD, ${this.most === 1 ? '1 thread' : `${this.most} threads`}`, reason };
  }

  /** Threads, once all have started. */
  private get most(): number {
    return 1 + (this.helpers?.count ?? 0);
  }

  threads(): number {
    return 1 + (this.helpers ? Atomics.load(this.words, this.code.control.ready / BYTES) : 0);
  }

  write(name: string, offset: number, data: Words): void {
    this.arena(name).set(data, offset);
  }

  read(name: string, offset: number, length: number): Promise<Words> {
    return Promise.resolve(this.arena(name).slice(offset, offset + length));
  }

  async run(programs: readonly string[], uniforms: StepUniforms): Promise<Float32Array> {
    const { counters, words, code } = this;
    // The helpers have ended: whoever waited for them would wait for ever.
    if (this.ended) throw destroyed();
    counters.submits++;
    const numbers = programs.map((name) => this.index.get(name) ?? -1);
    words.set(new Int32Array(uniforms.buffer, 0, (programs.length * UNIFORM_BYTES) / BYTES), code.uniforms / BYTES);
    words.set(numbers, code.control.steps / BYTES);
    words[code.control.count / BYTES] = programs.length;
    counters.dispatches += numbers.reduce((n, i) => n + (this.calls[i] ?? 0), 0);
    if (programs.length > 0) this.runAll(numbers);
    const trace = traceWords(this.plan) ? (this.arena('trace') as Float32Array).slice() : new Float32Array(0);
    await this.rest();
    return trace;
  }

  /** Runs every kernel by itself on this thread. Of a loop, the first place stands for all. */
  profile(name: string, { buffer }: StepUniforms): Promise<readonly number[]> {
    const { uniforms, scratch, programs } = this.code;
    this.words.set(new Int32Array(buffer, 0, UNIFORM_BYTES / BYTES), uniforms / BYTES);
    const calls = programs[this.index.get(name) ?? -1]?.calls ?? [];
    const timed = calls.map((c) => {
      const begin = performance.now();
      this.exports[`k${c.kernel}`]?.(0, c.points, uniforms, scratch, 0, ...c.addresses);
      return ((performance.now() - begin) / 1000) * timesOf(c);
    });
    return Promise.resolve(timed);
  }

  /** Runs programs, with the helpers or alone. */
  private runAll(programs: readonly number[]): void {
    const shareable = this.most > 1 && programs.some((i) => this.shares[i]) && this.threads() === this.most;
    const together = shareable && this.sharing.choose();
    const begin = performance.now();
    if (together) this.post((at) => Atomics.add(this.words, at, 1));
    this.exports['run']?.(0, together ? this.most : 1);
    if (shareable) this.sharing.learn(together, (performance.now() - begin) / programs.reduce((n, i) => n + (this.work[i] ?? 0), 0));
  }

  /** Changes the job of the helpers and wakes them. */
  private post(change: (at: number) => unknown): void {
    const at = this.code.control.job / BYTES;
    change(at);
    Atomics.notify(this.words, at);
  }

  destroy(): void {
    this.ended = true;
    if (this.helpers) this.post((at) => Atomics.store(this.words, at, STOP));
    this.stop?.();
    this.arenas.clear();
  }

  private arena(name: string): Words {
    const found = this.arenas.get(name);
    if (!found) throw new Error(`the plan has no arena '${name}'`);
    return found;
  }
}

function makeMemory(plan: Plan, { pages }: WasmSection, shared: boolean): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
  } catch (e) {
    if (!(e instanceof RangeError)) throw e;
    const largest = plan.arenas.reduce((a, b) => (b.words > a.words ? b : a));
    throw new DeviceError(`there is not enough memory for ${pages * 65_536} bytes`, 'NN603', smaller(largest.name));
  }
}
