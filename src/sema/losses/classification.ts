import { at } from '../../base/errors.ts';
import { sameShape, showShape, type TensorType } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import type { AnyArgs } from '../arguments.ts';
import { axisOf, lastAxis, logsumexp, oneHot, table } from '../functions.ts';
import { problem, type Problem } from '../layers/layer.ts';
import { likePrediction, loss, reduction } from './loss.ts';

/** Losses of classes and their probabilities. */

const likelihood = {
  ignore_index: { type: 'int', doc: 'label to ignore' },
  weight: { type: 'numbers', doc: 'weight of each class' },
  dim: { type: 'int', default: -1, doc: 'axis of the classes: 1 for [B, classes, ...], the layout of PyTorch' },
  reduction,
} as const;

interface Counting {
  readonly ignore_index?: number;
  readonly weight?: readonly number[];
}

/** The weight of each label: that of its class, and 0 if it is ignored. */
function countOf(b: GraphBuilder, args: object, target: NodeId): NodeId | undefined {
  const { ignore_index, weight } = args as Counting;
  if (b.type(target).dtype !== 'i32' || (ignore_index === undefined && weight === undefined)) return undefined;
  const type = { dtype: 'f32', shape: b.shape(target) } as const;
  const counts = weight === undefined ? b.full(1, type) : chosen(b, spreadWeights(b, target, weight), target);
  if (ignore_index === undefined) return counts;
  return b.op('select', b.op('eq', target, b.like(ignore_index, target)), b.full(0, type), counts);
}

/** The class weights, repeated for every label: [..., classes]. */
function spreadWeights(b: GraphBuilder, labels: NodeId, weight: readonly number[]): NodeId {
  const shape = [...b.shape(labels), weight.length];
  return b.broadcast(table(b, weight, [weight.length]), shape, [shape.length - 1]);
}

/** The prediction of each label's class on the last axis; 0 for a label outside the classes. */
function chosen(b: GraphBuilder, pred: NodeId, target: NodeId): NodeId {
  const shape = b.shape(pred);
  const axis = shape.length - 1;
  return b.sum(b.op('select', oneHot(b, target, at(shape, axis)), pred, b.like(0, pred)), [axis]);
}

/** Moves the axis of the classes to the end. */
function classesLast(b: GraphBuilder, x: NodeId, dim: number): NodeId {
  return lastAxis(b, x, axisOf(dim, b.shape(x).length) ?? -1);
}

const labelsOf =
  (name: string, soft: boolean) =>
  (pred: TensorType, args: AnyArgs, found: TensorType | undefined): TensorType | Problem => {
    const axis = axisOf(args['dim'] as number, pred.shape.length);
    if (pred.shape.length < 2 || axis === undefined || axis === 0)
      return problem('NN211', `${name} compares classes on the last axis, and the model gives ${showShape(pred.shape)}`);
    if (soft && found?.dtype === 'f32' && sameShape(found.shape, pred.shape)) return pred;
    const labels: TensorType = { dtype: 'i32', shape: pred.shape.filter((_, i) => i !== axis) };
    // PyTorch's layout, with the classes before the places.
    const ahead = pred.shape.filter((_, i) => i !== 1);
    if (found?.dtype === 'i32' && axis !== 1 && !sameShape(found.shape, labels.shape) && sameShape(found.shape, ahead))
      return problem(
        'NN211',
        `${name} looks for the classes on the last axis of ${showShape(pred.shape)}, and the labels are ${showShape(found.shape)}`,
        `say that they lie on axis 1: ${name}(dim=1)`,
      );
    return labels;
  };
const classesOf = (pred: TensorType, args: AnyArgs): number | undefined => {
  const n = pred.shape[axisOf(args['dim'] as number, pred.shape.length) ?? -1];
  return typeof n === 'number' ? n : undefined;
};
function weightProblem(args: object, n: unknown): Problem | undefined {
  const { weight } = args as Counting;
  return weight === undefined || weight.length === n
    ? undefined
    : problem('NN206', `there are ${weight.length} weights for ${String(n)} classes`, 'give one number for each class');
}

export const kl_div = loss({
  doc: 'Kullback-Leibler divergence target * (log(target) - pred), where pred holds log probabilities',
  torch: 'torch.nn.KLDivLoss',
  parameters: {
    log_target: { type: 'bool', default: false, doc: 'the target holds log probabilities too' },
    reduction: {
      ...reduction,
      choices: [...reduction.choices, 'batchmean'],
      doc: 'reduction over the elements: mean, sum, none, or batchmean, the sum divided by the batch size',
    },
  },
  target: likePrediction,
  each({ b, args: { log_target } }, pred, target = pred) {
    if (log_target) return b.op('mul', b.op('exp', target), b.op('sub', target, pred));
    const zero = b.like(0, target);
    const positive = b.op('lt', zero, target);
    const safe = b.op('select', positive, target, b.like(1, target));
    return b.op('sub', b.op('select', positive, b.op('mul', target, b.op('log', safe)), zero), b.op('mul', target, pred));
  },
});

export const nll = loss({
  doc: 'negative log likelihood -pred[target], where pred holds the log probabilities of the classes',
  torch: 'torch.nn.NLLLoss',
  parameters: likelihood,
  optional: ['ignore_index', 'weight'],
  target: labelsOf('nll', false),
  reads: 'exp',
  classes: classesOf,
  counts: ({ b, args }, _pred, target = -1) => countOf(b, args, target),
  each({ b, args }, given, target = given) {
    const pred = classesLast(b, given, args.dim);
    const wrong = weightProblem(args, b.shape(pred).at(-1));
    if (wrong) return wrong;
    const each = b.op('neg', chosen(b, pred, target));
    const counts = countOf(b, args, target);
    return counts === undefined ? each : b.op('mul', each, counts);
  },
});

/**
 * With weights, PyTorch's label smoothing multiplies the loss of every class by that class's weight, and divides by the sum of the labels'
 * weights (torch/aten LossNLL: cross_entropy_loss_label_smoothing).
 */
export const cross_entropy = loss({
  doc: 'cross entropy -log softmax(pred)[target] of logits; the target holds labels, or probabilities of all classes',
  torch: 'torch.nn.CrossEntropyLoss, whose classes are on axis 1: dim=1',
  parameters: {
    label_smoothing: {
      type: 'number',
      default: 0,
      min: 0,
      max: 1,
      doc: 'label smoothing: weight of the uniform distribution in the target',
    },
    ...likelihood,
  },
  optional: ['ignore_index', 'weight'],
  target: labelsOf('cross_entropy', true),
  reads: 'softmax',
  classes: classesOf,
  counts: ({ b, args }, _pred, target = -1) => countOf(b, args, target),
  each({ b, args }, given, target = given) {
    const pred = classesLast(b, given, args.dim);
    const shape = b.shape(pred);
    const axis = shape.length - 1;
    const classes = shape[axis] as number;
    const wrong = weightProblem(args, classes);
    if (wrong) return wrong;
    const { weight, ignore_index } = args as Counting;
    const { label_smoothing: smoothing } = args;
    const lse = logsumexp(b, pred, axis);
    const soft = b.type(target).dtype === 'f32';
    if (soft && ignore_index !== undefined)
      return problem('NN202', 'a target of probabilities has no label that could be ignored', 'take ignore_index away');
    if (!soft && smoothing === 0 && weight === undefined) {
      const hard = b.op('sub', lse, chosen(b, pred, target));
      return ignore_index === undefined ? hard : counted(b, hard, target, ignore_index);
    }
    // -sum over the classes of weight * share * log softmax, where the shares are the smoothed target.
    const whole = soft ? classesLast(b, target, args.dim) : b.cast(oneHot(b, target, classes), 'f32');
    const share = b.op('add', b.op('mul', whole, b.like(1 - smoothing, whole)), b.like(smoothing / classes, whole));
    const weighed = weight === undefined ? share : b.op('mul', share, b.broadcast(table(b, weight, [classes]), shape, [axis]));
    const all = b.sum(b.op('mul', weighed, b.op('sub', b.unreduce(lse, shape, [axis]), pred)), [axis]);
    return soft || ignore_index === undefined ? all : counted(b, all, target, ignore_index);
  },
});

/** The loss of each label, 0 if the label is ignored. */
function counted(b: GraphBuilder, each: NodeId, target: NodeId, ignored: number): NodeId {
  return b.op('select', b.op('eq', target, b.like(ignored, target)), b.like(0, each), each);
}
