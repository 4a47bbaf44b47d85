import type { PointwiseOp } from '../../src/ir/graph/pointwise.ts';

/** Relative and absolute error that each function may have on a device; the sum of both bounds counts. */
export const CASES: readonly {
  op: PointwiseOp & ('exp' | 'log' | 'log1p' | 'expm1' | 'sqrt' | 'sin' | 'cos' | 'atan' | 'tanh' | 'sigmoid' | 'erf');
  low: number;
  high: number;
  relative: number;
  absolute: number;
}[] = [
  { op: 'exp', low: -80, high: 80, relative: 3e-5, absolute: 0 },
  { op: 'exp', low: -2, high: 2, relative: 1e-6, absolute: 0 },
  { op: 'log', low: 1e-6, high: 100, relative: 1e-6, absolute: 4e-7 },
  { op: 'log1p', low: -0.9, high: 50, relative: 2e-6, absolute: 0 },
  { op: 'log1p', low: -1e-3, high: 1e-3, relative: 1e-6, absolute: 0 },
  { op: 'expm1', low: -20, high: 20, relative: 3e-6, absolute: 0 },
  { op: 'expm1', low: -1e-3, high: 1e-3, relative: 1e-6, absolute: 0 },
  { op: 'sqrt', low: 0, high: 1e6, relative: 1e-6, absolute: 0 },
  { op: 'sin', low: -10, high: 10, relative: 0, absolute: 1e-6 },
  { op: 'sin', low: -10_000, high: 10_000, relative: 0, absolute: 2e-6 },
  { op: 'sin', low: -1e7, high: 1e7, relative: 0, absolute: 1e-6 },
  { op: 'cos', low: -1e30, high: 3e38, relative: 0, absolute: 1e-6 },
  { op: 'atan', low: -50, high: 50, relative: 4e-7, absolute: 1e-7 },
  { op: 'cos', low: -10_000, high: 10_000, relative: 0, absolute: 2e-6 },
  { op: 'tanh', low: -100, high: 100, relative: 1e-6, absolute: 0 },
  { op: 'tanh', low: -1, high: 1, relative: 4e-6, absolute: 0 },
  { op: 'sigmoid', low: -100, high: 100, relative: 3e-5, absolute: 1e-38 },
  { op: 'sigmoid', low: -3, high: 3, relative: 1e-6, absolute: 0 },
  { op: 'erf', low: -6, high: 6, relative: 0, absolute: 6e-7 },
  { op: 'erf', low: -0.1, high: 0.1, relative: 1e-6, absolute: 0 },
];
