import type { DType } from '../../base/types.ts';
import type { OpRecord } from './op-record.ts';
import type { Op } from './types.ts';

/** What entries of many operations are made of. */

export const FLOAT: readonly DType[] = ['f32'];
export const NUMERIC: readonly DType[] = ['f32', 'i32'];
export const INT: readonly DType[] = ['i32'];
export const BOOL: readonly DType[] = ['bool'];
export const ANY: readonly DType[] = ['f32', 'i32', 'bool'];

/** The attributes hold no dimension. */
export const asItIs = <A>(attrs: A): A => attrs;

type Bits = Pick<OpRecord<Op>, 'handsOn' | 'halves'>;

/** The result has the bits of its operands. */
export const ALL: Bits = {
  handsOn: ({ inputs }) => inputs,
  halves: (node, operand) => node.inputs.every((_, i) => operand(i)),
};
/** The result has bits of its own. */
export const NO_BITS: Bits = { handsOn: () => [], halves: () => false };
