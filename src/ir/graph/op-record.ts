import type { Dim, TensorType } from '../../base/types.ts';
import type { Index, Point } from '../kernel/index-math.ts';
import type { Node, NodeId, NodeOf, Op, OpAttrs } from './types.ts';

/** What a shape rule gives: the result's type, or in words why the operands do not fit. */
export type Inferred = TensorType | string;

/** How passes see an operation. */
export type Family =
  | 'leaf'
  /** Element by element: an element is made of the operands' elements at its own place. */
  | 'pointwise'
  /** A random number, or a place in a random order: a function of its place, cheaper to draw again than to keep. */
  | 'draw'
  | 'reduce'
  | 'contract'
  /** Only says where the elements of its one operand are found. */
  | 'view'
  | 'concat'
  | 'gather'
  | 'scatter';

/** Which point of an operand is read. */
export interface Read {
  readonly operand: number;
  readonly point: Point;
}

/** Names for what the point of a result does not determine. */
export interface Unknowns {
  /** The index of a loop of the operation itself. */
  readonly loop: (extent: number) => Index;
  /** An index that is data. */
  readonly data: (extent: number) => Index;
}

/** How an operation adds up, or joins by maximum, many elements for one of its own. */
export interface Sum<K extends Op> {
  /** The extents of its loops, where each of them is one; none where the loops depend on data. */
  readonly loops: (node: NodeOf<K>, inputs: readonly TensorType[]) => readonly number[];
  /** The lanes of a workgroup may share one sum. */
  readonly shared: boolean;
  /** Threads are dealt out over its own result, in tiles; it does not go along rows of others. */
  readonly tiled: boolean;
}

/**
 * Everything that passes know of an operation; gradients (`autodiff/vjp.ts`), meanings (`reference`) and the lowering of what is
 * neither pointwise nor a view (`passes/schedule/lowering.ts`) are tables of their own. `inputs` are the operands' types; but for the
 * shape rule, their batch is bound.
 */
export interface OpRecord<K extends Op> {
  /** Number of operands; undefined for any number. */
  readonly arity: number | undefined;
  readonly family: Family;
  /** The shape rule. Leaves carry their own type: `declared`. */
  readonly infer: (inputs: readonly TensorType[], attrs: OpAttrs[K], declared: TensorType | undefined) => Inferred;
  /** The attributes with every dimension replaced: how a number is put in for the batch. */
  readonly bind: (attrs: OpAttrs[K], dim: (d: Dim) => Dim) => OpAttrs[K];
  /** Where a leaf is in memory; `none` for what is computed. */
  readonly memory: 'data' | 'state' | 'none';
  /** Which points of its operands are read for the element at a point. Fusion and the lowering of views follow this. */
  readonly reads: (node: NodeOf<K>, point: Point, inputs: readonly TensorType[], unknown: Unknowns) => readonly Read[];
  /** Operands are read under a condition, so that not every thread gets there. */
  readonly guards: boolean;
  /** How often each element of an operand is read, on average. */
  readonly reuse: (node: NodeOf<K>, operand: number, inputs: readonly TensorType[]) => number;
  /** Of a view: every element is read at exactly one place, so that a sum below may be computed there. */
  readonly bijective: boolean;
  readonly sum: Sum<K> | null;
  /** Scalar operations for one element, in additions, where it is fused. A sum counts as one: it is computed once anyway. */
  readonly cost: number;
  /** Floating-point operations by the rule of `flops.ts`. */
  readonly flops: (node: NodeOf<K>, inputs: readonly TensorType[]) => number;
  /**
   * Whether its bits are the same wherever it is computed, from operands with the same bits. Drivers may contract a product and the sum
   * that reads it to one operation in one kernel and not in another, and round functions as they like. What is computed `once` and then
   * read has the same bits whatever it is made of.
   */
  readonly exact: 'once' | 'always' | 'unless contracted' | 'never';
  /** The operands whose bits, all but the sign, are those of the result at some place. `below` looks through views. */
  readonly handsOn: (node: NodeOf<K>, below: (id: NodeId) => Node) => readonly NodeId[];
  /** Whether binary16 holds every f32 value of the result, where `operand` tells whether it holds those of an operand. */
  readonly halves: (node: NodeOf<K>, operand: (i: number) => boolean) => boolean;
}
