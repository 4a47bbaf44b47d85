import type { DType } from '../../base/types.ts';
import type { OpRecord } from './op-record.ts';
import type { Op } from './types.ts';

/** Parts that the records of many operations share. */

export const FLOAT: readonly DType[] = ['f32'];
export const NUMERIC: readonly DType[] = ['f32', 'i32'];
export const INT: readonly DType[] = ['i32'];
export const BOOL: readonly DType[] = ['bool'];
export const ANY: readonly DType[] = ['f32', 'i32', 'bool'];

/** For attributes without dimensions. */
export const asItIs = <A>(attrs: A): A => attrs;

type Bits = Pick<OpRecord<Op>, 'handsOn' | 'halves'>;

/** The result's bits are those of its operands. */
export const ALL: Bits = {
  handsOn: ({ inputs }) => inputs,
  halves: (node, operand) => node.inputs.every((_, i) => operand(i)),
};
/** What passes see of an operation that has nothing inside for them: a leaf, or a loop, whose results lie in memory. */
export const OPAQUE = {
  reads: () => [],
  guards: false,
  bijective: false,
  sum: null,
  cost: 0,
  flops: () => 0,
  exact: 'once',
} as const;

/** The result has new bits. */
export const NO_BITS: Bits = { handsOn: () => [], halves: () => false };
