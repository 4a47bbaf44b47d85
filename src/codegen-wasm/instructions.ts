import { isVector, scalarOf } from '../ir/kernel/functions.ts';
import type { Expr, Fn, ScalarType, ValueType } from '../ir/kernel/types.ts';
import {
  OP,
  broadcastLane,
  constant,
  extractLane,
  floatConstant,
  get,
  integerVector,
  replaceLane,
  tee,
  vectorConstant,
  type Code,
  type OpName,
  type ValType,
} from './encode.ts';

/** How kernel IR values are represented: integers and conditions as i32, vectors as v128, with masks for conditions. */
export function valType(type: ValueType): ValType {
  return isVector(type) ? 'v128' : type === 'f32' ? 'f32' : 'i32';
}

/**
 * The instructions of a function for f32, i32 and u32 (bool counts as i32), for scalars and then for vectors; undefined if there is none.
 */
type Row = readonly [f32: OpName | undefined, i32: OpName | undefined, u32: OpName | undefined];
const ints = (name: OpName): Row => [undefined, name, name];
const SCALAR: Partial<Readonly<Record<Fn, Row>>> = {
  neg: ['f32.neg', undefined, undefined],
  abs: ['f32.abs', undefined, undefined],
  sqrt: ['f32.sqrt', undefined, undefined],
  floor: ['f32.floor', undefined, undefined],
  add: ['f32.add', 'i32.add', 'i32.add'],
  sub: ['f32.sub', 'i32.sub', 'i32.sub'],
  mul: ['f32.mul', 'i32.mul', 'i32.mul'],
  div: ['f32.div', undefined, 'i32.div_u'],
  mod: [undefined, undefined, 'i32.rem_u'],
  max: ['f32.max', undefined, undefined],
  min: ['f32.min', undefined, undefined],
  lt: ['f32.lt', 'i32.lt_s', 'i32.lt_u'],
  le: ['f32.le', 'i32.le_s', 'i32.le_u'],
  eq: ['f32.eq', 'i32.eq', 'i32.eq'],
  and: ints('i32.and'),
  or: ints('i32.or'),
  not: ints('i32.eqz'),
};
const WIDE: Partial<Readonly<Record<Fn, Row>>> = {
  neg: ['f32x4.neg', 'i32x4.neg', undefined],
  abs: ['f32x4.abs', 'i32x4.abs', undefined],
  sqrt: ['f32x4.sqrt', undefined, undefined],
  floor: ['f32x4.floor', undefined, undefined],
  add: ['f32x4.add', 'i32x4.add', 'i32x4.add'],
  sub: ['f32x4.sub', 'i32x4.sub', 'i32x4.sub'],
  mul: ['f32x4.mul', 'i32x4.mul', 'i32x4.mul'],
  div: ['f32x4.div', undefined, undefined],
  max: ['f32x4.max', 'i32x4.max_s', 'i32x4.max_u'],
  min: ['f32x4.min', 'i32x4.min_s', 'i32x4.min_u'],
  lt: ['f32x4.lt', 'i32x4.lt_s', 'i32x4.lt_u'],
  le: ['f32x4.le', 'i32x4.le_s', 'i32x4.le_u'],
  eq: ['f32x4.eq', 'i32x4.eq', 'i32x4.eq'],
  and: ints('v128.and'),
  or: ints('v128.or'),
  not: ints('v128.not'),
};

/** The instruction of a function for operands of a type, if there is a single one. */
export function instruction(fn: Fn, type: ValueType): Code | undefined {
  const column = { f32: 0, i32: 1, u32: 2, bool: 1 }[scalarOf(type)];
  const name = (isVector(type) ? WIDE : SCALAR)[fn]?.[column];
  return name && OP[name];
}

/** Conversions between types, by element. Missing pairs need no instruction. */
const TO_SCALAR: Readonly<Record<string, readonly OpName[]>> = {
  'f32 i32': ['i32.trunc_sat_f32_s'],
  'f32 u32': ['i32.trunc_sat_f32_u'],
  'i32 f32': ['f32.convert_i32_s'],
  'u32 f32': ['f32.convert_i32_u'],
  'bool f32': ['f32.convert_i32_s'],
  'i32 bool': ['i32.eqz', 'i32.eqz'],
  'u32 bool': ['i32.eqz', 'i32.eqz'],
};
const TO_WIDE: Readonly<Record<string, Code>> = {
  'f32 i32': OP['i32x4.trunc_sat_f32x4_s'],
  'f32 u32': OP['i32x4.trunc_sat_f32x4_u'],
  'i32 f32': OP['f32x4.convert_i32x4_s'],
  'u32 f32': OP['f32x4.convert_i32x4_u'],
  'bool f32': [vectorConstant(1), OP['v128.and']],
  'bool i32': [integerVector(1), OP['v128.and']],
  'bool u32': [integerVector(1), OP['v128.and']],
  'f32 bool': [vectorConstant(0), OP['f32x4.ne']],
  'i32 bool': [integerVector(0), OP['i32x4.ne']],
  'u32 bool': [integerVector(0), OP['i32x4.ne']],
};

export function conversion(from: ValueType, to: ScalarType): Code {
  const key = `${scalarOf(from)} ${to}`;
  if (isVector(from)) return TO_WIDE[key] ?? [];
  if (key === 'f32 bool') return [floatConstant(0), OP['f32.ne']];
  return (TO_SCALAR[key] ?? []).map((name) => OP[name]);
}

/** A literal, as a scalar or splatted. */
export function literalCode(type: ScalarType, value: number, wide: boolean): Code {
  if (type === 'f32') return wide ? vectorConstant(value) : floatConstant(value);
  // In a mask, true is all bits set.
  if (wide) return integerVector(type === 'bool' && value !== 0 ? -1 : value);
  return constant(value);
}

/** One lane of a vector; of a mask, as a condition. */
export function laneOf(type: ScalarType, lane: number): Code {
  if (type === 'bool') return [extractLane('i32', lane), constant(1), OP['i32.and']];
  return extractLane(type === 'f32' ? 'f32' : 'i32', lane);
}

/** Splats a scalar. */
export function splat(type: ScalarType): Code {
  if (type === 'f32') return OP['f32x4.splat'];
  return type === 'bool' ? [constant(-1), OP['i32.mul'], OP['i32x4.splat']] : OP['i32x4.splat'];
}

/** Four scalars as a vector. */
export function fourOf(type: ScalarType, [first = [], ...more]: readonly Code[]): Code {
  const scalar = type === 'f32' ? 'f32' : 'i32';
  const mask: Code = type === 'bool' ? [constant(-1), OP['i32.mul']] : [];
  return [first, splat(type), more.map((code, i) => [code, mask, replaceLane(scalar, i + 1)])];
}

/** A lane of a vector in a local, broadcast to all four. */
export function repeatedLane(vector: Code, lane: number): Code {
  return [vector, vector, broadcastLane(lane)];
}

const smaller: OpName = 'i32.lt_s';
const SMALLER: Readonly<Record<ScalarType, OpName>> = { i32: smaller, bool: smaller, u32: 'i32.lt_u', f32: 'f32.lt' };

/** The maximum or minimum of two integers, for which WebAssembly only has vector instructions; `locals` are free to use. */
export function integerExtreme(
  fn: 'min' | 'max',
  type: ScalarType,
  [a = [], b = []]: readonly Code[],
  locals: readonly [number, number],
): Code {
  const [x, y] = locals;
  const order: Code = fn === 'min' ? [get(x), get(y)] : [get(y), get(x)];
  return [a, tee(x), b, tee(y), order, OP[SMALLER[type]], OP.select];
}

/** The value of a literal, perhaps splatted; undefined for other expressions. */
export function literalOf(e: Expr): number | undefined {
  if (e.kind === 'literal') return e.value;
  const [arg] = e.kind === 'call' && e.fn === 'splat' ? e.args : [];
  return arg?.kind === 'literal' ? arg.value : undefined;
}
