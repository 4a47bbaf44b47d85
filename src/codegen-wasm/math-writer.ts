import {
  OP,
  constant,
  extractLane,
  floatConstant,
  get,
  ifThen,
  integerVector,
  invoke,
  replaceLane,
  set,
  vectorConstant,
  type Code,
  type OpName,
  type ValType,
} from './encode.ts';

/** Arithmetic on floats and their bits: each name has a scalar instruction and one for four lanes. */
const BOTH = {
  add: ['f32.add', 'f32x4.add'],
  sub: ['f32.sub', 'f32x4.sub'],
  mul: ['f32.mul', 'f32x4.mul'],
  div: ['f32.div', 'f32x4.div'],
  neg: ['f32.neg', 'f32x4.neg'],
  abs: ['f32.abs', 'f32x4.abs'],
  sqrt: ['f32.sqrt', 'f32x4.sqrt'],
  floor: ['f32.floor', 'f32x4.floor'],
  nearest: ['f32.nearest', 'f32x4.nearest'],
  eq: ['f32.eq', 'f32x4.eq'],
  ne: ['f32.ne', 'f32x4.ne'],
  lt: ['f32.lt', 'f32x4.lt'],
  le: ['f32.le', 'f32x4.le'],
  and: ['i32.and', 'v128.and'],
  or: ['i32.or', 'v128.or'],
  iadd: ['i32.add', 'i32x4.add'],
  isub: ['i32.sub', 'i32x4.sub'],
  ieq: ['i32.eq', 'i32x4.eq'],
  /** Float to integer, and back. */
  whole: ['i32.trunc_sat_f32_s', 'i32x4.trunc_sat_f32x4_s'],
  float: ['f32.convert_i32_s', 'f32x4.convert_i32x4_s'],
} as const satisfies Readonly<Record<string, readonly [OpName, OpName]>>;

const SHIFT = {
  shl: ['i32.shl', 'i32x4.shl'],
  shr: ['i32.shr_s', 'i32x4.shr_s'],
  shru: ['i32.shr_u', 'i32x4.shr_u'],
} as const satisfies Readonly<Record<string, readonly [OpName, OpName]>>;

/** Where a formula is written: a function of its own, or a kernel. */
export interface Place {
  readonly local: (type: ValType) => number;
  /** Inlines another function of vectors; undefined if it should be called. */
  readonly inline: ((name: string, args: readonly Code[]) => Code) | undefined;
  /** The index of another function of the library. */
  readonly library: (name: string) => number;
}

/** Writes a function of floats once for both scalars and vectors of four. Operands are code that computes their value. */
export class MathWriter {
  readonly wide: boolean;
  /** The code of everything that is kept, in order. */
  readonly statements: Code[] = [];
  private readonly place: Place;

  constructor(wide: boolean, place: Place) {
    this.wide = wide;
    this.place = place;
  }

  op(name: keyof typeof BOTH, ...operands: readonly Code[]): Code {
    return [operands, OP[BOTH[name][this.wide ? 1 : 0]]];
  }

  shift(name: keyof typeof SHIFT, value: Code, by: number): Code {
    return [value, constant(by), OP[SHIFT[name][this.wide ? 1 : 0]]];
  }

  float(value: number): Code {
    return this.wide ? vectorConstant(value) : floatConstant(value);
  }

  whole(value: number): Code {
    return this.wide ? integerVector(value) : constant(value);
  }

  /** Computes a float now and returns code that reads it. */
  keep(value: Code): Code {
    return this.hold(value, 'f32');
  }

  /** The same for integers and conditions. */
  keepWhole(value: Code): Code {
    return this.hold(value, 'i32');
  }

  private hold(value: Code, type: ValType): Code {
    const local = this.place.local(this.wide ? 'v128' : type);
    this.statements.push(value, set(local));
    return get(local);
  }

  select(condition: Code, yes: Code, no: Code): Code {
    return [yes, no, condition, this.wide ? OP['v128.bitselect'] : OP.select];
  }

  /** Minimum with a bound, and maximum below; NaN if `x` is NaN. */
  atMost(x: Code, bound: number): Code {
    if (this.wide) return [x, this.float(bound), OP['f32x4.pmin']];
    return this.select(this.op('lt', this.float(bound), x), this.float(bound), x);
  }

  atLeast(x: Code, bound: number): Code {
    if (this.wide) return [x, this.float(bound), OP['f32x4.pmax']];
    return this.select(this.op('lt', x, this.float(bound)), this.float(bound), x);
  }

  bits(x: Code): Code {
    return this.wide ? x : [x, OP['i32.reinterpret_f32']];
  }

  fromBits(x: Code): Code {
    return this.wide ? x : [x, OP['f32.reinterpret_i32']];
  }

  /** Calls an integer function for each element; for vectors only if `where` holds in some lane, else the result is arbitrary. */
  integerCall(name: string, operand: Code, where: Code): Code {
    const index = this.place.library(name);
    if (!this.wide) return [operand, invoke(index)];
    const [given, result] = [this.keepWhole(operand), this.place.local('v128')];
    const lanes = [0, 1, 2, 3].map((lane): Code => [
      get(result),
      given,
      extractLane('i32', lane),
      invoke(index),
      replaceLane('i32', lane),
      set(result),
    ]);
    this.statements.push(ifThen([where, OP['v128.any_true']], lanes));
    return get(result);
  }

  /** c[0] x^(n-1) + ... + c[n-1], by Horner's rule. */
  polynomial(x: Code, coefficients: readonly number[]): Code {
    return coefficients.map((c) => this.float(c)).reduce((sum, c) => this.op('add', this.op('mul', sum, x), c));
  }

  /** Another function of the library. */
  call(name: string, operand: Code): Code {
    if (this.place.inline) return this.place.inline(name, [operand]);
    return [operand, invoke(this.place.library(this.wide ? `${name}/x4` : name))];
  }
}
