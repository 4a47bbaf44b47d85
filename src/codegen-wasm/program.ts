import { CompilerBug, get as lookUp } from '../base/errors.ts';
import { OP, atomic, constant, get, ifThen, invoke, repeatWhile, set, tee, type Code } from './encode.ts';
import { runsOf, type Repeat } from '../sections.ts';
import type { WasmModule } from './module.ts';

/** One run of a kernel on its data. */
export interface KernelCall {
  /** The index of the kernel's function. */
  readonly fn: number;
  /** The addresses of its bindings, in bytes. */
  readonly addresses: readonly number[];
  /** Points of the outermost axis. */
  readonly points: number;
  /** Whether it is worth dividing among threads. */
  readonly shared: boolean;
  readonly loop?: Repeat;
}

/** The control block: byte addresses of the words by which threads synchronise. */
export interface Control {
  /** Counts the chunks handed out; {@link STOP} ends the threads. */
  readonly job: number;
  /** The number of steps in the chunk, then the program index of each step. */
  readonly count: number;
  readonly steps: number;
  /** Helpers that have started. */
  readonly ready: number;
  readonly arrived: number;
  readonly round: number;
  readonly sleepers: number;
  /** The next piece of the shared kernel. */
  readonly ticket: number;
}

/** Byte addresses that programs need. */
export interface MemoryMap {
  readonly uniforms: number;
  readonly control: Control;
  /** Scratch memory of the first thread, and its size per thread. */
  readonly scratch: number;
  readonly own: number;
}

const WORD = 4;
/** The distance between words, so that threads polling one do not slow down the others. */
const LINE = 64;
export const STOP = -1;
const UNIFORM_BYTES = 256;

/** The control block at an address, and its size in bytes. */
export function controlAt(address: number, chunk: number): Control & { readonly bytes: number } {
  const line = (i: number): number => address + i * LINE;
  return {
    job: line(0),
    ready: line(1),
    arrived: line(2),
    round: line(3),
    sleepers: line(4),
    ticket: line(5),
    count: line(6),
    steps: line(7),
    bytes: 7 * LINE + chunk * WORD,
  };
}

/** How often a thread polls before it sleeps: some ten microseconds. */
const LOOKS = 4000;
/** Pieces of a shared kernel per thread; threads that are interrupted take fewer. */
const PIECES = 4;

const load = (address: number): Code => [constant(0), atomic('load', address)];
const store = (address: number, value: Code): Code => [constant(0), value, atomic('store', address)];
const addTo = (address: number, value: Code): Code => [constant(0), value, atomic('add', address)];
const wake = (address: number): Code => [constant(0), constant(-1), atomic('notify', address), 0x1a];
const op = (name: keyof typeof OP, ...operands: readonly Code[]): Code => [operands, OP[name]];

/** Waits while a word equals the value of a local: first polling, then asleep. */
function waitWhile(control: Control, address: number, seen: number, looks: number): Code {
  const same = op('i32.eq', load(address), get(seen));
  const asleep: Code = [constant(0), get(seen), [0x42, 0x7f], atomic('wait', address), 0x1a];
  return [
    [constant(0), set(looks)],
    repeatWhile([], [same, op('i32.lt_u', [op('i32.add', get(looks), constant(1)), tee(looks)], constant(LOOKS)), OP['i32.and']]),
    ifThen(same, [[addTo(control.sleepers, constant(1)), 0x1a], repeatWhile(asleep, same), [addTo(control.sleepers, constant(-1)), 0x1a]]),
  ];
}

/** No thread continues until all have arrived. */
function barrier(control: Control): { readonly body: Code; readonly locals: readonly 'i32'[] } {
  const [threads, seen, looks] = [0, 1, 2];
  const last = op('i32.eq', addTo(control.arrived, constant(1)), op('i32.sub', get(threads), constant(1)));
  return {
    locals: ['i32', 'i32'],
    body: [
      [load(control.round), set(seen)],
      last,
      0x04,
      0x40,
      [
        store(control.arrived, constant(0)),
        store(control.ticket, constant(0)),
        store(control.round, op('i32.add', get(seen), constant(1))),
      ],
      ifThen(load(control.sleepers), wake(control.round)),
      0x05,
      waitWhile(control, control.round, seen, looks),
      OP.end,
    ],
  };
}

function callAll(call: KernelCall, place: Code): Code {
  return [constant(0), constant(call.points), get(UNIFORMS), get(SCRATCH), place, call.addresses.map(constant), invoke(call.fn)];
}

/** Parameters of a program: the address of the step's uniforms and the thread's scratch memory. */
const [UNIFORMS, SCRATCH] = [0, 1];

/** The code of calls, which loops repeat: `run` makes that of calls of one loop, or of none, at a place. */
function repeated(calls: readonly KernelCall[], local: number, run: (calls: readonly KernelCall[], place: Code) => Code): Code {
  return runsOf(calls).map(({ times, items }) => {
    if (!items[0]?.loop) return run(items, constant(0));
    const again = op('i32.lt_u', [op('i32.add', get(local), constant(1)), tee(local)], constant(times));
    return [[constant(0), set(local)], repeatWhile([run(items, get(local))], again)];
  });
}

/** A step of one program on a single thread; the local holds the place of a loop. */
function alone(calls: readonly KernelCall[]): Code {
  return repeated(calls, 2, (part, place) => part.map((c) => callAll(c, place)));
}

/** A step of one program on all threads: (uniforms, scratch, rank, threads). The locals hold pieces and the place of a loop. */
function together(all: readonly KernelCall[], control: Control, barrierFn: number): Code {
  const [rank, threads, from, to, size, at] = [2, 3, 4, 5, 6, 7];
  const meet: Code = [get(threads), invoke(barrierFn)];
  const shared = (c: KernelCall, place: Code): Code => {
    const piece = op(
      'i32.div_u',
      op('i32.add', constant(c.points - 1), op('i32.mul', get(threads), constant(PIECES))),
      op('i32.mul', get(threads), constant(PIECES)),
    );
    const end = [op('i32.add', get(from), get(size)), tee(to), constant(c.points), get(to), constant(c.points), OP['i32.lt_u'], OP.select];
    return [
      [piece, set(size)],
      // A loop inside a block, which it leaves when no piece is left.
      [0x02, 0x40, 0x03, 0x40],
      [op('i32.mul', addTo(control.ticket, constant(1)), get(size)), tee(from), constant(c.points), OP['i32.ge_u'], 0x0d, 1],
      [get(from), end, get(UNIFORMS), get(SCRATCH), place, c.addresses.map(constant), invoke(c.fn)],
      [0x0c, 0, OP.end, OP.end],
    ];
  };
  return repeated(all, at, (calls, place) => {
    const code: Code[] = [];
    let i = 0;
    while (i < calls.length) {
      const next = calls[i];
      if (!next) throw new CompilerBug('no call');
      if (next.shared) {
        code.push(shared(next, place));
        i++;
      } else {
        // Small kernels run on the first thread, up to the next shared kernel.
        const run: KernelCall[] = [];
        for (let c = calls[i]; c && !c.shared; c = calls[++i]) run.push(c);
        code.push(
          ifThen(
            op('i32.eqz', get(rank)),
            run.map((c) => callAll(c, place)),
          ),
        );
      }
      code.push(meet);
    }
    return code;
  });
}

/**
 * Adds the functions that run whole programs: `run(rank, threads)` runs the steps of the chunk in the control block, together with all
 * threads if there are several; `work(rank, threads)` does so for every chunk until it is told to stop.
 */
export function addPrograms(
  module: WasmModule,
  programs: readonly (readonly KernelCall[])[],
  memory: MemoryMap,
): ReadonlyMap<string, number> {
  const { uniforms, control, scratch, own } = memory;
  const { body, locals } = barrier(control);
  const barrierFn = module.add({ params: ['i32'], result: undefined, locals, body });
  const single = programs.map((calls) => module.add({ params: ['i32', 'i32'], result: undefined, locals: ['i32'], body: alone(calls) }));
  const joint = programs.map((calls) =>
    calls.some((c) => c.shared)
      ? module.add({
          params: ['i32', 'i32', 'i32', 'i32'],
          result: undefined,
          locals: ['i32', 'i32', 'i32', 'i32'],
          body: together(calls, control, barrierFn),
        })
      : undefined,
  );
  const [rank, threads, slot, program, now, count] = [0, 1, 2, 3, 4, 5];
  const mine = op('i32.add', op('i32.mul', get(rank), constant(own)), constant(scratch));
  const choose = programs.map((_, i) => {
    const one: Code = [get(now), mine, invoke(lookUp(new Map(single.entries()), i))];
    const all = joint[i];
    const many: Code =
      all === undefined
        ? [ifThen(op('i32.eqz', get(rank)), one), get(threads), invoke(barrierFn)]
        : [get(now), mine, get(rank), get(threads), invoke(all)];
    const byThreads: Code = [op('i32.eq', get(threads), constant(1)), 0x04, 0x40, one, 0x05, many, OP.end];
    return ifThen(op('i32.eq', get(program), constant(i)), byThreads);
  });
  const run = module.add({
    params: ['i32', 'i32'],
    result: undefined,
    locals: ['i32', 'i32', 'i32', 'i32'],
    // The count is read once: after the last step the host may already write the next one.
    body: [
      [load(control.count), set(count)],
      repeatWhile(
        [
          [op('i32.add', op('i32.mul', get(slot), constant(UNIFORM_BYTES)), constant(uniforms)), set(now)],
          [op('i32.mul', get(slot), constant(WORD)), atomic('load', control.steps), set(program)],
          choose,
        ],
        op('i32.lt_u', [op('i32.add', get(slot), constant(1)), tee(slot)], get(count)),
      ),
    ],
  });
  const [seen, looks] = [2, 3];
  const work = module.add({
    params: ['i32', 'i32'],
    result: undefined,
    locals: ['i32', 'i32'],
    body: [
      [load(control.job), set(seen)],
      [addTo(control.ready, constant(1)), 0x1a],
      [0x03, 0x40],
      waitWhile(control, control.job, seen, looks),
      [load(control.job), set(seen)],
      ifThen(op('i32.eq', get(seen), constant(STOP)), OP.return),
      [get(rank), get(threads), invoke(run)],
      [0x0c, 0, OP.end],
    ],
  });
  return new Map([
    ['run', run],
    ['work', work],
  ]);
}
