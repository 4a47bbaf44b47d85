import type { ScalarExpr } from '../base/scalar.ts';
import type { Span } from '../base/source.ts';
import type { Shape, TensorType } from '../base/types.ts';
import type { Graph } from '../ir/graph/types.ts';
import type { Init } from '../base/init.ts';

/** A trainable tensor with PyTorch's name. */
export interface ParamInfo {
  readonly name: string;
  readonly shape: readonly number[];
  readonly init: Init;
  /** The layer that declares it. */
  readonly span: Span;
}

/** One stage of the chain, for people. */
export interface StageInfo {
  readonly path: string;
  readonly text: string;
  readonly loc: string;
  readonly output: Shape;
  readonly params: number;
  /** Floating-point operations of the forward pass for one example. */
  readonly flops: number;
}

/** Settings of an optimizer by name, checked and complete. */
export type OptimSettings = Readonly<Record<string, number | boolean | readonly number[] | ScalarExpr>>;

export interface DataSpec {
  readonly path: string;
  readonly x: readonly string[] | undefined;
  readonly y: readonly string[] | undefined;
  readonly span: Span;
}

export interface TrainSpec {
  readonly epochs: number | undefined;
  readonly steps: number | undefined;
  readonly batch: number | undefined;
  readonly shuffle: boolean;
  readonly seed: number;
}

/** A program that has passed every check: what is computed, not yet how. */
export interface Model {
  readonly name: string;
  readonly input: { readonly name: string; readonly type: TensorType };
  readonly output: TensorType;
  readonly target: { readonly type: TensorType; readonly classes: number | undefined } | undefined;
  readonly params: readonly ParamInfo[];
  readonly stages: readonly StageInfo[];
  /** Output `pred`, as it predicts. */
  readonly predict: Graph;
  /** Outputs `pred` and `loss`, as it trains (with dropout); undefined without a loss. */
  readonly training: Graph | undefined;
  readonly loss: string | undefined;
  readonly optim: { readonly name: string; readonly settings: OptimSettings } | undefined;
  readonly data: DataSpec | undefined;
  readonly train: TrainSpec;
}
