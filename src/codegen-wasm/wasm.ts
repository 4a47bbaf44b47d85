import { CompilerBug, at, get as lookUp } from '../base/errors.ts';
import { ref } from '../ir/kernel/build.ts';
import { isVector, scalarOf } from '../ir/kernel/functions.ts';
import { endsOfRounds } from '../ir/kernel/rounds.ts';
import type { Axis, Kernel, Stmt } from '../ir/kernel/types.ts';
import { OP, constant, get, ifThen, inBlock, leaveIf, memory, repeatWhile, set, tee, type Code, type ValType } from './encode.ts';
import { ExpressionWriter, FROM, SCRATCH, TO, type WasmPlacement } from './expressions.ts';
import { valType } from './instructions.ts';
import { ZERO } from './levels.ts';
import { repeatedNames } from './repeated.ts';
import { copiesOf } from './rounds.ts';
import { WAITING_BYTES, loadKey, scratchOf, stagingOf, type Copy, type Loop, type Panel, type Staging } from './staging.ts';
import type { WasmModule } from './module.ts';

/** A kernel as a function of a module. */
export interface WasmKernel {
  readonly fn: number;
  /** Points of the axis that threads divide, which may be any one because points may run in any order. */
  readonly points: number;
  /** Bytes of scratch memory per thread. */
  readonly scratch: number;
}

/**
 * Adds a kernel to a module, as a function of (from, to, uniforms, scratch, place, addresses...) that runs the points `from` to `to` (exclusive)
 * of the axis that threads divide; without axes it runs its only point. Addresses are in bytes.
 */
export function addKernel(module: WasmModule, kernel: Kernel, place: WasmPlacement): WasmKernel {
  return new KernelWriter(module, place).write(kernel);
}

/** Shorter axes leave threads without work. */
const ENOUGH = 16;

/** The axis that threads divide: the first long one. */
function sharedOf(axes: readonly Axis[]): Axis | undefined {
  return axes.find((a) => a.extent >= ENOUGH) ?? axes.reduce<Axis | undefined>((a, b) => (a && a.extent >= b.extent ? a : b), undefined);
}

class KernelWriter extends ExpressionWriter {
  /** From where to where loops go, if not through all of their iterations. */
  private readonly ranges = new Map<string, { readonly start: Code; readonly end: Code; readonly extent: number }>();

  write(kernel: Kernel): WasmKernel {
    if (kernel.lanes > 1) throw new CompilerBug(`kernel ${kernel.name} shares points among lanes, of which WebAssembly has none`);
    this.alwaysRepeated = repeatedNames(kernel);
    const staging = stagingOf(kernel);
    const staged = staging ? [staging.streamed, staging.resident, ...staging.within] : [];
    const others = kernel.axes.filter((a) => !staged.includes(a));
    const shared = sharedOf(staging ? [...others, staging.divided] : kernel.axes);
    const axes = staging ? [...others, staging.divided] : kernel.axes.toSorted((a, b) => Number(b === shared) - Number(a === shared));
    const nest = (depth: number): Code => {
      const axis = axes[depth];
      if (!axis) return this.block(kernel.body);
      const [start, end]: readonly [Code, Code] = axis === shared ? [get(FROM), get(TO)] : [ZERO, constant(axis.extent)];
      if (axis === staging?.divided) return this.staged(staging, kernel.body, start, end);
      return this.levels.loop(axis.name, start, end, () => nest(depth + 1));
    };
    const body = nest(0);
    const fn = this.module.add({ params: this.params, result: undefined, locals: this.locals, body: [this.levels.prologue, body] });
    return { fn, points: shared?.extent ?? 1, scratch: staging ? scratchOf(staging, kernel.body).bytes : 0 };
  }

  /** The points of the divided axis from `first` to `last`: the streamed one goes by in blocks for each point of the resident one. */
  private staged(staging: Staging, body: readonly Stmt[], first: Code, last: Code): Code {
    const { streamed, resident, within, divided, loops, block, parts, ofStreamed, ofResident } = staging;
    const rangeOf = (axis: Axis): readonly [Code, Code] => (axis === divided ? [first, last] : [ZERO, constant(axis.extent)]);
    const [start, end] = rangeOf(streamed);
    const scratch = scratchOf(staging, body);
    const [from, to, out] = [this.local('i32'), this.local('i32'), this.local('i32')];
    const [streamedBase, residentBase, waiting] = [this.local('i32'), this.local('i32'), this.local('i32')];
    const outermost = at(loops, 0);
    const part = `part of ${outermost.name}`;
    const length = outermost.extent / parts;
    const moved = (pointer: number, bytes: number): Code => [get(pointer), constant(bytes), OP['i32.add'], set(pointer)];
    const through = (body: () => Code, depth = 0): Code => {
      const loop = loops[depth];
      return loop ? this.loopOf(loop, () => through(body, depth + 1)) : body();
    };
    const copied = (panel: Panel): Code => through(() => [panel.copies.map((c) => this.copy(c, out)), moved(out, panel.round)]);
    /** The stride of each loop in a copy, in bytes. */
    const steps = (panel: Panel): (readonly [name: string, bytes: number])[] =>
      loops.map((l, i) => [l.name, loops.slice(i + 1).reduce((n, inner) => n * inner.extent, panel.round)]);
    const serve = (panel: Panel | undefined, base: number, terms: readonly (readonly [name: string, bytes: number])[]): void =>
      panel?.loads.forEach(({ buffer, index, vector, place }) => {
        const sum = terms.map(([name, factor]) => ({ factor, key: name, atom: ref('u32', name) }));
        this.served.set(loadKey(buffer, index, vector), { base, sum: { constant: place, terms: sum } });
      });
    const eachPoint = (body: () => Code): Code => this.levels.loop(streamed.name, get(from), get(to), body);
    /** What is copied of a block lies in memory point by point, or iteration by iteration. */
    const copiedBlock = (panel: Panel): Code => {
      if (!panel.across) return eachPoint(() => copied(panel));
      const point = this.local('i32');
      const one = (): Code => [panel.copies.map((c) => this.copy(c, point)), moved(point, scratch.each)];
      return through(() => [[get(out), set(point)], eachPoint(one), moved(out, panel.round)]);
    };
    const copies = ofStreamed ? copiedBlock(ofStreamed) : [];
    const products = (now: number | undefined): Code => {
      const startOfPart: Code = now === undefined ? ZERO : [get(now), constant(length), OP['i32.mul']];
      if (now !== undefined)
        this.ranges.set(outermost.name, { start: startOfPart, end: [startOfPart, constant(length), OP['i32.add']], extent: length });
      const toResident: Code = [get(SCRATCH), constant(scratch.resident), OP['i32.add']];
      const stride = ofResident ? (steps(ofResident)[0]?.[1] ?? 0) : 0;
      const copy: Code = ofResident
        ? [
            [toResident, set(out), copied(ofResident)],
            // Iterations are numbered from 0, but the copy starts at the part's first one.
            [toResident, startOfPart, constant(stride), OP['i32.mul'], OP['i32.sub'], set(residentBase)],
          ]
        : [];
      serve(ofStreamed, streamedBase, ofStreamed ? [[streamed.name, scratch.each], ...steps(ofStreamed)] : []);
      serve(ofResident, residentBase, ofResident ? steps(ofResident) : []);
      const one = (): Code => (now === undefined ? this.block(body) : this.inParts(body, scratch.sums, now, parts, waiting));
      const all = within.reduceRight<() => Code>(
        (inner, axis) => () => this.levels.loop(axis.name, ZERO, constant(axis.extent), inner),
        () => this.levels.loop(streamed.name, get(from), get(to), one),
      )();
      this.served.clear();
      this.ranges.clear();
      return [copy, [get(SCRATCH), constant(scratch.waiting), OP['i32.add'], set(waiting)], all];
    };
    const rows = this.levels.loop(resident.name, ...rangeOf(resident), () =>
      parts === 1 ? products(undefined) : this.levels.loop(part, ZERO, constant(parts), () => products(this.levels.variable(part))),
    );
    const next: Code = [get(from), constant(block), OP['i32.add']];
    return [
      [start, set(from)],
      repeatWhile(
        [
          [next, tee(to), end, get(to), end, OP['i32.lt_u'], OP.select, set(to)],
          // Points are numbered from 0, but their copies start at the block's first one.
          [get(SCRATCH), get(from), constant(scratch.each), OP['i32.mul'], OP['i32.sub'], set(streamedBase)],
          [get(SCRATCH), set(out)],
          copies,
          rows,
        ],
        [get(to), tee(from), end, OP['i32.lt_u']],
      ),
    ];
  }

  /** A part of the sums of a point: those of the parts before are read, and unless it is the last one, its own wait in memory. */
  private inParts(body: readonly Stmt[], sums: readonly string[], part: number, parts: number, waiting: number): Code {
    const loop = body.findIndex((s) => s.kind === 'for');
    const before = this.block(body.slice(0, loop));
    const places = sums.map((name, i) => {
      const local = lookUp(this.names, name, 'variable');
      return { local, type: at(this.locals, local - this.params.length), place: i * WAITING_BYTES };
    });
    const read = places.map(({ local, type, place }): Code => [get(waiting), memory(`${type}.load`, place), set(local)]);
    const written = places.map(({ local, type, place }): Code => [get(waiting), get(local), memory(`${type}.store`, place)]);
    return [
      before,
      ifThen(get(part), read),
      this.stmt(at(body, loop)),
      ifThen([get(part), constant(parts - 1), OP['i32.eq']], this.block(body.slice(loop + 1)), written),
      [get(waiting), constant(sums.length * WAITING_BYTES), OP['i32.add'], set(waiting)],
    ];
  }

  private copy({ first: { buffer, index, vector, place }, words }: Copy, to: number): Code {
    const { address, offset } = this.address(buffer, index, vector);
    const type = ({ 1: 'i32', 2: 'i64', 4: 'v128' } as const)[words];
    return [get(to), address, memory(`${type}.load`, offset), memory(`${type}.store`, place)];
  }

  private loop(s: Loop): Code {
    const copies = copiesOf({ ...s, extent: this.ranges.get(s.name)?.extent ?? s.extent });
    const body = (): Code => this.block(Array.from({ length: copies }, () => s.body).flat(), { loop: s.name, length: s.body.length });
    return this.loopOf(s, body, copies);
  }

  private loopOf({ name, extent }: Loop, body: () => Code, step = 1): Code {
    const { start, end } = this.ranges.get(name) ?? { start: ZERO, end: constant(extent) };
    return this.levels.loop(name, start, end, body, step);
  }

  /** Statements; with `copies`, those of several iterations of a loop. */
  private block(body: readonly Stmt[], copies?: { readonly loop: string; readonly length: number }): Code {
    const ends = endsOfRounds(body);
    const counter = this.levels.innermost;
    const write = (s: Stmt, i: number): Code => {
      const before = this.ahead;
      if (copies) this.ahead = { loop: copies.loop, by: Math.floor(i / copies.length) };
      const code = this.stmt(s);
      this.ahead = before;
      return code;
    };
    const last = ends.pop();
    if (last === undefined || ends.length === 0 || counter === undefined) return body.map(write);
    // Leaves the block if the loop's variable is a number that it never is, another one each time.
    const fence = (i: number): Code => leaveIf([get(counter), constant(-1 - ends.indexOf(i)), OP['i32.eq']]);
    const codes = body.map((s, i): Code => (ends.includes(i) ? [write(s, i), fence(i)] : write(s, i)));
    return [inBlock(codes.slice(0, last + 1)), codes.slice(last + 1)];
  }

  /** The local of a name, of which a copy of an iteration has another value. */
  private named(name: string, type: ValType): number {
    const before = this.names.get(name);
    const local = before !== undefined && this.locals[before - this.params.length] === type ? before : this.local(type);
    this.names.set(name, local);
    return local;
  }

  private stmt(s: Stmt): Code {
    switch (s.kind) {
      case 'let':
      case 'var': {
        if (this.alwaysRepeated.has(s.name)) {
          const wide = this.named(s.name, 'v128');
          return [this.repeated(s.value, scalarOf(s.value.type)), set(wide)];
        }
        const value = this.expr(s.value);
        return [value, set(this.named(s.name, valType(s.value.type)))];
      }
      case 'set':
        return [
          this.alwaysRepeated.has(s.name) ? this.repeated(s.value, scalarOf(s.value.type)) : this.expr(s.value),
          set(lookUp(this.names, s.name, 'variable')),
        ];
      case 'for':
        return this.loop(s);
      case 'if':
        return ifThen(this.expr(s.condition), this.block(s.body));
      case 'table':
        throw new CompilerBug(`WebAssembly has no tables of values (${s.name})`);
      case 'product':
        throw new CompilerBug('WebAssembly has no matrix units');
      case 'shared':
      case 'put':
      case 'barrier':
        throw new CompilerBug('WebAssembly has no workgroups');
      case 'combine':
        // There is only one lane, so nothing is left to combine.
        return [];
      case 'store': {
        const type = isVector(s.value.type) ? 'v128' : s.value.type === 'f32' ? 'f32' : 'i32';
        const { address, offset } = this.address(s.buffer, s.index, type === 'v128');
        return [address, this.expr(s.value), memory(`${type}.store`, offset)];
      }
    }
  }
}
