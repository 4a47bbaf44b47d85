import { BYTES, UNIFORM_BYTES, traceWords, type Plan } from '../plan.ts';
import type { WasmSection } from '../sections.ts';
import { DeviceError, smaller } from './errors.ts';
import { pause } from './pause.ts';
import type { Counters, Session, StepUniforms, Words } from './session.ts';

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

/** After this many chunks the slower way is tried again, since the machine may have become less busy. */
const RETRY = 16;

/**
 * Decides whether to use helpers: on a busy machine, waiting for a descheduled thread takes longer than working alone. Both ways give the
 * same bits, so the faster one is used.
 */
class Pace {
  private readonly known: Record<'alone' | 'together', number> = { alone: 0, together: 0 };
  private chunks = 0;

  /** Whether to share the next chunk. */
  choose(): boolean {
    const { alone, together } = this.known;
    if (together === 0 || alone === 0) return together === 0;
    return together <= alone !== (++this.chunks % RETRY === 0);
  }

  /** Records how long a unit of work took, as a moving average. */
  learn(shared: boolean, time: number): void {
    const key = shared ? 'together' : 'alone';
    this.known[key] = this.known[key] === 0 ? time : (this.known[key] + time) / 2;
  }
}

interface Exports {
  readonly run: (rank: number, threads: number) => void;
}

/** A session that may have threads. */
export interface WasmSession extends Session {
  /** The number of threads that are ready: helpers take time to start, and until then the first thread works alone. */
  readonly threads: () => number;
}

/** Runs a plan as WebAssembly, in one memory, with as many threads as are ready. */
export function createWasmSession(
  plan: Plan,
  code: WasmSection,
  options: { readonly reason: string; readonly helpers?: Helpers | undefined },
): WasmSession {
  const shares = code.programs.map((p) => p.calls.some((c) => c.shared));
  const work = code.programs.map((p) => p.calls.reduce((n, c) => n + c.work, 0));
  const pace = new Pace();
  const helpers = options.helpers && options.helpers.count > 0 && shares.includes(true) ? options.helpers : undefined;
  const threads = 1 + (helpers?.count ?? 0);
  const bytes = Uint8Array.from(atob(code.module), (c) => c.charCodeAt(0));
  if (helpers) bytes[code.sharing] = SHARED;
  const module = new WebAssembly.Module(bytes);
  const memory = makeMemory(plan, code, helpers !== undefined);
  const { run } = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Exports;
  const words = new Int32Array(memory.buffer);
  const stop = helpers?.start(module, memory, threads);
  const arenas = new Map<string, Words>(
    plan.arenas.map((a) => {
      const View = a.dtype === 'f32' ? Float32Array : Int32Array;
      return [a.name, new View(memory.buffer, code.arenas[a.name] ?? 0, a.words)];
    }),
  );
  const arena = (name: string): Words => {
    const found = arenas.get(name);
    if (!found) throw new Error(`the plan has no arena '${name}'`);
    return found;
  };
  const counters: Counters = {
    dispatches: 0,
    submits: 0,
    buffers: plan.arenas.length,
    bindGroups: 0,
    bytes: plan.arenas.reduce((n, a) => n + a.words * BYTES, 0),
  };
  const index = new Map(code.programs.map((p, i) => [p.name, i]));
  const { control } = code;

  const there = (): number => 1 + (helpers ? Atomics.load(words, control.ready / BYTES) : 0);

  return {
    plan,
    threads: there,
    device: { kind: 'cpu', name: `WebAssembly SIMD, ${threads === 1 ? '1 thread' : `${threads} threads`}`, reason: options.reason },
    counters,
    budget: BUDGET_MS,
    pace: { chunk: 1 },
    write(name, offset, data) {
      arena(name).set(data, offset);
    },
    read: (name, offset, length) => Promise.resolve(arena(name).slice(offset, offset + length)),
    async run(programs: readonly string[], uniforms: StepUniforms) {
      counters.submits++;
      const numbers = programs.map((name) => index.get(name) ?? -1);
      words.set(new Int32Array(uniforms.buffer, 0, (programs.length * UNIFORM_BYTES) / BYTES), code.uniforms / BYTES);
      words.set(numbers, control.steps / BYTES);
      words[control.count / BYTES] = programs.length;
      counters.dispatches += numbers.reduce((n, i) => n + (code.programs[i]?.calls.length ?? 0), 0);
      const shareable = threads > 1 && numbers.some((i) => shares[i]) && there() === threads;
      const together = shareable && pace.choose();
      const begin = performance.now();
      if (together) {
        Atomics.add(words, control.job / BYTES, 1);
        Atomics.notify(words, control.job / BYTES);
      }
      if (programs.length > 0) run(0, together ? threads : 1);
      if (shareable) pace.learn(together, (performance.now() - begin) / numbers.reduce((n, i) => n + (work[i] ?? 0), 0));
      const trace = traceWords(plan) ? (arena('trace') as Float32Array).slice() : new Float32Array(0);
      await pause();
      return trace;
    },
    destroy() {
      if (helpers) {
        Atomics.store(words, control.job / BYTES, STOP);
        Atomics.notify(words, control.job / BYTES);
      }
      stop?.();
      arenas.clear();
    },
  };
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
