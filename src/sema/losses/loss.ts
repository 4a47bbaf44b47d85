import { at } from '../../base/errors.ts';
import { sameShape, showDim, showShape, type TensorType } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import type { AnyArgs, ArgsOf, Parameters } from '../arguments.ts';
import { mean, part } from '../functions.ts';
import { problem, type Problem } from '../layers/layer.ts';

/** What a loss is built with. */
export interface LossContext<A = AnyArgs> {
  readonly b: GraphBuilder;
  readonly args: A;
  /** Tensors passed by name, such as `weight=w`. */
  readonly named: Readonly<Record<string, NodeId | undefined>>;
}

/** The predictions, then the target if the loss has one. */
type Operands = [NodeId, ...NodeId[]];

/** A named loss. */
export interface Loss {
  readonly doc: string;
  readonly torch: string;
  readonly parameters: Parameters;
  /** Parameters that may be left out without having a default. */
  readonly optional?: readonly string[];
  /** Names of the predictions; only `pred` by default. `loss NAME` splits them from pred's last axis. */
  readonly operands?: readonly string[];
  /** Further tensors that may be passed by name. */
  readonly named?: readonly string[];
  /**
   * The type of the target, from the type of the first operand and from the target's known type, if any; undefined for a loss without a
   * target.
   */
  readonly target: ((pred: TensorType, args: AnyArgs, found: TensorType | undefined) => TensorType | Problem) | undefined;
  /** The decision threshold of a binary loss, if it is not one half: 0 for logits and scores. */
  readonly undecided?: number;
  /** How predictions become probabilities, for a loss that compares scores of classes (`none`: they are probabilities). */
  readonly reads?: 'softmax' | 'sigmoid' | 'exp' | 'none';
  /** The target is yes or no as 1 or 0, or a share between them: what lies outside has no loss that ends somewhere. */
  readonly shares?: true;
  /** The target may be left out, and is 0 then: `l1(w)`. */
  readonly zero?: boolean;
  /** The number of classes, if the target is labels; `named` lists the tensors passed by name. */
  readonly classes?: (pred: TensorType, args: AnyArgs, named: readonly string[]) => number | undefined;
  /** The losses before the reduction, with weights applied. */
  readonly each: (cx: LossContext, ...operands: Operands) => NodeId | Problem;
  /** The weight of each loss, if it is not 1: the mean divides by their sum. */
  readonly counts?: (cx: LossContext, ...operands: Operands) => NodeId | undefined;
}

/** How the losses of elements are combined. */
export const reduction = {
  type: 'string',
  default: 'mean',
  choices: ['mean', 'sum', 'none'],
  doc: 'reduction over the elements: mean, sum or none',
} as const;

/** Ties the types of the arguments to the parameter table, then erases them for the registry. */
export function loss<P extends Parameters>(
  spec: Omit<Loss, 'parameters' | 'each' | 'counts'> & {
    readonly parameters: P;
    readonly each: (cx: LossContext<ArgsOf<P>>, ...operands: Operands) => NodeId | Problem;
    readonly counts?: (cx: LossContext<ArgsOf<P>>, ...operands: Operands) => NodeId | undefined;
  },
): Loss {
  return spec as unknown as Loss;
}

/** The target of a loss that compares elements. */
export const likePrediction = (pred: TensorType): TensorType => pred;
/** The target of a loss that compares rows: one number for each. */
export const perRow = (pred: TensorType): TensorType => ({ dtype: 'f32', shape: pred.shape.slice(0, -1) });

/** The mean over the last axis. */
export function overClasses(b: GraphBuilder, x: NodeId): NodeId {
  const axis = b.shape(x).length - 1;
  const total = b.sum(x, [axis]);
  return b.op('div', total, b.splat(b.dimsize(at(b.shape(x), axis)), b.shape(total)));
}

/** The losses of elements, reduced as the arguments say. */
export function lossValue(loss: Loss, cx: LossContext, ...operands: Operands): NodeId | Problem {
  const { b, args } = cx;
  const each = loss.each(cx, ...operands);
  if (typeof each !== 'number') return each;
  const total = (x: NodeId): NodeId =>
    b.sum(
      x,
      b.shape(x).map((_, i) => i),
    );
  if (args['reduction'] === 'none') return each;
  if (args['reduction'] === 'sum') return total(each);
  if (args['reduction'] === 'batchmean') return b.op('div', total(each), b.dimsize(at(b.shape(each), 0)));
  const counts = loss.counts?.(cx, ...operands);
  return counts === undefined ? mean(b, each) : b.op('div', total(each), total(counts));
}

/** Splits the last axis of a prediction into the operands of a loss. */
export function operandsOf(b: GraphBuilder, loss: Loss, pred: NodeId): Operands | Problem {
  const wrong = notNumbers(b, pred);
  if (wrong) return wrong;
  const n = loss.operands?.length ?? 1;
  if (n === 1) return [pred];
  const shape = b.shape(pred);
  const axis = shape.length - 1;
  const d = shape[axis];
  if (typeof d !== 'number' || shape.length < 2 || d % n !== 0)
    return problem(
      'NN211',
      `the model must give ${n} vectors side by side on the last axis, and it gives ${showShape(shape)}`,
      'join them: concat(a, b)',
    );
  return Array.from({ length: n }, (_, i) => part(b, pred, axis, (i * d) / n, d / n)) as Operands;
}

/** Reports operands that are not floats: only those have gradients. */
export function notNumbers(b: GraphBuilder, x: NodeId): Problem | undefined {
  const { dtype } = b.type(x);
  if (dtype === 'f32') return undefined;
  return problem(
    'NN204',
    `numbers are compared here, and these are ${dtype === 'i32' ? 'whole numbers, which have no slope' : 'truth values'}`,
    'float(x) makes numbers of them',
  );
}

/** Reports a target of the wrong type. */
export function targetMismatch(lossName: string, expected: TensorType, found: TensorType): Problem | undefined {
  if (expected.dtype === found.dtype && sameShape(expected.shape, found.shape)) return undefined;
  const kind = (t: TensorType): string => `${t.dtype === 'i32' ? 'labels' : 'numbers'} [${t.shape.map(showDim).join(', ')}]`;
  return problem('NN211', `${lossName} compares with ${kind(expected)}, and the target is ${kind(found)}`);
}
