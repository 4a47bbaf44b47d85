import { CompilerBug, at, get as lookUp } from '../base/errors.ts';
import { isVector, isVectorFn, scalarOf } from '../ir/kernel/functions.ts';
import { PLACE, type Expr, type ScalarType, type VectorFn } from '../ir/kernel/types.ts';
import { OP, get, invoke, memory, pickLanes, set, tee, constant, type Code, type ValType } from './encode.ts';
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
import { isUnbranched } from './repeated.ts';
import { loadKey } from './staging.ts';
import type { WasmModule } from './module.ts';

/** How a kernel sees memory. */
export interface WasmPlacement {
  readonly bindings: readonly unknown[];
  readonly places: ReadonlyMap<string, { readonly binding: number; readonly offset: number }>;
  readonly scalars: readonly { readonly name: string }[];
}

/**
 * Parameters before the addresses: start and end of the points of the outermost axis, the address of the step's uniforms, the thread's
 * scratch memory, and the place of the loop around the kernel.
 */
export const [FROM, TO, UNIFORMS, SCRATCH] = [0, 1, 2, 3];
const AT_PLACE = 4;
const WINDOWS = 5;
const WORD = 4;
const LANE: Partial<Readonly<Record<VectorFn, number>>> = { x: 0, y: 1, z: 2, w: 3 };

/** Writes expressions as the code of one function, whose locals hold the names of the kernel. */
export class ExpressionWriter {
  protected readonly module: WasmModule;
  protected readonly place: WasmPlacement;
  protected readonly params: readonly ValType[];
  protected readonly locals: ValType[] = [];
  protected readonly levels: Levels;
  protected readonly names = new Map<string, number>();
  private readonly uniforms: ReadonlyMap<string, number>;
  /** Scalars that are kept as vectors, of which the first is the value. */
  protected alwaysRepeated: ReadonlySet<string> = new Set();
  /** Loads that read from a copy. */
  protected readonly served = new Map<string, { readonly base: number; readonly sum: Linear }>();
  /** Places in memory are those of a later iteration of a loop. */
  protected ahead: { readonly loop: string; readonly by: number } | undefined;

  constructor(module: WasmModule, place: WasmPlacement) {
    this.module = module;
    this.place = place;
    this.params = Array.from({ length: WINDOWS + place.bindings.length }, () => 'i32');
    this.levels = new Levels({ local: () => this.local('i32'), atom: (e) => this.plain(e) });
    this.uniforms = new Map(place.scalars.map((s, i) => [s.name, (i + 1) * WORD]));
  }

  protected local(type: ValType): number {
    return this.params.length + this.locals.push(type) - 1;
  }

  /** The address of an element or a vector, with a constant offset. */
  protected address(buffer: string, index: Expr, vector: boolean): { readonly address: Code; readonly offset: number } {
    const served = this.served.get(loadKey(buffer, index, vector));
    if (served) return { address: this.levels.sum(served.base, served.sum), offset: this.shifted(served.sum).constant };
    const { binding, offset } = lookUp(this.place.places, buffer, 'buffer');
    const place = this.shifted(plus(times(linearOf(index), (vector ? 4 : 1) * WORD), { constant: offset * WORD, terms: [] }));
    const sum = this.levels.sum(WINDOWS + binding, place);
    // The constant goes into the instruction, unless the sum could be negative without it.
    const fixed = place.constant >= 0 && place.terms.every((t) => t.factor > 0);
    return fixed || place.constant === 0
      ? { address: sum, offset: place.constant }
      : { address: [sum, constant(place.constant), OP['i32.add']], offset: 0 };
  }

  private shifted(place: Linear): Linear {
    const factor = this.ahead && place.terms.find((t) => t.key === this.ahead?.loop)?.factor;
    return this.ahead && factor ? plus(place, { constant: factor * this.ahead.by, terms: [] }) : place;
  }

  protected expr(e: Expr): Code {
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
      case 'ref': {
        const value = get(this.levels.variable(e.name) ?? lookUp(this.names, e.name, 'name'));
        return this.alwaysRepeated.has(e.name) && e.type === 'f32' ? [value, laneOf('f32', 0)] : value;
      }
      case 'uniform':
        if (e.name === PLACE) return get(AT_PLACE);
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
    if (isUnbranched(e)) return [this.unbranched(e), laneOf('f32', 0)];
    if (fn === 'fma') {
      const [a, b, c] = codes();
      return [c ?? [], a ?? [], b ?? [], OP[wide ? 'f32x4.mul' : 'f32.mul'], OP[wide ? 'f32x4.add' : 'f32.add']];
    }
    if (fn === 'select') {
      const [condition, yes, no] = codes();
      return [yes ?? [], no ?? [], condition ?? [], wide ? OP['v128.bitselect'] : OP.select];
    }
    if (fn === 'f32' || fn === 'i32' || fn === 'u32' || fn === 'bool') return [codes(), conversion(type, fn)];
    if ((fn === 'max' || fn === 'min') && scalarOf(type) === 'f32' && wide)
      return extreme(fn, args as readonly [Expr, Expr], (a) => this.expr(a));
    if (fn === 'finite')
      return [codes(), OP[wide ? 'f32x4.abs' : 'f32.abs'], literalCode('f32', Infinity, wide), OP[wide ? 'f32x4.lt' : 'f32.lt']];
    if (fn === 'before') return this.before(at(args, 0), at(args, 1), wide);
    const single = instruction(fn, type);
    if (single) return [codes(), single];
    const scalar = scalarOf(type);
    if ((fn === 'max' || fn === 'min') && !wide) return integerExtreme(fn, scalar, codes(), [this.local('i32'), this.local('i32')]);
    if (wide && (scalar !== 'f32' || fn === 'fmod')) return this.byLane(e, scalar);
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

  /** a < b, or b is NaN and a is not; only NaN differs from itself. */
  private before(a: Expr, b: Expr, wide: boolean): Code {
    const [x, y] = [this.local(valType(a.type)), this.local(valType(b.type))];
    const compare = (how: 'lt' | 'eq' | 'ne', p: number, q: number): Code => [get(p), get(q), OP[`${wide ? 'f32x4' : 'f32'}.${how}`]];
    const [and, or] = wide ? [OP['v128.and'], OP['v128.or']] : [OP['i32.and'], OP['i32.or']];
    return [this.expr(a), set(x), this.expr(b), set(y), compare('lt', x, y), compare('ne', y, y), compare('eq', x, x), and, or];
  }

  /** A scalar as the first of a vector. */
  private unbranched({ fn, args }: Extract<Expr, { kind: 'call' }>): Code {
    const vector = (e: Expr): Code => this.repeated(e, 'f32');
    if (fn === 'max' || fn === 'min') return extreme(fn, args as readonly [Expr, Expr], vector);
    const [condition, yes, no] = args as readonly [Expr, Expr, Expr];
    return [vector(yes), vector(no), this.mask(condition), OP['v128.bitselect']];
  }

  /** A condition on floats as a mask. */
  private mask(e: Expr): Code {
    const { fn, args } = e as Extract<Expr, { kind: 'call' }>;
    const compare = fn === 'lt' || fn === 'le' || fn === 'eq' ? OP[`f32x4.${fn}`] : undefined;
    if (compare) return [args.map((a) => this.repeated(a, 'f32')), compare];
    return [args.map((a) => this.mask(a)), OP[fn === 'and' ? 'v128.and' : fn === 'or' ? 'v128.or' : 'v128.not']];
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
    const summed = fn === 'vec4' && scalar === 'f32' ? args.flatMap((a) => (a.kind === 'call' && a.fn === 'sum4' ? a.args : [])) : [];
    if (summed.length === 4) return this.sumsOf(summed);
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

  /** The sums of four vectors: rows and columns change places, and then vectors are added in the order in which `sum4` adds elements. */
  private sumsOf(vectors: readonly Expr[]): Code {
    const statements: Code[] = [];
    const keep = (value: Code): Code => {
      const local = this.local('v128');
      statements.push(value, set(local));
      return get(local);
    };
    const [a = [], b = [], c = [], d = []] = vectors.map((v) => keep(this.expr(v)));
    const halves = [pickLanes(0, 4, 1, 5), pickLanes(2, 6, 3, 7)].map((half) => [keep([a, b, half]), keep([c, d, half])]);
    const sums = halves.map((pair): Code => [pair, pickLanes(0, 1, 4, 5), pair, pickLanes(2, 3, 6, 7), OP['f32x4.add']]);
    return [statements, sums, OP['f32x4.add']];
  }

  /** Splats a scalar: from memory or out of a vector in one instruction. */
  protected repeated(e: Expr, scalar: ScalarType): Code {
    if (e.kind === 'literal') return literalCode(e.type, e.value, true);
    if (e.kind === 'ref' && this.alwaysRepeated.has(e.name)) return get(lookUp(this.names, e.name, 'name'));
    if (e.kind === 'call' && isUnbranched(e)) return this.unbranched(e);
    if (e.kind === 'uniform' && scalar !== 'bool' && e.name !== PLACE)
      return [get(UNIFORMS), memory('v128.load32_splat', this.uniformOffset(e.name))];
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

/** The larger or smaller one of each pair. With a literal one instruction is enough: it passes on NaN if the other operand is a number. */
function extreme(fn: 'max' | 'min', [a, b]: readonly [Expr, Expr], code: (e: Expr) => Code): Code {
  const one = OP[fn === 'max' ? 'f32x4.pmax' : 'f32x4.pmin'];
  if (literalOf(b) !== undefined) return [code(a), code(b), one];
  return literalOf(a) !== undefined ? [code(b), code(a), one] : [code(a), code(b), OP[fn === 'max' ? 'f32x4.max' : 'f32x4.min']];
}
