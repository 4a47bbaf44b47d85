/**
 * Scalar operations that a function of one element is worth, in units of an addition; what is not named is worth 1. The names
 * are those of the tensor IR and of the kernel IR alike.
 */
export const OP_COST: Readonly<Record<string, number>> = {
  div: 4,
  mod: 4,
  sqrt: 4,
  exp: 8,
  log: 8,
  log1p: 12,
  expm1: 12,
  sin: 12,
  cos: 12,
  atan: 16,
  tanh: 12,
  sigmoid: 12,
  erf: 16,
  pow: 16,
  uniform: 60,
  shuffle: 300,
};
