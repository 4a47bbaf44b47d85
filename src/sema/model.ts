import type { Init } from '../base/init.ts';
import type { Plateau } from '../base/plateau.ts';
import type { ScalarExpr } from '../base/scalar.ts';
import type { Span } from '../base/source.ts';
import type { Dim, Precision, Shape, TensorType } from '../base/types.ts';
import type { StateUse } from '../ir/graph/state-use.ts';
import type { Graph, NodeId } from '../ir/graph/types.ts';

/** A parameter or state, with PyTorch's name. */
export interface ParamInfo {
  readonly name: string;
  readonly shape: readonly number[];
  readonly init: Init;
  /** The layer that declares it: `Linear`. */
  readonly layer: string;
  readonly span: Span;
}

/** One stage of the chain, as shown to the user. */
export interface StageInfo {
  readonly path: string;
  readonly text: string;
  readonly loc: string;
  readonly output: Shape;
  readonly params: number;
  /** Floating-point operations of the forward pass for one example. */
  readonly flops: number;
}

/** Settings of an optimizer by name, complete and validated. */
export type OptimSettings = Readonly<Record<string, number | boolean | readonly number[] | ScalarExpr>>;

export interface Optim {
  readonly name: string;
  readonly settings: OptimSettings;
  /** Names of parameters without weight decay, and of parameters that are not trained. */
  readonly noDecay: ReadonlySet<string>;
  readonly frozen: ReadonlySet<string>;
  /** The parameters that it trains, if the program lists them: `params=[gen]`. */
  readonly trains: ReadonlySet<string> | undefined;
  /** Parameter groups with their own rate or decay; no parameter is in two. */
  readonly groups: readonly OptimGroup[];
  /** How the rate is lowered when the loss stops falling. */
  readonly plateau: Plateau | undefined;
}

export interface OptimGroup {
  readonly params: ReadonlySet<string>;
  /** `lr`, `weight_decay` of the group. */
  readonly settings: Readonly<Record<string, ScalarExpr>>;
}

/** Examples from a file, or drawn from expressions. */
export interface DataSpec {
  readonly path: string | undefined;
  /** The columns or tensors of each input and of `y`, if the program names them. */
  readonly columns: ReadonlyMap<string, readonly string[]>;
  /** The number of examples to draw, and the seed. */
  readonly draw:
    { readonly rows: number; readonly seed: number | undefined; readonly graph: Graph; readonly draws: readonly Draw[] } | undefined;
  readonly normalize: boolean;
  readonly normalizeTarget: boolean;
  /** Share of the examples to train on; the rest is the holdout. */
  readonly split: number;
  readonly hold: 'random' | 'last' | 'stratified';
  /** A file of held-out examples. */
  readonly test: string | undefined;
  /** Files beside it, by input or target (`y`), where each tensor has a file of its own. */
  readonly testFiles: ReadonlyMap<string, string>;
  /** For text: how it is tokenized, and the number of tokens per example. */
  readonly tokens: string | undefined;
  readonly context: number | undefined;
  readonly reading: ReadingSpec;
  readonly span: Span;
}

/** How the cells of a table are read. */
export interface ReadingSpec {
  readonly missing?: 'drop' | 'mean' | '0' | 'flag';
  readonly words?: readonly string[];
  readonly dates?: boolean;
  readonly comma?: boolean;
  readonly separator?: string;
  readonly header?: boolean;
  readonly stride?: number;
  readonly resize?: boolean;
  readonly vocabulary?: number | undefined;
  readonly groups?: string;
}

/** Random numbers that an expression of `data` draws: the graph's input of that name. */
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
  /** Epochs without a better held-out loss after which training stops. */
  readonly earlyStop: number | undefined;
  /** Updates after so many batches. */
  readonly accumulate: number;
  /** The decay of the average of the weights, if there is one. */
  readonly ema: number | undefined;
}

export interface InputInfo {
  readonly name: string;
  readonly type: TensorType;
}

/** A counter in the saved weights of how often a state was updated, with PyTorch's name. */
export interface CounterInfo {
  readonly name: string;
  readonly state: string;
  /** How much each use adds per step. */
  readonly each: 0 | 1;
}

/** A use of a layer that computes each channel's statistics over this many values of a batch. */
export interface MeasureInfo {
  /** The layer as the program writes it. */
  readonly text: string;
  readonly span: Span;
  readonly values: Dim;
}

/** A loss after the first one, trained in turn with the others. */
export interface TurnInfo {
  readonly optim: Optim;
  /** The source text of the loss, which also names its metric. */
  readonly loss: string;
  /** The output of the graphs that holds it. */
  readonly output: string;
}

/** What the numbers of a prediction are; see `OutputMeaning` of the runtime. */
export type OutputMeaning = 'numbers' | 'softmax' | 'sigmoid' | 'exp' | 'none';

/** What the model is compared with. */
export interface TargetInfo {
  /** The input of the graph that holds it; a single target is called `target`. */
  readonly name: string;
  /** The name in the program, `y` by default. */
  readonly shown: string;
  readonly type: TensorType;
  /** The number of classes of its labels. */
  readonly classes: number | undefined;
  /** The ignored label. */
  readonly ignored: number | undefined;
  /** Whether it is 0, 1 or between: yes and no, or a share. */
  readonly shares: true | undefined;
}

/** A program that has passed every check: what is computed, but not how. */
export interface Model {
  readonly name: string;
  readonly inputs: readonly [InputInfo, ...InputInfo[]];
  readonly output: TensorType;
  /** How the output becomes probabilities, if the loss compares scores of classes. */
  readonly reads: OutputMeaning;
  /** What the loss and the metrics compare with; empty if they need no target. */
  readonly targets: readonly TargetInfo[];
  readonly params: readonly ParamInfo[];
  /** States: saved but not trained, such as running statistics. */
  readonly states: readonly ParamInfo[];
  readonly stages: readonly StageInfo[];
  /** The prediction graph, with the output `pred`. */
  readonly predict: Graph;
  /** The outputs `loss` and the metrics in prediction mode, for the holdout. */
  readonly evaluation: Graph | undefined;
  /**
   * The outputs `pred`, `loss` and the metrics in training mode (with dropout), and the next values of states; undefined without a loss.
   */
  readonly training: Graph | undefined;
  readonly loss: string | undefined;
  /** Names of the metrics: outputs `metric:NAME`. */
  readonly metrics: readonly string[];
  /** Whether higher or lower is better for each metric, if known; in source order. */
  readonly better: Readonly<Record<string, 'higher' | 'lower'>>;
  readonly optim: Optim | undefined;
  /** Further losses with optimizers of their own. */
  readonly turns: readonly TurnInfo[];
  /** Nodes of {@link training} by their names in the program: inputs, `let`s, parameters, and stages by path. */
  readonly named: ReadonlyMap<string, NodeId>;
  readonly uses: readonly StateUse[];
  readonly counters: readonly CounterInfo[];
  readonly measures: readonly MeasureInfo[];
  readonly data: DataSpec | undefined;
  readonly train: TrainSpec;
  /** The precision of products. */
  readonly precision: Precision;
}

/** One item of a `print` line. */
export type PrintItem =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'value'; readonly output: string }
  /** A derivative: its formula and its value. */
  | { readonly kind: 'gradient'; readonly output: string; readonly of: string; readonly wrt: string };

/** The `print` lines of a program. */
export interface Script {
  readonly lines: readonly {
    readonly items: readonly PrintItem[];
    readonly span: Span;
    readonly afterTraining: boolean;
    /** Whether it shows values that depend on the inputs: those of the data's examples. */
    readonly ofExamples: boolean;
  }[];
  /** Whether the program has a `train` statement. */
  readonly trains: boolean;
  /** Computes every value that the lines print; its params are {@link Script.params}. */
  readonly graph: Graph;
  readonly params: readonly ParamInfo[];
  /** Names in the program, by node of the graph. */
  readonly names: ReadonlyMap<number, string>;
}
