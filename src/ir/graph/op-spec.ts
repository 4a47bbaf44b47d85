import type { TensorType } from '../../base/types.ts';
import type { Op, OpAttrs } from './types.ts';

/** What a shape rule gives: the result's type, or in words why the operands do not fit. */
export type Inferred = TensorType | string;

export interface OpSpec<K extends Op> {
  /** Number of operands; undefined for any number. */
  readonly arity: number | undefined;
  /** How the scheduler sees it. */
  readonly family: 'leaf' | 'pointwise' | 'reduce' | 'contract' | 'view' | 'gather' | 'scatter';
  /** The shape rule. Leaves carry their own type: `declared`. */
  readonly infer: (inputs: readonly TensorType[], attrs: OpAttrs[K], declared: TensorType | undefined) => Inferred;
}
