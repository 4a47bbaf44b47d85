import type { StorageType } from '../../base/types.ts';

/**
 * The kernel IR: loops over scalars and vectors of four. The body runs once for every point of the axes, in any order. With `lanes` above
 * 1, that many lanes of one workgroup share a point: they reduce partial results by `combine`, and have memory in common by `shared`. With
 * `subgroup` above 1, `sub` is the index of a thread within its subgroup of that size.
 */
export type ScalarType = 'f32' | 'i32' | 'u32' | 'bool';
/** Four consecutive elements along the innermost axis of what a kernel stores. */
export type VectorType = `${ScalarType}x4`;
export type ValueType = ScalarType | VectorType;

export type Expr =
  | { readonly kind: 'literal'; readonly type: ScalarType; readonly value: number }
  /** An axis, a loop variable, a `let` or a `var`. */
  | { readonly kind: 'ref'; readonly type: ValueType; readonly name: string }
  /** A number that the host sets for each step, or for each place of a loop: {@link PLACE}. */
  | { readonly kind: 'uniform'; readonly type: ScalarType; readonly name: string }
  /** One element; for a vector type, the four elements from 4 * index on. */
  | { readonly kind: 'load'; readonly type: ValueType; readonly buffer: string; readonly index: Expr }
  /** An element of a table. */
  | { readonly kind: 'item'; readonly type: ValueType; readonly table: string; readonly index: Expr }
  | { readonly kind: 'call'; readonly type: ValueType; readonly fn: Fn; readonly args: readonly Expr[] };

/** The uniform that holds the current place of the loop around a kernel. */
export const PLACE = 'loop_place';

export type Stmt =
  | { readonly kind: 'let'; readonly name: string; readonly value: Expr }
  | { readonly kind: 'var'; readonly name: string; readonly value: Expr }
  | { readonly kind: 'set'; readonly name: string; readonly value: Expr }
  /** Values that are read by index. */
  | { readonly kind: 'table'; readonly name: string; readonly values: readonly Expr[] }
  | { readonly kind: 'for'; readonly name: string; readonly extent: number; readonly body: readonly Stmt[] }
  | { readonly kind: 'if'; readonly condition: Expr; readonly body: readonly Stmt[] }
  /** A table in the memory of a workgroup, which its lanes fill by `put`. */
  | { readonly kind: 'shared'; readonly name: string; readonly type: ValueType; readonly size: number }
  | { readonly kind: 'put'; readonly table: string; readonly index: Expr; readonly value: Expr }
  /** Every lane waits here for all others, and then sees what they have put or, in a buffer, stored. Every lane must reach it. */
  | { readonly kind: 'barrier'; readonly of: 'shared' | 'buffers' }
  /** Reduces a `var` over all lanes; afterwards every lane holds the result. */
  | { readonly kind: 'combine'; readonly name: string; readonly fn: 'add' | 'max' }
  /**
   * A matrix product on the device's matrix units. The lanes of a workgroup, in subgroups, together fill a table row by row: the sums over
   * the loops of `left` times `right`. Every lane must reach this statement.
   */
  | {
      readonly kind: 'product';
      readonly name: string;
      readonly unit: MatrixUnit;
      /** The table's size, in multiples of the unit's. */
      readonly rows: number;
      readonly columns: number;
      /** Outermost first; the innermost advances in steps of the unit's depth. */
      readonly loops: readonly Axis[];
      readonly left: MatrixOperand;
      readonly right: MatrixOperand;
    }
  /** One element; for a vector value, the four elements from 4 * index on. */
  | { readonly kind: 'store'; readonly buffer: string; readonly index: Expr; readonly value: Expr };

/** What a matrix unit multiplies at once: m x k by k x n, elements of one type summed in f32, by a subgroup of that many threads. */
export interface MatrixUnit {
  readonly type: 'f16' | 'f32';
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly subgroup: number;
}

/** Where a matrix lies in a buffer: its first element in an iteration of the loops, and the strides, one of which is 1. */
export interface MatrixOperand {
  readonly buffer: string;
  readonly index: Expr;
  /** Stride along the rows of the result, or its columns. */
  readonly along: number;
  /** Stride along the sum. */
  readonly depth: number;
}

/**
 * Storage as a kernel sees it: a flat array of `size` elements, the part of a tensor from `offset` on. For f16, loads give f32, and a
 * stored f32 must be exact in f16.
 */
export interface Buffer {
  readonly name: string;
  readonly type: StorageType;
  readonly size: number;
  readonly access: 'read' | 'write' | 'update';
  readonly tensor: string;
  readonly offset: number;
}

export interface Axis {
  readonly name: string;
  readonly extent: number;
}

export interface Kernel {
  readonly name: string;
  /** A description for the reader: shapes and the place in the program. */
  readonly about: readonly string[];
  readonly buffers: readonly Buffer[];
  /** The last axis varies fastest. */
  readonly axes: readonly Axis[];
  readonly lanes: number;
  /** Size of a subgroup whose threads read for one another, by `broadcast`; 1 where each reads for itself. */
  readonly subgroup: number;
  /** How many places the loop around it has, if there is one. */
  readonly places?: number;
  readonly body: readonly Stmt[];
}

/** Scalar functions; `ir/kernel/functions.ts` has their types, each code generator their text. On vectors they work element by element. */
export type Fn =
  | 'neg'
  | 'abs'
  | 'sign'
  | 'exp'
  | 'log'
  | 'log1p'
  | 'expm1'
  | 'sqrt'
  | 'sin'
  | 'cos'
  | 'atan'
  | 'tanh'
  | 'sigmoid'
  | 'erf'
  | 'floor'
  | 'round_f16'
  | 'finite'
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'mod'
  | 'fmod'
  | 'pow'
  | 'max'
  | 'min'
  | 'fma'
  | 'lt'
  | 'le'
  | 'eq'
  | 'before'
  | 'and'
  | 'or'
  | 'not'
  | 'select'
  | 'f32'
  | 'i32'
  | 'u32'
  | 'bool'
  | 'uniform'
  | 'shuffle'
  | SubgroupFn
  | VectorFn;

/** Between threads of a subgroup: the value that one of them holds. */
export type SubgroupFn = 'broadcast';

/** Between scalars and vectors: repeat, build, extract an element, sum, maximum. */
export type VectorFn = 'splat' | 'vec4' | 'x' | 'y' | 'z' | 'w' | 'sum4' | 'max4';
