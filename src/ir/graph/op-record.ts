import type { Dim, TensorType } from '../../base/types.ts';
import type { Index, Point } from '../kernel/index-math.ts';
import type { Node, NodeId, NodeOf, Op, OpAttrs } from './types.ts';

/** The result's type, or why the operands do not fit. */
export type Inferred = TensorType | string;

/** How passes see an operation. */
export type Family =
  | 'leaf'
  /** An element is computed from the operands' elements at the same point. */
  | 'pointwise'
  /** A random number, or an index in a random order: a function of the point, cheaper to draw again than to store. */
  | 'draw'
  | 'reduce'
  | 'contract'
  /** Only maps indices: where the elements of its operand are found. */
  | 'view'
  | 'concat'
  | 'gather'
  | 'scatter'
  /** Runs a graph of its own. */
  | 'loop';

/** Which point of an operand is read. */
export interface Read {
  readonly operand: number;
  readonly point: Point;
}

/** Names for indices that the point of a result does not determine. */
export interface Unknowns {
  /** The index of a loop of the operation itself. */
  readonly loop: (extent: number) => Index;
  /** An index that is read from data. */
  readonly data: (extent: number) => Index;
}

/** How an operation reduces many elements to one, by a sum or a maximum. */
export interface Sum<K extends Op> {
  /** The extents of its loops; empty if they depend on data. */
  readonly loops: (node: NodeOf<K>, inputs: readonly TensorType[]) => readonly number[];
  /** The lanes of a workgroup may share one sum. */
  readonly shared: boolean;
  /** Threads are tiled over its own result, so it is not computed along the rows of another value's kernel. */
  readonly tiled: boolean;
}

/**
 * Everything that passes know of an operation. Gradients (`autodiff/vjp.ts`), the reference's evaluation (`reference`) and the lowering of
 * operations that are neither pointwise nor views (`passes/schedule/lowering.ts`) are tables of their own. `inputs` are the operands'
 * types, with the batch bound except in the shape rule.
 */
export interface OpRecord<K extends Op> {
  /** Number of operands; undefined for any number. */
  readonly arity: number | undefined;
  readonly family: Family;
  /** The shape rule. Leaves carry their own type: `declared`. */
  readonly infer: (inputs: readonly TensorType[], attrs: OpAttrs[K], declared: TensorType | undefined) => Inferred;
  /** The attributes with every dimension mapped, to bind the batch. */
  readonly bind: (attrs: OpAttrs[K], dim: (d: Dim) => Dim) => OpAttrs[K];
  /** Where a leaf is in memory, `loop` for what a loop carries; `none` for computed values. */
  readonly memory: 'data' | 'state' | 'loop' | 'none';
  /** Which points of the operands an element reads. Fusion and the lowering of views rely on it. */
  readonly reads: (node: NodeOf<K>, point: Point, inputs: readonly TensorType[], unknown: Unknowns) => readonly Read[];
  /** Operands are read under a condition, so not every thread gets there. */
  readonly guards: boolean;
  /** How often each element of an operand is read, on average. */
  readonly reuse: (node: NodeOf<K>, operand: number, inputs: readonly TensorType[]) => number;
  /** Of a view: every element is read exactly once, so a sum below it may be computed at the view's points. */
  readonly bijective: boolean;
  readonly sum: Sum<K> | null;
  /** Scalar operations for one element where it is fused, in additions. A sum counts as one, since it is computed once anyway. */
  readonly cost: number;
  /** Floating-point operations by the rule of `flops.ts`. */
  readonly flops: (node: NodeOf<K>, inputs: readonly TensorType[]) => number;
  /**
   * Whether equal operands give equal bits wherever it is computed. Drivers may contract a product and the sum that reads it to an fma in
   * one kernel and not in another, and may round functions differently. `once`: computed once and then read, so every reader sees the same
   * bits.
   */
  readonly exact: 'once' | 'always' | 'unless contracted' | 'never';
  /** The operands whose bits, but for the sign, the result may hold unchanged. `below` looks through views. */
  readonly handsOn: (node: NodeOf<K>, below: (id: NodeId) => Node) => readonly NodeId[];
  /** Whether binary16 holds every f32 value of the result exactly; `operand` says the same of an operand. */
  readonly halves: (node: NodeOf<K>, operand: (i: number) => boolean) => boolean;
}
