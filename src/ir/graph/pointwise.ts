import { at } from '../../base/errors.ts';
import { before, erf, pow, roundF16, sigmoid } from '../../base/math.ts';
import { count, sameShape, showType, type DType, type TensorType } from '../../base/types.ts';
import { FUNCTION_COSTS } from '../kernel/function-costs.ts';
import type { Fn } from '../kernel/types.ts';
import type { Inferred, OpRecord } from './op-record.ts';
import { ALL, ANY, BOOL, FLOAT, INT, NO_BITS, NUMERIC, asItIs } from './op-parts.ts';
import type { NodeOf, Op, OpAttrs } from './types.ts';

/**
 * The pointwise operations on numbers, in float64 (bool is 0 or 1). The reference evaluates with these and the simplifier folds constants
 * with them, so that both agree by construction.
 */
export const POINTWISE = {
  neg: (x) => -x,
  abs: Math.abs,
  sign: Math.sign,
  exp: Math.exp,
  log: Math.log,
  log1p: Math.log1p,
  expm1: Math.expm1,
  sqrt: Math.sqrt,
  sin: Math.sin,
  cos: Math.cos,
  atan: Math.atan,
  tanh: Math.tanh,
  sigmoid,
  erf,
  floor: Math.floor,
  round_f16: roundF16,
  finite: (x) => (Number.isFinite(x) ? 1 : 0),
  not: (x) => (x === 0 ? 1 : 0),
  detach: (x) => x,
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  idiv: (a, b) => Math.trunc(a / b),
  /** 0 for a divisor of 0, as on all devices. */
  mod: (a, b) => (b === 0 ? 0 : a % b),
  fmod: (a, b) => a % b,
  pow,
  max: Math.max,
  min: Math.min,
  lt: (a, b) => (a < b ? 1 : 0),
  le: (a, b) => (a <= b ? 1 : 0),
  eq: (a, b) => (a === b ? 1 : 0),
  before: (a, b) => (before(a, b) ? 1 : 0),
  and: (a, b) => (a !== 0 && b !== 0 ? 1 : 0),
  or: (a, b) => (a !== 0 || b !== 0 ? 1 : 0),
  select: (c, a, b) => (c !== 0 ? a : b),
} as const satisfies Partial<Record<Op, (...xs: number[]) => number>>;

export type PointwiseOp = keyof typeof POINTWISE;

export function isPointwise(op: Op): op is PointwiseOp {
  return op in POINTWISE;
}

export function pointwise(op: PointwiseOp): (...xs: number[]) => number {
  return POINTWISE[op];
}

/** The record of a pointwise operation, with its function of the kernel IR; null where the result is the operand itself. */
export interface PointwiseRecord<K extends Op> extends OpRecord<K> {
  readonly fn: Fn | null;
}

/** What differs between pointwise operations, besides their types. */
type Nature = Pick<OpRecord<Op>, 'exact' | 'handsOn' | 'halves'>;

/** Returns one of its operands, perhaps with another sign. */
const CHOOSES: Nature = { exact: 'always', handsOn: ALL.handsOn, halves: ALL.halves };
/** Every driver gives the same bits, but not the operand's. Operands that fit binary16 give a result that fits. */
const WHOLE: Nature = { exact: 'always', handsOn: NO_BITS.handsOn, halves: ALL.halves };
/** Every driver gives the same bits. */
const SAME: Nature = { exact: 'always', ...NO_BITS };
/** A driver may contract it with a product that it reads. */
const SUM: Nature = { exact: 'unless contracted', ...NO_BITS };
/** Rounding differs between drivers. */
const ROUNDED: Nature = { exact: 'never', ...NO_BITS };

/** What all pointwise operations share, for any number of operands. */
const ELEMENTWISE = {
  family: 'pointwise',
  bind: asItIs,
  memory: 'none',
  reads: (node: NodeOf<Op>, point: Parameters<OpRecord<Op>['reads']>[1]) => node.inputs.map((_, operand) => ({ operand, point })),
  guards: false,
  reuse: () => 1,
  bijective: false,
  sum: null,
} as const;

const flopsBy =
  (fn: Fn) =>
  (node: NodeOf<Op>): number =>
    node.type.dtype === 'f32' ? FUNCTION_COSTS[fn].flops * count(node.type.shape) : 0;

/** One function of the kernel IR, on operands of one type among `dtypes`. */
function computed(arity: number, dtypes: readonly DType[], fn: Fn, nature: Nature, result?: DType) {
  const infer = (inputs: readonly TensorType[]): Inferred => {
    const first = at(inputs, 0);
    for (const t of inputs) {
      if (!dtypes.includes(t.dtype)) return `${showType(t)} is not of ${dtypes.join(' or ')}`;
      if (t.dtype !== first.dtype || !sameShape(t.shape, first.shape)) return `operands differ: ${inputs.map(showType).join(' and ')}`;
    }
    return { dtype: result ?? first.dtype, shape: first.shape };
  };
  return { ...ELEMENTWISE, ...nature, arity, infer, fn, cost: FUNCTION_COSTS[fn].cost, flops: flopsBy(fn) } as const;
}

export const POINTWISE_OPS: { readonly [K in PointwiseOp]: PointwiseRecord<K> } = {
  neg: computed(1, NUMERIC, 'neg', CHOOSES),
  abs: computed(1, NUMERIC, 'abs', WHOLE),
  sign: computed(1, FLOAT, 'sign', WHOLE),
  exp: computed(1, FLOAT, 'exp', ROUNDED),
  log: computed(1, FLOAT, 'log', ROUNDED),
  log1p: computed(1, FLOAT, 'log1p', ROUNDED),
  expm1: computed(1, FLOAT, 'expm1', ROUNDED),
  sqrt: computed(1, FLOAT, 'sqrt', ROUNDED),
  sin: computed(1, FLOAT, 'sin', ROUNDED),
  cos: computed(1, FLOAT, 'cos', ROUNDED),
  atan: computed(1, FLOAT, 'atan', ROUNDED),
  tanh: computed(1, FLOAT, 'tanh', ROUNDED),
  sigmoid: computed(1, FLOAT, 'sigmoid', ROUNDED),
  erf: computed(1, FLOAT, 'erf', ROUNDED),
  floor: computed(1, FLOAT, 'floor', WHOLE),
  round_f16: computed(1, FLOAT, 'round_f16', { ...SAME, halves: () => true }),
  finite: computed(1, FLOAT, 'finite', SAME, 'bool'),
  not: computed(1, BOOL, 'not', SAME),
  add: computed(2, NUMERIC, 'add', SUM),
  sub: computed(2, NUMERIC, 'sub', SUM),
  mul: computed(2, NUMERIC, 'mul', SAME),
  div: computed(2, FLOAT, 'div', ROUNDED),
  idiv: computed(2, INT, 'div', ROUNDED),
  mod: computed(2, INT, 'mod', ROUNDED),
  fmod: computed(2, FLOAT, 'fmod', SAME),
  pow: computed(2, FLOAT, 'pow', ROUNDED),
  max: computed(2, NUMERIC, 'max', CHOOSES),
  min: computed(2, NUMERIC, 'min', CHOOSES),
  lt: computed(2, NUMERIC, 'lt', SAME, 'bool'),
  le: computed(2, NUMERIC, 'le', SAME, 'bool'),
  eq: computed(2, NUMERIC, 'eq', SAME, 'bool'),
  before: computed(2, FLOAT, 'before', SAME, 'bool'),
  and: computed(2, BOOL, 'and', SAME),
  or: computed(2, BOOL, 'or', SAME),
  select: {
    ...ELEMENTWISE,
    arity: 3,
    infer: ([c, a, b]) => {
      if (!c || !a || !b) return 'three operands are needed';
      if (c.dtype !== 'bool') return `the condition is ${showType(c)}, not bool`;
      if (a.dtype !== b.dtype || !sameShape(a.shape, b.shape) || !sameShape(a.shape, c.shape))
        return `operands differ: ${[c, a, b].map(showType).join(', ')}`;
      return a;
    },
    fn: 'select',
    cost: FUNCTION_COSTS.select.cost,
    flops: flopsBy('select'),
    exact: 'always',
    handsOn: ({ inputs: [, yes = -1, no = -1] }) => [yes, no],
    halves: (_node, operand) => operand(1) && operand(2),
  },
  // In kernels only the operand is left.
  detach: { ...computed(1, ANY, 'neg', CHOOSES), fn: null, flops: () => 0 },
};

/** A change of type; the kernel function depends on the target type. */
export const CAST: OpRecord<'cast'> = {
  ...ELEMENTWISE,
  ...SAME,
  arity: 1,
  infer: ([x], { dtype }: OpAttrs['cast']) => (x ? { dtype, shape: x.shape } : 'one operand is needed'),
  cost: 1,
  flops: flopsBy('f32'),
};
