import type { Span } from '../base/source.ts';
import type { DType } from '../base/types.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type { CallExpr } from '../parser/ast.ts';
import type { Const } from './constants.ts';

/** What an expression can be during checking. */
export type Value = ConstValue | TensorValue | TupleValue | StageValue;

export interface ConstValue {
  readonly kind: 'const';
  readonly value: Const;
}
/** A node of the graph. */
export interface TensorValue {
  readonly kind: 'tensor';
  readonly id: NodeId;
}
export interface TupleValue {
  readonly kind: 'tuple';
  readonly items: readonly Value[];
}
/** A function of its input: a chain of parts. */
export interface StageValue {
  readonly kind: 'stage';
  readonly parts: readonly StagePart[];
}

/** The current place in the parameter names: the dotted path, and the index that the next unnamed part gets. */
export interface Flow {
  readonly prefix: readonly string[];
  next: number;
  /** `name:` before a call that is made at once. */
  readonly label?: string;
  /** The name of the `let`, which shared weights take. */
  readonly binding?: string;
  /** A call whose several results are all named by a `let`. */
  readonly several?: CallExpr;
}

/** One example of the input, without the batch. */
export interface Expectation {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** What a chain implies about its input: the first part that implies anything decides. */
export function expectation(s: StageValue): Expectation | 'same' | undefined {
  for (const p of s.parts) if (p.expects !== 'same') return p.expects;
  return 'same';
}

export interface StagePart {
  /** `name:` before it. */
  readonly label: string | undefined;
  readonly span: Span;
  readonly text: string;
  /** The parts of combinators are numbered in the surrounding chain; layers and blocks have a name of their own. */
  readonly transparent: boolean;
  /** What it implies about its input; `same` if it takes anything and keeps its shape. */
  readonly expects?: Expectation | 'same' | undefined;
  /** Combines a stage with a value: with several inputs it is unclear which of them flows in. */
  readonly mixes?: boolean;
  readonly run: (flow: Flow, name: string, x: Value) => Value;
}

export const constant = (value: Const): ConstValue => ({ kind: 'const', value });
export const tensor = (id: NodeId): TensorValue => ({ kind: 'tensor', id });
export const stage = (parts: readonly StagePart[]): StageValue => ({ kind: 'stage', parts });

export function describeValue(v: Value): string {
  switch (v.kind) {
    case 'const':
      return typeof v.value === 'number'
        ? `the number ${v.value}`
        : typeof v.value === 'string'
          ? `the string "${v.value}"`
          : Array.isArray(v.value)
            ? `a list of ${v.value.length}`
            : String(v.value);
    case 'tensor':
      return 'a tensor';
    case 'tuple':
      return `${v.items.length} values`;
    case 'stage':
      return 'a stage that still needs its input';
  }
}

/** Thrown after a diagnostic was reported; caught where checking can continue. */
export class Reported extends Error {}

/** Runs `body`; undefined if it failed with a reported diagnostic. */
export function attempt<T>(body: () => T): T | undefined {
  try {
    return body();
  } catch (e) {
    if (e instanceof Reported) return undefined;
    throw e;
  }
}
