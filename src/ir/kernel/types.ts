import type { StorageType } from '../../base/types.ts';

/**
 * The kernel IR: loops over scalars and vectors of four. A kernel runs its body once for every point of its axes, in any
 * order; with `lanes` above 1, that many lanes of one workgroup share a point and join their partial results by `combine`.
 * With `subgroup` above 1, `sub` is the place of a thread among so many neighbours.
 */
export type ScalarType = 'f32' | 'i32' | 'u32' | 'bool';
/** Four neighbours along the innermost axis of what a kernel stores. */
export type VectorType = `${ScalarType}x4`;
export type ValueType = ScalarType | VectorType;

export type Expr =
  | { readonly kind: 'literal'; readonly type: ScalarType; readonly value: number }
  /** An axis, a loop variable, a `let` or a `var`. */
  | { readonly kind: 'ref'; readonly type: ValueType; readonly name: string }
  /** A number that the host sets for each step. */
  | { readonly kind: 'uniform'; readonly type: ScalarType; readonly name: string }
  /** An element; of a vector type, the four elements from 4 * index on. */
  | { readonly kind: 'load'; readonly type: ValueType; readonly buffer: string; readonly index: Expr }
  /** The value at that place of a table. */
  | { readonly kind: 'item'; readonly type: ValueType; readonly table: string; readonly index: Expr }
  | { readonly kind: 'call'; readonly type: ValueType; readonly fn: Fn; readonly args: readonly Expr[] };

export type Stmt =
  | { readonly kind: 'let'; readonly name: string; readonly value: Expr }
  | { readonly kind: 'var'; readonly name: string; readonly value: Expr }
  | { readonly kind: 'set'; readonly name: string; readonly value: Expr }
  /** Values that are reached by their place. */
  | { readonly kind: 'table'; readonly name: string; readonly values: readonly Expr[] }
  | { readonly kind: 'for'; readonly name: string; readonly extent: number; readonly body: readonly Stmt[] }
  | { readonly kind: 'if'; readonly condition: Expr; readonly body: readonly Stmt[] }
  /** Joins a `var` over all lanes; afterwards every lane holds the result. */
  | { readonly kind: 'combine'; readonly name: string; readonly fn: 'add' | 'max' }
  /**
   * A product of matrices by the units of the device that have it. The lanes of a workgroup, in subgroups, together fill a table: the
   * sums over the loops of `left` times `right`, row by row. Every lane must get here.
   */
  | {
      readonly kind: 'product';
      readonly name: string;
      readonly unit: MatrixUnit;
      /** Of the table; multiples of the unit's. */
      readonly rows: number;
      readonly columns: number;
      /** From the outermost to the innermost, which goes in steps of the unit's depth. */
      readonly loops: readonly Axis[];
      readonly left: MatrixOperand;
      readonly right: MatrixOperand;
    }
  /** An element; with a vector value, the four elements from 4 * index on. */
  | { readonly kind: 'store'; readonly buffer: string; readonly index: Expr; readonly value: Expr };

/** What a unit multiplies at once: m x k by k x n, of numbers of one type into sums of f32; a subgroup of so many threads does it. */
export interface MatrixUnit {
  readonly type: 'f16' | 'f32';
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly subgroup: number;
}

/** Where a matrix lies in a buffer: its first element in a round of the loops, and the distances between elements, one of which is 1. */
export interface MatrixOperand {
  readonly buffer: string;
  readonly index: Expr;
  /** Along the rows of the result, or its columns. */
  readonly along: number;
  /** Along the sum. */
  readonly depth: number;
}

/**
 * Storage as a kernel sees it: a flat array of `size` elements, which is the part of a tensor from `offset` on. Of f16, loads give
 * f32, and what is stored is an f32 that f16 can hold.
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
  /** What it computes, for the reader: shapes and the place in the program. */
  readonly about: readonly string[];
  readonly buffers: readonly Buffer[];
  /** The last axis is the fastest. */
  readonly axes: readonly Axis[];
  readonly lanes: number;
  /** Threads side by side that read for one another, by `broadcast`; 1 where each reads for itself. */
  readonly subgroup: number;
  readonly body: readonly Stmt[];
}

/** Scalar functions; `ir/kernel/functions.ts` gives their types, each code generator its text. On vectors they work by element. */
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
  | 'pow'
  | 'max'
  | 'min'
  | 'fma'
  | 'lt'
  | 'le'
  | 'eq'
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

/** Between neighbours: the value that one of them holds. */
export type SubgroupFn = 'broadcast';

/** Between scalars and vectors: four times the same, four of them, one of the four, their sum, their maximum. */
export type VectorFn = 'splat' | 'vec4' | 'x' | 'y' | 'z' | 'w' | 'sum4' | 'max4';
