import type { Code } from '../../base/codes.ts';
import type { Init } from '../../base/init.ts';
import type { DType, Dim, Shape } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import type { AnyArgs, ArgsOf, Parameters } from '../arguments.ts';

/** Why a layer cannot take what flows in. */
export interface Problem {
  readonly code: Code;
  readonly label: string;
  readonly help?: string;
}

export function problem(code: Code, label: string, help?: string): Problem {
  return { code, label, ...(help ? { help } : {}) };
}

/** A number of the weights that says how many batches have moved a state, or one that PyTorch has and never moves. */
export interface Counter {
  readonly name: string;
  /** What each use of the layer adds in a step. */
  readonly each: 0 | 1;
}

/** What a layer gets to build itself from. */
export interface LayerContext {
  readonly b: GraphBuilder;
  /** Training, or prediction. */
  readonly training: boolean;
  /** Whether random numbers are drawn: while training, and by lines that print them. */
  readonly draws: boolean;
  /** The layer as the program writes it: `Linear(12, 1)`. */
  readonly text: string;
  /** Tensors that the call gives by name, such as `mask=m`. */
  readonly named: Readonly<Record<string, NodeId | undefined>>;
  /** Declares a trainable tensor `PATH.name`, named and laid out as PyTorch does. */
  readonly param: (name: string, shape: readonly number[], init: Init) => NodeId;
  /** State `PATH.name` that is not trained: its value before the step, and a way to set the next one, used only while training. */
  readonly state: (
    name: string,
    shape: readonly number[],
    init: Init,
    counter?: Counter,
  ) => { readonly value: NodeId; readonly keep: (next: NodeId) => void };
  /** Tells over how many values each channel is measured while training: one has no deviation. */
  readonly measures: (values: Dim) => void;
  /** Uniform random numbers of this step, a stream of their own. */
  readonly random: (shape: Shape) => NodeId;
}

/** What a layer gives: a value, several, or why it cannot. */
export type BuiltValue = NodeId | readonly NodeId[] | Problem;

export function isProblem(v: BuiltValue): v is Problem {
  return typeof v === 'object' && 'code' in v;
}

/** One kind of layer or function: its arguments and what it computes. */
export interface Layer {
  /** Names of the tensors that it takes, or any number of them; `x` alone where it is not said. With more it is only called, never a stage. */
  readonly inputs?: readonly string[] | 'many';
  /** With several tensors: they may flow in together, as a list, so that it is a stage too. */
  readonly together?: boolean;
  /** Tensors that may be given by name besides. */
  readonly named?: readonly string[];
  readonly parameters: Parameters;
  /** Parameters that may be left out though they have no default. */
  readonly optional?: readonly string[];
  /** One line for the docs. */
  readonly doc: string;
  /** The same layer in PyTorch. */
  readonly torch: string;
  /** Shapes that flow in and out, for the docs; where it is not said, the shape stays what it is. */
  readonly shape?: string;
  readonly build: (cx: LayerContext, args: AnyArgs, ...inputs: NodeId[]) => BuiltValue;
  /** What the first layer of a program says about the input, if it says anything: one example, without the batch. */
  readonly expects?: (args: AnyArgs) => { readonly dtype: DType; readonly shape: readonly number[] };
  /** The output's shape that the arguments promise whatever flows in, so that checking can go on after an error. */
  readonly assume?: (args: AnyArgs, shape: Shape) => Shape;
  /** The output has the input's shape. */
  readonly keepsShape?: boolean;
  /** Takes labels and truth values too, and checks for itself what it needs. */
  readonly anyType?: boolean;
}

/** Ties the types of the arguments to the parameter table, then forgets them for the registry. */
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
