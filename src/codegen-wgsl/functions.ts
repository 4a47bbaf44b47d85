import { CompilerBug } from '../base/errors.ts';
import { isVector, scalarOf } from '../ir/kernel/functions.ts';
import type { Fn, ScalarType, ValueType, VectorFn } from '../ir/kernel/types.ts';

const call =
  (name: string) =>
  (...args: readonly string[]): string =>
    `${name}(${args.join(', ')})`;
const infix =
  (sign: string) =>
  (a: string, b: string): string =>
    `(${a} ${sign} ${b})`;

/** The text of each function. */
export const TEXT: { readonly [F in Exclude<Fn, VectorFn>]: (...args: string[]) => string } = {
  neg: (a) => `(-${a})`,
  abs: call('abs'),
  sign: call('sign'),
  exp: call('nn_exp'),
  log: call('nn_log'),
  log1p: call('nn_log1p'),
  expm1: call('nn_expm1'),
  sqrt: call('sqrt'),
  sin: call('nn_sin'),
  cos: call('nn_cos'),
  atan: call('nn_atan'),
  tanh: call('nn_tanh'),
  sigmoid: call('nn_sigmoid'),
  erf: call('nn_erf'),
  floor: call('floor'),
  round_f16: call('nn_round_f16'),
  finite: call('nn_finite'),
  add: infix('+'),
  sub: infix('-'),
  mul: infix('*'),
  div: infix('/'),
  mod: infix('%'),
  fmod: call('nn_fmod'),
  pow: call('nn_pow'),
  max: call('max'),
  min: call('min'),
  fma: call('fma'),
  lt: infix('<'),
  le: infix('<='),
  eq: infix('=='),
  before: call('nn_before'),
  and: infix('&&'),
  or: infix('||'),
  not: (a) => `(!${a})`,
  select: (c, a, b) => `select(${b}, ${a}, ${c})`,
  f32: call('f32'),
  i32: call('i32'),
  u32: call('u32'),
  bool: call('bool'),
  uniform: call('nn_uniform'),
  shuffle: call('nn_shuffle'),
  // As a shuffle, which is one instruction in software drivers; a broadcast is many.
  broadcast: call('subgroupShuffle'),
};

/** Functions with a different text on vectors. */
export const WIDE_TEXT: Partial<Readonly<Record<Fn, (...args: string[]) => string>>> = {
  exp: call('nn_exp_4'),
  log: call('nn_log_4'),
  log1p: call('nn_log1p_4'),
  expm1: call('nn_expm1_4'),
  sin: call('nn_sin_4'),
  cos: call('nn_cos_4'),
  atan: call('nn_atan_4'),
  tanh: call('nn_tanh_4'),
  sigmoid: call('nn_sigmoid_4'),
  erf: call('nn_erf_4'),
  round_f16: call('nn_round_f16_4'),
  finite: call('nn_finite_4'),
  before: call('nn_before_4'),
  pow: call('nn_pow_4'),
  fmod: call('nn_fmod_4'),
  f32: call('vec4f'),
  i32: call('vec4i'),
  u32: call('vec4u'),
  bool: call('vec4<bool>'),
  and: infix('&'),
  or: infix('|'),
};

/** Functions with a different text on floats than on integers. */
export const FLOAT_TEXT: Partial<Readonly<Record<Fn, Readonly<Record<'text' | 'wide', (...args: string[]) => string>>>>> = {
  max: { text: call('nn_max'), wide: call('nn_max_4') },
  min: { text: call('nn_min'), wide: call('nn_min_4') },
};

/** The WGSL name of a type. */
export const typeText = (type: ValueType): string => (isVector(type) ? vectorName(type) : type);

const vectorName = (type: ValueType): string => `vec4<${scalarOf(type)}>`;
export const VECTOR_TEXT: { readonly [F in VectorFn]: (type: ValueType, args: readonly string[], of: ValueType) => string } = {
  splat: (t, [a = '']) => `${vectorName(t)}(${a})`,
  vec4: (t, args) => `${vectorName(t)}(${args.join(', ')})`,
  x: (_t, [a = '']) => `${a}.x`,
  y: (_t, [a = '']) => `${a}.y`,
  z: (_t, [a = '']) => `${a}.z`,
  w: (_t, [a = '']) => `${a}.w`,
  sum4: (_t, [a = '']) => `((${a}.x + ${a}.y) + (${a}.z + ${a}.w))`,
  max4: (t, [a = '']) => {
    const larger = t === 'f32' ? 'nn_max' : 'max';
    return `${larger}(${larger}(${a}.x, ${a}.y), ${larger}(${a}.z, ${a}.w))`;
  },
};

const MAX_F32 = 3.4028234663852886e38;

/** A literal that WGSL parses to the same float32. */
function float(value: number): string {
  const f = Math.fround(value);
  if (!Number.isFinite(f)) throw new CompilerBug(`${value} is not a finite f32`);
  const text = String(f);
  // The shortest decimal of the float32, not of its float64 value.
  for (let digits = 1; digits <= 9; digits++) {
    const short = f.toPrecision(digits);
    // A decimal above the largest float32 is an error in WGSL, even if it would round to it.
    if (Math.fround(Number(short)) === f && Math.abs(Number(short)) <= MAX_F32) return tidy(short);
  }
  return tidy(text);
}

function tidy(text: string): string {
  const plain = String(Number(text));
  return `${/[.e]/.test(plain) ? plain : `${plain}.0`}`;
}

export function literal(type: ScalarType, value: number): string {
  if (type === 'f32') return value < 0 ? `(${float(value)})` : float(value);
  if (type === 'bool') return value !== 0 ? 'true' : 'false';
  if (type === 'i32') return value === -2147483648 ? 'i32(-2147483648)' : value < 0 ? `(${value}i)` : `${value}i`;
  return `${value}u`;
}

/** Functions whose text is in parentheses. */
export const INFIX = new Set<Fn>(['add', 'sub', 'mul', 'div', 'mod', 'lt', 'le', 'eq', 'and', 'or', 'not', 'neg']);
