import type { Init } from '../base/init.ts';
import type { Plateau } from '../base/plateau.ts';
import type { ScalarExpr } from '../base/scalar.ts';
import type { Span } from '../base/source.ts';
import type { Dim, Precision, Shape, TensorType } from '../base/types.ts';
import type { StateUse } from '../ir/graph/state-use.ts';
import type { Graph, NodeId } from '../ir/graph/types.ts';

/** A tensor that the model keeps, trained or not, with PyTorch's name. */
export interface ParamInfo {
  readonly name: string;
  readonly shape: readonly number[];
  readonly init: Init;
  /** The layer that declares it, as the program calls it: `Linear`. */
  readonly layer: string;
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

export interface Optim {
  readonly name: string;
  readonly settings: OptimSettings;
  /** Parameters without weight decay, and parameters that are not trained, by name. */
  readonly noDecay: ReadonlySet<string>;
  readonly frozen: ReadonlySet<string>;
  /** What it trains, where the program says so: `params=[gen]`. */
  readonly trains: ReadonlySet<string> | undefined;
  /** Parameters with a rate or a decay of their own; none is in two groups. */
  readonly groups: readonly OptimGroup[];
  /** When the rate is lowered because the loss does not fall. */
  readonly plateau: Plateau | undefined;
}

export interface OptimGroup {
  readonly params: ReadonlySet<string>;
  /** `lr`, `weight_decay`: what is the group's own. */
  readonly settings: Readonly<Record<string, ScalarExpr>>;
}

/** Examples from a file, or drawn by expressions. */
export interface DataSpec {
  readonly path: string | undefined;
  /** Columns or tensors of each input and of `y`, where the program says them. */
  readonly columns: ReadonlyMap<string, readonly string[]>;
  /** How many examples are drawn, with which seed. */
  readonly draw:
    { readonly rows: number; readonly seed: number | undefined; readonly graph: Graph; readonly draws: readonly Draw[] } | undefined;
  readonly normalize: boolean;
  /** Share of the examples that is trained on; the rest is held out. */
  readonly split: number;
  /** Text: how it is cut into tokens, and how many make one example. */
  readonly tokens: 'chars' | 'bytes' | undefined;
  readonly context: number | undefined;
  readonly span: Span;
}

/** Random numbers that an expression of `data` asks for: the graph's input of that name. */
export interface Draw {
  readonly input: string;
  readonly kind: 'uniform' | 'normal';
  readonly shape: readonly number[];
}

export interface TrainSpec {
  readonly epochs: number | undefined;
  readonly steps: number | undefined;
  readonly batch: number | undefined;
  readonly shuffle: boolean;
  readonly seed: number;
}

export interface InputInfo {
  readonly name: string;
  readonly type: TensorType;
}

/** A number of the weights that counts how often a state has moved, by PyTorch's name. */
export interface CounterInfo {
  readonly name: string;
  readonly state: string;
  /** What each use adds in a step. */
  readonly each: 0 | 1;
}

/** A use of a layer that measures each channel over so many values of a batch. */
export interface MeasureInfo {
  /** The layer as the program writes it. */
  readonly text: string;
  readonly span: Span;
  readonly values: Dim;
}

/** A loss after the first, which is trained in turn with the ones before it. */
export interface TurnInfo {
  readonly optim: Optim;
  /** Its text, which is also the name of the metric that records it. */
  readonly loss: string;
  /** The output of the graphs that holds it. */
  readonly output: string;
}

/** What the model is compared with. */
export interface TargetInfo {
  /** The input of the graph that holds it: `target` where there is one alone. */
  readonly name: string;
  /** What the program calls it; `y` where it does not say. */
  readonly shown: string;
  readonly type: TensorType;
  /** How many classes its labels choose from. */
  readonly classes: number | undefined;
  /** A label that does not count. */
  readonly ignored: number | undefined;
}

/** A program that has passed every check: what is computed, not yet how. */
export interface Model {
  readonly name: string;
  readonly inputs: readonly [InputInfo, ...InputInfo[]];
  readonly output: TensorType;
  /** What the loss and the metrics compare with; none where they look at the model alone. */
  readonly targets: readonly TargetInfo[];
  readonly params: readonly ParamInfo[];
  /** Tensors that are kept and saved, but not trained: running statistics. */
  readonly states: readonly ParamInfo[];
  readonly stages: readonly StageInfo[];
  /** Output `pred`, as it predicts. */
  readonly predict: Graph;
  /** Outputs `loss` and the metrics, as it predicts: for examples that were held out. */
  readonly evaluation: Graph | undefined;
  /** Outputs `pred`, `loss` and the metrics, as it trains (with dropout), and the next values of states; undefined without a loss. */
  readonly training: Graph | undefined;
  readonly loss: string | undefined;
  /** Names of the metrics: outputs `metric:NAME`. */
  readonly metrics: readonly string[];
  /** Which values of a metric are better, where that is known: in the order of the text. */
  readonly better: Readonly<Record<string, 'higher' | 'lower'>>;
  readonly optim: Optim | undefined;
  /** Further losses with optimizers of their own. */
  readonly turns: readonly TurnInfo[];
  /** Nodes of {@link training} by what the program calls them: inputs, `let`s, parameters, and stages by their paths. */
  readonly named: ReadonlyMap<string, NodeId>;
  readonly uses: readonly StateUse[];
  readonly counters: readonly CounterInfo[];
  readonly measures: readonly MeasureInfo[];
  readonly data: DataSpec | undefined;
  readonly train: TrainSpec;
  /** What products are made of. */
  readonly precision: Precision;
}

/** One value of a `print` line. */
export type PrintItem =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'value'; readonly output: string }
  /** A derivative: shown as a formula, and its value. */
  | { readonly kind: 'gradient'; readonly output: string; readonly of: string; readonly wrt: string };

/** The `print` lines of a program. */
export interface Script {
  readonly lines: readonly { readonly items: readonly PrintItem[]; readonly span: Span; readonly afterTraining: boolean }[];
  /** The program says `train`. */
  readonly trains: boolean;
  /** Computes every output that the lines name; its params are {@link Script.params}. */
  readonly graph: Graph;
  readonly params: readonly ParamInfo[];
  /** What the program calls the nodes of the graph. */
  readonly names: ReadonlyMap<number, string>;
}
