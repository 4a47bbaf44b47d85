import type { PointwiseOp } from '../ir/graph/pointwise.ts';

/** A partial derivative by one operand, as a function of the result and the operands. */
export type Partial = (out: number, a: number, b: number, c: number) => number;

const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);
const one: Partial = () => 1;
const minusOne: Partial = () => -1;
/** Step functions and non-numeric results have no derivative. */
const flat: readonly (Partial | null)[] = [null, null, null];

/**
 * The derivatives of the pointwise operations by each operand, for forward-mode differentiation. They are written down independently, so
 * that a mistake in `autodiff/vjp.ts` is not repeated here. At kinks they are PyTorch's: 0 for |x| at 0, half for each of two equal
 * operands of max and min.
 */
export const PARTIALS: { readonly [K in PointwiseOp]: readonly (Partial | null)[] } = {
  neg: [minusOne],
  abs: [(_, a) => Math.sign(a)],
  sign: flat,
  exp: [(_, a) => Math.exp(a)],
  log: [(_, a) => 1 / a],
  log1p: [(_, a) => 1 / (1 + a)],
  expm1: [(out) => out + 1],
  sqrt: [(out) => 1 / (2 * out)],
  sin: [(_, a) => Math.cos(a)],
  cos: [(_, a) => -Math.sin(a)],
  atan: [(_, a) => 1 / (1 + a * a)],
  tanh: [(out) => 1 - out * out],
  sigmoid: [(out) => out * (1 - out)],
  erf: [(_, a) => TWO_OVER_SQRT_PI * Math.exp(-a * a)],
  floor: flat,
  // Rounding is a step function, but is differentiated like the identity.
  round_f16: [one],
  finite: flat,
  not: flat,
  detach: flat,
  add: [one, one],
  sub: [one, minusOne],
  mul: [(_, _a, b) => b, (_, a) => a],
  div: [(_, _a, b) => 1 / b, (out, _a, b) => -out / b],
  idiv: flat,
  mod: flat,
  fmod: [one, (_, a, b) => -Math.trunc(a / b)],
  pow: [(_, a, b) => (b === 0 ? 0 : b * a ** (b - 1)), (out, a, b) => (a === 0 && b >= 0 ? 0 : out * Math.log(a))],
  max: [(_, a, b) => larger(a, b), (_, a, b) => larger(b, a)],
  min: [(_, a, b) => larger(b, a), (_, a, b) => larger(a, b)],
  lt: flat,
  le: flat,
  eq: flat,
  before: flat,
  and: flat,
  or: flat,
  select: [null, (_, c) => (c !== 0 ? 1 : 0), (_, c) => (c !== 0 ? 0 : 1)],
};

const larger = (mine: number, other: number): number => (mine === other ? 0.5 : mine > other ? 1 : 0);

/** Where an operation has a kink or a jump, so that its derivative is only a convention. */
export const TIES: { readonly [K in PointwiseOp]?: (a: number, b: number) => boolean } = {
  abs: (a) => a === 0,
  sign: (a) => a === 0,
  floor: Number.isInteger,
  fmod: (a, b) => a % b === 0,
  max: (a, b) => a === b,
  min: (a, b) => a === b,
  lt: (a, b) => a === b,
  le: (a, b) => a === b,
  eq: (a, b) => a === b,
  before: (a, b) => a === b,
};
