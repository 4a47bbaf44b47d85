import { FUNCTION_COSTS } from '../kernel/function-costs.ts';
import type { OpRecord } from './op-record.ts';
import { NO_BITS, asItIs } from './op-parts.ts';
import { count } from '../../base/types.ts';

type Draw = 'uniform' | 'shuffle';

const DRAWN = {
  family: 'draw',
  bind: asItIs,
  memory: 'none',
  guards: false,
  reuse: () => 1,
  bijective: false,
  sum: null,
  ...NO_BITS,
} as const;

/** Random numbers, and indices in a random order. */
export const DRAWS: { readonly [K in Draw]: OpRecord<K> } = {
  uniform: {
    ...DRAWN,
    arity: 2,
    infer: (inputs, _attrs, declared) =>
      inputs.some((t) => t.dtype !== 'i32' || t.shape.length > 0)
        ? 'seed and step are i32 scalars'
        : (declared ?? 'the shape must be declared'),
    reads: ({ inputs }) => inputs.map((_, operand) => ({ operand, point: [] })),
    cost: FUNCTION_COSTS.uniform.cost,
    flops: ({ type }) => FUNCTION_COSTS.uniform.flops * count(type.shape),
    exact: 'always',
  },
  shuffle: {
    ...DRAWN,
    arity: 4,
    infer: ([index, ...scalars]) => {
      if (index?.dtype !== 'i32' || scalars.some((t) => t.dtype !== 'i32')) return 'index, count, seed and epoch are i32';
      return scalars.some((t) => t.shape.length > 0) ? 'count, seed and epoch are scalars' : index;
    },
    reads: ({ inputs }, point) => inputs.map((_, operand) => ({ operand, point: operand === 0 ? point : [] })),
    cost: FUNCTION_COSTS.shuffle.cost,
    flops: () => 0,
    exact: 'never',
  },
};
