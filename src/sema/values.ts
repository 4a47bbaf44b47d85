import type { Span } from '../base/source.ts';
import type { DType } from '../base/types.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type { CallExpr } from '../parser/ast.ts';
import type { Const } from './constants.ts';

/** What an expression can be while a program is checked. */
export type Value = ConstValue | TensorValue | TupleValue | StageValue;

export interface ConstValue {
  readonly kind: 'const';
  readonly value: Const;
}
/** A value that flows through the graph. */
export interface TensorValue {
  readonly kind: 'tensor';
  readonly id: NodeId;
}
export interface TupleValue {
  readonly kind: 'tuple';
  readonly items: readonly Value[];
}
/** A function of the value that flows in: a chain of parts. */
export interface StageValue {
  readonly kind: 'stage';
  readonly parts: readonly StagePart[];
}

/** Where in the parameter names a part stands: the dotted path before it, and the index that the next unnamed part gets. */
export interface Flow {
  readonly prefix: readonly string[];
  next: number;
  /** `name:` before a call that is made at once. */
  readonly label?: string;
  /** The name that a `let` gives to the value: shared weights are called by it. */
  readonly binding?: string;
  /** A call all of whose values a `let` names. */
  readonly several?: CallExpr;
}

/** One example of the input, without the batch. */
export interface Expectation {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** What the first part of a chain that says anything says about the input. */
export function expectation(s: StageValue): Expectation | 'same' | undefined {
  for (const p of s.parts) if (p.expects !== 'same') return p.expects;
  return 'same';
}

export interface StagePart {
  /** `name:` before it. */
  readonly label: string | undefined;
  readonly span: Span;
  readonly text: string;
  /** Combinators take their parts' names from the chain they stand in; layers and blocks have a name of their own. */
  readonly transparent: boolean;
  /** What it says about what flows in; `same` where it takes anything and keeps its shape. */
  readonly expects?: Expectation | 'same' | undefined;
  /** Arithmetic of a stage with a value: with several inputs it does not say which of them flows in. */
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

/** Thrown after a diagnostic was reported, to leave what cannot go on; caught where checking can. */
export class Reported extends Error {}

/** Runs `body`; undefined where it ended with a reported diagnostic. */
export function attempt<T>(body: () => T): T | undefined {
  try {
    return body();
  } catch (e) {
    if (e instanceof Reported) return undefined;
    throw e;
  }
}
