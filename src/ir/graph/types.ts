import type { Matrix } from '../../base/matrix.ts';
import type { DType, Dim, Shape, TensorType } from '../../base/types.ts';
import type { ScalarExpr } from '../../base/scalar.ts';

/**
 * The tensor IR: what is computed, never how. A node is an operation on whole tensors. Operands have equal shapes unless the operation says
 * otherwise, so broadcasting is always a separate node.
 */
export type None = Readonly<Record<string, never>>;

/** Every operation and its attributes. Shape rules, the reference, gradients and lowering are tables over these keys. */
export interface OpAttrs {
  // Leaves
  input: { readonly name: string };
  param: { readonly name: string };
  state: { readonly name: string };
  const: { readonly value: number };
  scalar: { readonly name: string; readonly expr: ScalarExpr };
  iota: { readonly axis: number };
  dimsize: { readonly dim: Dim };
  // One operand, element by element
  neg: None;
  abs: None;
  sign: None;
  exp: None;
  log: None;
  log1p: None;
  expm1: None;
  sqrt: None;
  sin: None;
  cos: None;
  atan: None;
  tanh: None;
  sigmoid: None;
  erf: None;
  floor: None;
  /** Rounds to the nearest IEEE binary16 number, ties to even; 65520 and beyond give infinity. */
  round_f16: None;
  /** Neither infinite nor NaN. */
  finite: None;
  not: None;
  cast: { readonly dtype: DType };
  detach: None;
  // Two operands of one shape
  add: None;
  sub: None;
  mul: None;
  div: None;
  idiv: None;
  mod: None;
  /** The remainder of floats, with the sign of a; always exact. */
  fmod: None;
  pow: None;
  max: None;
  min: None;
  lt: None;
  le: None;
  eq: None;
  /** a comes before b in rising order: a < b, or b is NaN and a is not. A total order, in which NaN is the greatest. */
  before: None;
  and: None;
  or: None;
  // Three
  select: None;
  // Reductions and products
  reduce_sum: { readonly axes: readonly number[] };
  reduce_max: { readonly axes: readonly number[] };
  /** `ab,cb->ac`: a labelled product of two operands, summed over the labels that the result lacks. */
  contract: { readonly spec: string };
  /**
   * Linear combinations along axes: element i of each of `axes` becomes the sum of `matrix[i][j]` times element j, without terms whose
   * factor is 0. Along two axes that is M x M^T.
   */
  mix: { readonly axes: readonly number[]; readonly matrix: Matrix };
  // Movement
  /** Input axis i becomes output axis `axes[i]`; the other output axes repeat. */
  broadcast: { readonly shape: Shape; readonly axes: readonly number[] };
  reshape: { readonly shape: Shape };
  permute: { readonly perm: readonly number[] };
  pad: { readonly low: readonly number[]; readonly high: readonly number[]; readonly value: number };
  slice: { readonly start: readonly number[]; readonly size: Shape };
  concat: { readonly axis: number };
  /** Reverses the elements along some axes. */
  flip: { readonly axes: readonly number[] };
  /** Sliding windows: the axis becomes the positions of the window, a new last axis the elements inside it. */
  window: { readonly axis: number; readonly size: number; readonly stride: number; readonly dilation: number };
  /** The adjoint of window: sums, at each of `length` places, what the windows hold there. */
  unwindow: { readonly axis: number; readonly length: number; readonly stride: number; readonly dilation: number };
  // Rows by index, and the adjoint
  gather: None;
  scatter_add: { readonly rows: Dim };
  // Random numbers
  uniform: { readonly stream: number };
  shuffle: None;
  // Loops
  /**
   * Runs a graph once for each of `length` places. Operand i is what the body calls `names[i]`: a state, which the operand starts and which
   * the body's writes carry on to the next place; an input in `each`, of which the body sees one place of axis 0; or an input that is the
   * same everywhere. `take` says which result this node is: an output of the body at `each` place, along a new axis 0, or the value of a
   * state after the `last` one. Nodes with equal bodies and operands are results of one loop.
   */
  scan: {
    readonly body: Graph;
    readonly length: number;
    /** From the last place to the first. */
    readonly reverse: boolean;
    readonly names: readonly string[];
    readonly each: readonly string[];
    readonly take: 'each' | 'last';
    readonly of: string;
  };
  /** Of a loop that is laid out for kernels: a state of it before the current place. */
  carry: { readonly name: string };
  /** Of a loop that is laid out for kernels: what an operand has at the current place, counted along axis 0 or from its end. */
  pick: { readonly reverse: boolean };
}

export type Op = keyof OpAttrs;
export type NodeId = number;

export interface NodeOf<K extends Op> {
  readonly id: NodeId;
  readonly op: K;
  readonly inputs: readonly NodeId[];
  readonly attrs: OpAttrs[K];
  readonly type: TensorType;
  /** A readable name, if the program gives one. */
  readonly name?: string;
  /** Where it comes from: `house.nn:3:7`. */
  readonly loc?: string;
}
export type Node = { [K in Op]: NodeOf<K> }[Op];

/** Writes the value of a node to a state tensor at the end of the step. */
export interface Write {
  readonly state: string;
  readonly value: NodeId;
}

/** Nodes in topological order. */
export interface Graph {
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly outputs: Readonly<Record<string, NodeId>>;
  readonly writes: readonly Write[];
}
