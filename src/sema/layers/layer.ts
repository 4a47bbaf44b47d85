import type { Code } from '../../base/codes.ts';
import type { Init } from '../../base/init.ts';
import type { DType, Dim, Shape } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import type { AnyArgs, ArgsOf, Parameters } from '../arguments.ts';

/** Why a layer cannot take its input. */
export interface Problem {
  readonly code: Code;
  readonly label: string;
  readonly help?: string;
}

export function problem(code: Code, label: string, help?: string): Problem {
  return { code, label, ...(help ? { help } : {}) };
}

/** A counter in the saved weights: how many batches have updated a state. Some counters of PyTorch never change. */
export interface Counter {
  readonly name: string;
  /** How much each use of the layer adds per step. */
  readonly each: 0 | 1;
}

/** What a layer is built with. */
export interface LayerContext {
  readonly b: GraphBuilder;
  /** Whether this is the training graph. */
  readonly training: boolean;
  /** Whether random numbers are drawn: while training, and in `print` lines. */
  readonly draws: boolean;
  /** The layer as the program writes it: `Linear(12, 1)`. */
  readonly text: string;
  /** Tensors that the call passes by name, such as `mask=m`. */
  readonly named: Readonly<Record<string, NodeId | undefined>>;
  /** Declares a trainable tensor `PATH.name`, named and laid out as PyTorch does. */
  readonly param: (name: string, shape: readonly number[], init: Init) => NodeId;
  /**
   * Declares the untrained state `PATH.name`: its value before the step, and a function that sets the next value, used only while training.
   */
  readonly state: (
    name: string,
    shape: readonly number[],
    init: Init,
    counter?: Counter,
  ) => { readonly value: NodeId; readonly keep: (next: NodeId) => void };
  /** Reports how many values each channel's statistics come from while training: with one value there is no deviation. */
  readonly measures: (values: Dim) => void;
  /** Uniform random numbers of this step, from a stream of their own. */
  readonly random: (shape: Shape) => NodeId;
}

/** The result of a layer: a value, several, or why it cannot be built. */
export type BuiltValue = NodeId | readonly NodeId[] | Problem;

export function isProblem(v: BuiltValue): v is Problem {
  return typeof v === 'object' && 'code' in v;
}

/** One kind of layer or function: its arguments and what it computes. */
export interface Layer {
  /** Names of the input tensors, or any number of them; only `x` by default. A layer with several inputs is only called, never a stage. */
  readonly inputs?: readonly string[] | 'many';
  /** Several inputs may flow in together as a list, so that the layer can be a stage too. */
  readonly together?: boolean;
  /** Further tensors that may be passed by name. */
  readonly named?: readonly string[];
  readonly parameters: Parameters;
  /** Parameters that may be left out without having a default. */
  readonly optional?: readonly string[];
  /** One line for the docs. */
  readonly doc: string;
  /** The same layer in PyTorch. */
  readonly torch: string;
  /** Input and output shapes, for the docs; if missing, the shape is kept. */
  readonly shape?: string;
  readonly build: (cx: LayerContext, args: AnyArgs, ...inputs: NodeId[]) => BuiltValue;
  /** What the layer implies about the program's input if it comes first: the type of one example, without the batch. */
  readonly expects?: (args: AnyArgs) => { readonly dtype: DType; readonly shape: readonly number[] };
  /** The output shape that the arguments imply for any input, so that checking can go on after an error. */
  readonly assume?: (args: AnyArgs, shape: Shape) => Shape;
  /** The output has the input's shape. */
  readonly keepsShape?: boolean;
  /** Also takes integers and booleans, and checks types itself. */
  readonly anyType?: boolean;
}

/** Ties the types of the arguments to the parameter table, then erases them for the registry. */
export function layer<P extends Parameters>(
  spec: Omit<Layer, 'parameters' | 'build' | 'expects' | 'assume'> & {
    readonly parameters: P;
    readonly build: (cx: LayerContext, args: ArgsOf<P>, ...inputs: [NodeId, ...NodeId[]]) => BuiltValue;
    readonly expects?: (args: ArgsOf<P>) => { readonly dtype: DType; readonly shape: readonly number[] };
    readonly assume?: (args: ArgsOf<P>, shape: Shape) => Shape;
  },
): Layer {
  return spec as unknown as Layer;
}
