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
  /** Tensors that an expression gives by name, such as `weight=w`. */
  readonly named: Readonly<Record<string, NodeId | undefined>>;
}

/** The operands of a loss: what is compared, then the target where it has one. */
type Operands = [NodeId, ...NodeId[]];

/** A named loss: what it compares with, and the value per element or row. */
export interface Loss {
  readonly doc: string;
  readonly torch: string;
  readonly parameters: Parameters;
  /** Parameters that may be left out though they have no default. */
  readonly optional?: readonly string[];
  /** What it compares with the target; `pred` alone where it is not said. `loss NAME` takes them side by side from pred's last axis. */
  readonly operands?: readonly string[];
  /** Tensors that an expression may give by name besides. */
  readonly named?: readonly string[];
  /**
   * The target's type, from the type of the first operand and from the type that the target is known to have; undefined for a
   * loss without a target.
   */
  readonly target: ((pred: TensorType, args: AnyArgs, found: TensorType | undefined) => TensorType | Problem) | undefined;
  /** The prediction that speaks for neither side, where the target is yes or no and that is not one half: 0 for logits and scores. */
  readonly undecided?: number;
  /** In an expression the target may be left out, and is 0 then: `l1(w)`. */
  readonly zero?: boolean;
  /** Number of classes that labels choose from, where the target is labels; `named` is what an expression gives by name. */
  readonly classes?: (pred: TensorType, args: AnyArgs, named: readonly string[]) => number | undefined;
  /** Losses before the reduction, weighed where they do not count alike. */
  readonly each: (cx: LossContext, ...operands: Operands) => NodeId | Problem;
  /** How much each of them counts, where that is not 1: the mean divides by the sum of these. */
  readonly counts?: (cx: LossContext, ...operands: Operands) => NodeId | undefined;
}

/** How the losses of elements are joined. */
export const reduction = {
  type: 'string',
  default: 'mean',
  choices: ['mean', 'sum', 'none'],
  doc: 'how the losses of the elements are joined',
} as const;

/** Ties the types of the arguments to the parameter table, then forgets them for the registry. */
export function loss<P extends Parameters>(
  spec: Omit<Loss, 'parameters' | 'each' | 'counts'> & {
    readonly parameters: P;
    readonly each: (cx: LossContext<ArgsOf<P>>, ...operands: Operands) => NodeId | Problem;
    readonly counts?: (cx: LossContext<ArgsOf<P>>, ...operands: Operands) => NodeId | undefined;
  },
): Loss {
  return spec as unknown as Loss;
}

/** The target of a loss that compares numbers with numbers. */
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

/** The operands of a loss that lie side by side on the last axis of a prediction. */
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

/** Why something cannot be compared: losses take numbers, which have slopes. */
export function notNumbers(b: GraphBuilder, x: NodeId): Problem | undefined {
  const { dtype } = b.type(x);
  if (dtype === 'f32') return undefined;
  return problem(
    'NN204',
    `numbers are compared here, and these are ${dtype === 'i32' ? 'whole numbers, which have no slope' : 'truth values'}`,
    'float(x) makes numbers of them',
  );
}

/** Why a declared or found target does not fit. */
export function targetMismatch(lossName: string, expected: TensorType, found: TensorType): Problem | undefined {
  if (expected.dtype === found.dtype && sameShape(expected.shape, found.shape)) return undefined;
  const kind = (t: TensorType): string => `${t.dtype === 'i32' ? 'labels' : 'numbers'} [${t.shape.map(showDim).join(', ')}]`;
  return problem('NN211', `${lossName} compares with ${kind(expected)}, and the target is ${kind(found)}`);
}
