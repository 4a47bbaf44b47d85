import type { StorageType } from '../../base/types.ts';
import type { Expr, Fn, ScalarType, ValueType, VectorFn, VectorType } from './types.ts';

/** The result type of a function from its operands' types, or why they do not fit. */
export type Signature = (types: readonly ScalarType[]) => { readonly type: ScalarType } | string;

const ok = (type: ScalarType): { readonly type: ScalarType } => ({ type });

const same =
  (arity: number, allowed: readonly ScalarType[], result?: ScalarType): Signature =>
  (types) => {
    const [first] = types;
    if (!first || types.length !== arity) return `takes ${arity} operands`;
    if (types.some((t) => t !== first)) return `operands differ: ${types.join(', ')}`;
    return allowed.includes(first) ? ok(result ?? first) : `${first} is not allowed`;
  };

const exact =
  (params: readonly ScalarType[], result: ScalarType): Signature =>
  (types) =>
    params.length === types.length && params.every((p, i) => p === types[i])
      ? ok(result)
      : `takes (${params.join(', ')}), not (${types.join(', ')})`;

const FLOAT: readonly ScalarType[] = ['f32'];
const NUMBER: readonly ScalarType[] = ['f32', 'i32', 'u32'];
const convert =
  (to: ScalarType): Signature =>
  (types) =>
    types.length === 1 ? ok(to) : 'takes 1 operand';

export const FUNCTIONS: Readonly<Record<Exclude<Fn, VectorFn>, Signature>> = {
  neg: same(1, ['f32', 'i32']),
  abs: same(1, ['f32', 'i32']),
  sign: same(1, FLOAT),
  exp: same(1, FLOAT),
  log: same(1, FLOAT),
  log1p: same(1, FLOAT),
  expm1: same(1, FLOAT),
  sqrt: same(1, FLOAT),
  sin: same(1, FLOAT),
  cos: same(1, FLOAT),
  atan: same(1, FLOAT),
  tanh: same(1, FLOAT),
  sigmoid: same(1, FLOAT),
  erf: same(1, FLOAT),
  floor: same(1, FLOAT),
  round_f16: same(1, FLOAT),
  finite: same(1, FLOAT, 'bool'),
  add: same(2, NUMBER),
  sub: same(2, NUMBER),
  mul: same(2, NUMBER),
  /** On integers, truncated towards zero. */
  div: same(2, NUMBER),
  /** The remainder of `div`. */
  mod: same(2, ['i32', 'u32']),
  /** The remainder of floats with the sign of the first; exact. */
  fmod: same(2, FLOAT),
  pow: same(2, FLOAT),
  max: same(2, NUMBER),
  min: same(2, NUMBER),
  /** a * b + c */
  fma: same(3, FLOAT),
  lt: same(2, NUMBER, 'bool'),
  le: same(2, NUMBER, 'bool'),
  eq: same(2, NUMBER, 'bool'),
  /** a < b, or b is NaN and a is not. */
  before: same(2, FLOAT, 'bool'),
  and: same(2, ['bool']),
  or: same(2, ['bool']),
  not: same(1, ['bool']),
  /** select(condition, yes, no) */
  select: (types) => {
    const [c, a, b] = types;
    if (types.length !== 3 || c !== 'bool' || !a || a !== b) return `takes (bool, T, T), not (${types.join(', ')})`;
    return ok(a);
  },
  f32: convert('f32'),
  i32: convert('i32'),
  u32: convert('u32'),
  bool: convert('bool'),
  /** uniform(seed, stream, step, element) in [0, 1) */
  uniform: exact(['i32', 'u32', 'i32', 'u32'], 'f32'),
  /** shuffle(index, n, seed, epoch): element `index` of a random permutation of 0..n-1 */
  shuffle: exact(['i32', 'u32', 'i32', 'i32'], 'i32'),
  /** broadcast(value, place): the value of thread `place` of the subgroup */
  broadcast: ([value, place, ...more]) =>
    value && value !== 'bool' && place === 'u32' && more.length === 0 ? ok(value) : 'takes (number, u32)',
};

type VectorSignature = (types: readonly ValueType[]) => ValueType | undefined;
const element: VectorSignature = ([v, ...more]) => (v && isVector(v) && more.length === 0 ? scalarOf(v) : undefined);
const VECTOR_FUNCTIONS: Readonly<Record<VectorFn, VectorSignature>> = {
  splat: ([s, ...more]) => (s && !isVector(s) && more.length === 0 ? vectorOf(s) : undefined),
  vec4: (types) =>
    types.length === 4 && types.every((t) => t === types[0] && !isVector(t)) ? vectorOf(types[0] as ScalarType) : undefined,
  x: element,
  y: element,
  z: element,
  w: element,
  sum4: element,
  max4: element,
};

/** The vector type of each element type. */
const VECTORS: { readonly [T in ScalarType]: `${T}x4` } = { f32: 'f32x4', i32: 'i32x4', u32: 'u32x4', bool: 'boolx4' };
/** The element type of each vector type: tables, since the compiler asks millions of times. */
const ELEMENTS = new Map<ValueType, ScalarType>(Object.entries(VECTORS).map(([scalar, vector]) => [vector, scalar as ScalarType]));

export function isVector(type: ValueType): type is VectorType {
  return ELEMENTS.has(type);
}

/** The element type. */
export function scalarOf(type: ValueType): ScalarType {
  return ELEMENTS.get(type) ?? (type as ScalarType);
}

/** The type of a load from storage of a type. */
export function loadedAs(type: StorageType): 'f32' | 'i32' {
  return type === 'f16' ? 'f32' : type;
}

export function vectorOf(type: ScalarType): VectorType {
  return VECTORS[type];
}

export function isVectorFn(fn: Fn): fn is VectorFn {
  return fn in VECTOR_FUNCTIONS;
}

/** The result type of a call. A function of scalars also takes vectors, for all operands at once. */
export function signatureOf(fn: Fn, args: readonly Expr[]): { readonly type: ValueType } | string {
  const types = args.map((a) => a.type);
  if (isVectorFn(fn)) {
    const type = VECTOR_FUNCTIONS[fn](types);
    return type ? { type } : `does not take (${types.join(', ')})`;
  }
  let wide = 0;
  for (const t of types) if (isVector(t)) wide++;
  if (wide === 0) return FUNCTIONS[fn](types as ScalarType[]);
  if (wide < types.length) return `mixes scalars and vectors: ${types.join(', ')}`;
  const result = FUNCTIONS[fn](types.map(scalarOf));
  return typeof result === 'string' ? result : { type: vectorOf(result.type) };
}
