import { CompilerBug, at, get as lookUp } from '../base/errors.ts';
import { ref } from '../ir/kernel/build.ts';
import { isVector, isVectorFn, scalarOf } from '../ir/kernel/functions.ts';
import type { Axis, Expr, Kernel, ScalarType, Stmt, VectorFn } from '../ir/kernel/types.ts';
import { OP, constant, get, ifThen, invoke, memory, repeatWhile, set, tee, type Code, type ValType } from './encode.ts';
import {
  conversion,
  fourOf,
  instruction,
  integerExtreme,
  laneOf,
  literalCode,
  literalOf,
  repeatedLane,
  splat,
  valType,
} from './instructions.ts';
import { Levels, ZERO } from './levels.ts';
import { linearOf, plus, times, type Linear } from './linear.ts';
import { inlineFormula, isFormula, isLibraryFn, libraryFunction } from './math.ts';
import { repeatedNames } from './repeated.ts';
import { loadKey, stagingOf, type Panel, type Staged, type Staging } from './staging.ts';
import type { WasmModule } from './module.ts';

/** How a kernel sees memory. */
export interface WasmPlacement {
  readonly bindings: readonly unknown[];
  readonly places: ReadonlyMap<string, { readonly binding: number; readonly offset: number }>;
  readonly scalars: readonly { readonly name: string }[];
}

/**
 * Parameters before the addresses: start and end of the points of the outermost axis, the address of the step's uniforms, and the thread's
 * scratch memory.
 */
const [FROM, TO, UNIFORMS, SCRATCH] = [0, 1, 2, 3];
const WINDOWS = 4;
const WORD = 4;
const LANE: Partial<Readonly<Record<VectorFn, number>>> = { x: 0, y: 1, z: 2, w: 3 };

/** A kernel as a function of a module. */
export interface WasmKernel {
  readonly fn: number;
  /** Points of the outermost axis after reordering, which is allowed because points may run in any order. */
  readonly points: number;
  /** Bytes of scratch memory per thread. */
  readonly scratch: number;
}

/**
 * Adds a kernel to a module, as a function of (from, to, uniforms, scratch, addresses...) that runs the points `from` to `to` (exclusive)
 * of its outermost axis; without axes it runs its only point. Addresses are in bytes.
 */
export function addKernel(module: WasmModule, kernel: Kernel, place: WasmPlacement): WasmKernel {
  return new KernelWriter(module, place).write(kernel);
}

/** Shorter outermost axes leave threads without work. */
const ENOUGH = 16;

/** The axes, with a long one outermost, which threads divide. */
function longFirst(axes: readonly Axis[]): readonly Axis[] {
  const first =
    axes.find((a) => a.extent >= ENOUGH) ?? axes.reduce<Axis | undefined>((a, b) => (a && a.extent >= b.extent ? a : b), undefined);
  return first ? [first, ...axes.filter((a) => a !== first)] : axes;
}

class KernelWriter {
  private readonly module: WasmModule;
  private readonly place: WasmPlacement;
  private readonly params: readonly ValType[];
  private readonly locals: ValType[] = [];
  private readonly levels: Levels;
  private readonly names = new Map<string, number>();
  private readonly uniforms: ReadonlyMap<string, number>;
  /** Scalars that are only used splatted, so they are stored as vectors. */
  private alwaysRepeated: ReadonlySet<string> = new Set();
  /** Loads that read from a copy. */
  private readonly served = new Map<string, { readonly base: number; readonly sum: Linear }>();

  constructor(module: WasmModule, place: WasmPlacement) {
    this.module = module;
    this.place = place;
    this.params = Array.from({ length: WINDOWS + place.bindings.length }, () => 'i32');
    this.levels = new Levels({ local: () => this.local('i32'), atom: (e) => this.plain(e) });
    this.uniforms = new Map(place.scalars.map((s, i) => [s.name, (i + 1) * WORD]));
  }

  write(kernel: Kernel): WasmKernel {
    if (kernel.lanes > 1) throw new CompilerBug(`kernel ${kernel.name} shares points among lanes, of which WebAssembly has none`);
    this.alwaysRepeated = repeatedNames(kernel);
    const staging = stagingOf(kernel);
    const others = kernel.axes.filter((a) => a !== staging?.columns && a !== staging?.rows);
    const axes = staging ? [...others, staging.columns] : longFirst(kernel.axes);
    const nest = (depth: number): Code => {
      const axis = axes[depth];
      if (!axis) return this.block(kernel.body);
      const [start, end]: readonly Code[] = depth === 0 ? [get(FROM), get(TO)] : [ZERO, constant(axis.extent)];
      if (axis === staging?.columns) return this.staged(staging, kernel.body, start ?? [], end ?? []);
      return this.levels.loop(axis.name, start ?? [], end ?? [], () => nest(depth + 1));
    };
    const body = nest(0);
    const fn = this.module.add({ params: this.params, result: undefined, locals: this.locals, body: [this.levels.prologue, body] });
    return { fn, points: axes[0]?.extent ?? 1, scratch: staging?.bytes ?? 0 };
  }

  /** The columns from `start` to `end`, in blocks: within a block all rows, and for each row all columns of the block. */
  private staged({ columns, rows, loops, block, ofColumns, ofRows }: Staging, body: readonly Stmt[], start: Code, end: Code): Code {
    const [from, to, columnBase, rowBase, out] = [
      this.local('i32'),
      this.local('i32'),
      this.local('i32'),
      this.local('i32'),
      this.local('i32'),
    ];
    const copied = (panel: Panel, depth = 0): Code => {
      const loop = loops[depth];
      if (loop) return this.levels.loop(loop.name, ZERO, constant(loop.extent), () => copied(panel, depth + 1));
      return [panel.loads.map((l) => this.copy(l, out)), [get(out), constant(panel.round), OP['i32.add'], set(out)]];
    };
    /** The stride of each loop in a copy, in bytes. */
    const steps = (panel: Panel): (readonly [name: string, bytes: number])[] =>
      loops.map((l, i) => [l.name, loops.slice(i + 1).reduce((n, inner) => n * inner.extent, panel.round)]);
    const copies = this.levels.loop(columns.name, get(from), get(to), () => copied(ofColumns));
    const products = this.levels.loop(rows.name, ZERO, constant(rows.extent), () => {
      const copy: Code = ofRows ? [get(rowBase), set(out), copied(ofRows)] : [];
      const serve = (panel: Panel, base: number, terms: readonly (readonly [name: string, bytes: number])[]): void =>
        panel.loads.forEach(({ buffer, index, vector, place }) => {
          const sum = terms.map(([name, factor]) => ({ factor, key: name, atom: ref('u32', name) }));
          this.served.set(loadKey(buffer, index, vector), { base, sum: { constant: place, terms: sum } });
        });
      serve(ofColumns, columnBase, [[columns.name, ofColumns.bytes], ...steps(ofColumns)]);
      if (ofRows) serve(ofRows, rowBase, steps(ofRows));
      const all = this.levels.loop(columns.name, get(from), get(to), () => this.block(body));
      this.served.clear();
      return [copy, all];
    });
    const next: Code = [get(from), constant(block), OP['i32.add']];
    return [
      [get(SCRATCH), constant(block * ofColumns.bytes), OP['i32.add'], set(rowBase)],
      [start, set(from)],
      repeatWhile(
        [
          [next, tee(to), end, get(to), end, OP['i32.lt_u'], OP.select, set(to)],
          // Columns are numbered from 0, but their copies start at the block's first column.
          [get(SCRATCH), get(from), constant(ofColumns.bytes), OP['i32.mul'], OP['i32.sub'], set(columnBase)],
          [get(SCRATCH), set(out)],
          copies,
          products,
        ],
        [get(to), tee(from), end, OP['i32.lt_u']],
      ),
    ];
  }

  private copy({ buffer, index, vector, place }: Staged, to: number): Code {
    const { address, offset } = this.address(buffer, index, vector);
    return vector
      ? [get(to), address, memory('v128.load', offset), memory('v128.store', place)]
      : [get(to), address, memory('i32.load', offset), memory('i32.store', place)];
  }

  private local(type: ValType): number {
    return this.params.length + this.locals.push(type) - 1;
  }

  private block(body: readonly Stmt[]): Code {
    return body.map((s) => this.stmt(s));
  }

  private stmt(s: Stmt): Code {
    switch (s.kind) {
      case 'let':
      case 'var': {
        if (this.alwaysRepeated.has(s.name)) {
          const wide = this.local('v128');
          this.names.set(s.name, wide);
          return [this.repeated(s.value, scalarOf(s.value.type)), set(wide)];
        }
        const value = this.expr(s.value);
        const local = this.local(valType(s.value.type));
        this.names.set(s.name, local);
        return [value, set(local)];
      }
      case 'set':
        return [this.expr(s.value), set(lookUp(this.names, s.name, 'variable'))];
      case 'for':
        return this.levels.loop(s.name, ZERO, constant(s.extent), () => this.block(s.body));
      case 'if':
        return ifThen(this.expr(s.condition), this.block(s.body));
      case 'table':
        throw new CompilerBug(`WebAssembly has no tables of values (${s.name})`);
      case 'product':
        throw new CompilerBug('WebAssembly has no matrix units');
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

  /** The address of an element or a vector, with a constant offset. */
  private address(buffer: string, index: Expr, vector: boolean): { readonly address: Code; readonly offset: number } {
    const served = this.served.get(loadKey(buffer, index, vector));
    if (served) return { address: this.levels.sum(served.base, served.sum), offset: served.sum.constant };
    const { binding, offset } = lookUp(this.place.places, buffer, 'buffer');
    const place = plus(times(linearOf(index), (vector ? 4 : 1) * WORD), { constant: offset * WORD, terms: [] });
    const sum = this.levels.sum(WINDOWS + binding, place);
    // The constant goes into the instruction, unless the sum could be negative without it.
    const fixed = place.constant >= 0 && place.terms.every((t) => t.factor > 0);
    return fixed || place.constant === 0
      ? { address: sum, offset: place.constant }
      : { address: [sum, constant(place.constant), OP['i32.add']], offset: 0 };
  }

  private expr(e: Expr): Code {
    if (e.type === 'u32' && e.kind === 'call' && (e.fn === 'add' || e.fn === 'sub' || e.fn === 'mul')) {
      const sum = linearOf(e);
      // A product of two unknowns is not a sum.
      if (sum.terms.length !== 1 || sum.terms[0]?.atom !== e) {
        const code = this.levels.sum(undefined, sum);
        return sum.constant === 0 ? code : [code, constant(sum.constant), OP['i32.add']];
      }
    }
    return this.plain(e);
  }

  private plain(e: Expr): Code {
    switch (e.kind) {
      case 'literal':
        return literalCode(e.type, e.value, false);
      case 'ref':
        return get(this.levels.variable(e.name) ?? lookUp(this.names, e.name, 'name'));
      case 'uniform':
        return [get(UNIFORMS), memory(e.type === 'f32' ? 'f32.load' : 'i32.load', this.uniformOffset(e.name))];
      case 'load': {
        const type = isVector(e.type) ? 'v128' : e.type === 'f32' ? 'f32' : 'i32';
        const { address, offset } = this.address(e.buffer, e.index, type === 'v128');
        return [address, memory(`${type}.load`, offset)];
      }
      case 'item':
        throw new CompilerBug(`WebAssembly has no tables of values (${e.table})`);
      case 'call':
        return isVectorFn(e.fn) ? this.vectorCall(e.fn, e.args) : this.call(e);
    }
  }

  private uniformOffset(name: string): number {
    return name === 'slot' ? 0 : lookUp(this.uniforms, name, 'scalar');
  }

  private call(e: Extract<Expr, { kind: 'call' }>): Code {
    const { fn, args } = e;
    const type = args[0]?.type ?? e.type;
    const wide = isVector(type);
    const codes = (): Code[] => args.map((a) => this.expr(a));
    if (fn === 'fma') {
      const [a, b, c] = codes();
      return [c ?? [], a ?? [], b ?? [], OP[wide ? 'f32x4.mul' : 'f32.mul'], OP[wide ? 'f32x4.add' : 'f32.add']];
    }
    if (fn === 'select') {
      const [condition, yes, no] = codes();
      return [yes ?? [], no ?? [], condition ?? [], wide ? OP['v128.bitselect'] : OP.select];
    }
    if (fn === 'f32' || fn === 'i32' || fn === 'u32' || fn === 'bool') return [codes(), conversion(type, fn)];
    if ((fn === 'max' || fn === 'min') && scalarOf(type) === 'f32' && wide) {
      // With a literal one instruction is enough: it passes on NaN if the other operand is a number.
      const [a, b] = args as readonly [Expr, Expr];
      const one = OP[fn === 'max' ? 'f32x4.pmax' : 'f32x4.pmin'];
      if (literalOf(b) !== undefined) return [this.expr(a), this.expr(b), one];
      if (literalOf(a) !== undefined) return [this.expr(b), this.expr(a), one];
    }
    if (fn === 'finite')
      return [codes(), OP[wide ? 'f32x4.abs' : 'f32.abs'], literalCode('f32', Infinity, wide), OP[wide ? 'f32x4.lt' : 'f32.lt']];
    const single = instruction(fn, type);
    if (single) return [codes(), single];
    const scalar = scalarOf(type);
    if ((fn === 'max' || fn === 'min') && !wide) return integerExtreme(fn, scalar, codes(), [this.local('i32'), this.local('i32')]);
    if (wide && scalar !== 'f32') return this.byLane(e, scalar);
    if (fn === 'neg') return [ZERO, codes(), OP['i32.sub']];
    if (fn === 'abs') {
      const x = this.local('i32');
      return [codes(), tee(x), ZERO, get(x), OP['i32.sub'], get(x), ZERO, OP['i32.ge_s'], OP.select];
    }
    const name = fn === 'div' || fn === 'mod' ? (`i${fn}` as const) : fn;
    if (!isLibraryFn(name)) throw new CompilerBug(`${fn} of ${type} has no instruction`);
    if (wide && isFormula(name))
      return inlineFormula(
        name,
        codes(),
        (t) => this.local(t),
        (other) => libraryFunction(this.module, other),
      );
    return [codes(), invoke(libraryFunction(this.module, name))];
  }

  /** Computes lane by lane, if there is no instruction for four. */
  private byLane(e: Extract<Expr, { kind: 'call' }>, scalar: ScalarType): Code {
    const kept = e.args.map((a) => ({ code: this.expr(a), local: this.local('v128'), type: scalarOf(a.type) }));
    const lanes = [0, 1, 2, 3].map((lane): Code => {
      const args = kept.map(({ local, type }): Expr => {
        const name = `lane ${local} ${lane}`;
        const own = this.local(valType(type));
        this.names.set(name, own);
        return { kind: 'ref', type, name };
      });
      const loads = args.map((a, i) => {
        const { local, type } = at(kept, i);
        return [get(local), laneOf(type, lane), set(lookUp(this.names, a.kind === 'ref' ? a.name : '', 'lane'))];
      });
      return [loads, this.plain({ kind: 'call', type: scalarOf(e.type), fn: e.fn, args })];
    });
    return [kept.map(({ code, local }) => [code, set(local)]), fourOf(scalar, lanes)];
  }

  private vectorCall(fn: VectorFn, args: readonly Expr[]): Code {
    const [first] = args;
    if (!first) throw new CompilerBug(`${fn} of nothing`);
    const scalar = scalarOf(first.type);
    if (fn === 'vec4')
      return fourOf(
        scalar,
        args.map((a) => this.expr(a)),
      );
    if (fn === 'splat') return this.repeated(first, scalar);
    const lane = LANE[fn];
    if (lane !== undefined) return [this.expr(first), laneOf(scalar, lane)];
    const kept = this.local('v128');
    const type = scalar === 'f32' ? 'f32' : 'i32';
    const part = (i: number): Code => [get(kept), laneOf(scalar, i)];
    const join = (a: Code, b: Code): Code => {
      if (fn === 'sum4') return [a, b, OP[`${type}.add`]];
      return type === 'f32' ? [a, b, OP['f32.max']] : integerExtreme('max', scalar, [a, b], [this.local('i32'), this.local('i32')]);
    };
    return [this.expr(first), set(kept), join(join(part(0), part(1)), join(part(2), part(3)))];
  }

  /** Splats a scalar: from memory or out of a vector in one instruction. */
  private repeated(e: Expr, scalar: ScalarType): Code {
    if (e.kind === 'literal') return literalCode(e.type, e.value, true);
    if (e.kind === 'ref' && this.alwaysRepeated.has(e.name)) return get(lookUp(this.names, e.name, 'name'));
    if (e.kind === 'uniform' && scalar !== 'bool') return [get(UNIFORMS), memory('v128.load32_splat', this.uniformOffset(e.name))];
    if (e.kind === 'load') {
      const { address, offset } = this.address(e.buffer, e.index, false);
      return [address, memory('v128.load32_splat', offset)];
    }
    const lane = e.kind === 'call' && isVectorFn(e.fn) ? LANE[e.fn] : undefined;
    const vector = e.kind === 'call' ? e.args[0] : undefined;
    if (lane !== undefined && vector?.kind === 'ref') return repeatedLane(this.expr(vector), lane);
    return [this.expr(e), splat(scalar)];
  }
}
