import { sameShape, showDim, showShape, type TensorType } from '../base/types.ts';
import type { GraphBuilder } from '../ir/graph/builder.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type { AnyArgs, ArgsOf, Parameters } from './arguments.ts';
import { logsumexp, mean, oneHot } from './functions.ts';
import { problem, type Problem } from './layers/layer.ts';

/** A named loss: what it compares with, and the value per element or row. */
export interface Loss {
  readonly doc: string;
  readonly torch: string;
  readonly parameters: Parameters;
  /** The target's type, from the prediction's. */
  readonly target: (pred: TensorType) => TensorType | Problem;
  /** Number of classes that labels choose from, where the target is labels. */
  readonly classes?: (pred: TensorType) => number | undefined;
  /** Losses before the reduction. */
  readonly each: (b: GraphBuilder, args: AnyArgs, pred: NodeId, target: NodeId) => NodeId;
}

const reduction = { type: 'string', default: 'mean', choices: ['mean', 'sum'], doc: 'how the losses of the elements are joined' } as const;

function loss<P extends Parameters>(
  spec: Omit<Loss, 'parameters' | 'each'> & {
    readonly parameters: P;
    readonly each: (b: GraphBuilder, args: ArgsOf<P>, pred: NodeId, target: NodeId) => NodeId;
  },
): Loss {
  return spec as unknown as Loss;
}

const likePrediction = (pred: TensorType): TensorType => pred;

/** Turns the losses of elements into the loss. */
export function reduceLoss(b: GraphBuilder, args: AnyArgs, each: NodeId): NodeId {
  if (args['reduction'] !== 'sum') return mean(b, each);
  return b.sum(
    each,
    b.shape(each).map((_, i) => i),
  );
}

export const LOSSES: Readonly<Record<string, Loss>> = {
  mse: loss({
    doc: '(pred - target)^2',
    torch: 'torch.nn.MSELoss',
    parameters: { reduction },
    target: likePrediction,
    each(b, _args, pred, target) {
      const d = b.op('sub', pred, target);
      return b.op('mul', d, d);
    },
  }),

  l1: loss({
    doc: '|pred - target|',
    torch: 'torch.nn.L1Loss',
    parameters: { reduction },
    target: likePrediction,
    each: (b, _args, pred, target) => b.op('abs', b.op('sub', pred, target)),
  }),

  huber: loss({
    doc: 'quadratic up to delta, linear beyond',
    torch: 'torch.nn.HuberLoss',
    parameters: { delta: { type: 'number', default: 1, min: 1e-12, doc: 'where the line begins' }, reduction },
    target: likePrediction,
    each(b, { delta }, pred, target) {
      const d = b.op('sub', pred, target);
      const a = b.op('abs', d);
      const square = b.op('mul', b.op('mul', d, d), b.like(0.5, d));
      const line = b.op('mul', b.op('sub', a, b.like(delta / 2, d)), b.like(delta, d));
      return b.op('select', b.op('le', a, b.like(delta, a)), square, line);
    },
  }),

  bce_with_logits: loss({
    doc: 'binary cross entropy of sigmoid(pred), without overflow',
    torch: 'torch.nn.BCEWithLogitsLoss',
    parameters: { reduction },
    target: likePrediction,
    each(b, _args, x, t) {
      // max(x, 0) - x t + log(1 + exp(-|x|))
      const zero = b.like(0, x);
      const positive = b.op('select', b.op('lt', zero, x), x, zero);
      const soft = b.op('log1p', b.op('exp', b.op('neg', b.op('abs', x))));
      return b.op('add', b.op('sub', positive, b.op('mul', x, t)), soft);
    },
  }),

  cross_entropy: loss({
    doc: '-log softmax(pred)[target] over the last axis',
    torch: 'torch.nn.CrossEntropyLoss',
    parameters: { label_smoothing: { type: 'number', default: 0, min: 0, max: 1, doc: 'weight of the uniform distribution' }, reduction },
    target(pred) {
      if (pred.shape.length < 2)
        return problem('NN211', `cross_entropy compares classes on the last axis, and the model gives ${showShape(pred.shape)}`);
      return { dtype: 'i32', shape: pred.shape.slice(0, -1) };
    },
    classes: (pred) => {
      const last = pred.shape.at(-1);
      return typeof last === 'number' ? last : undefined;
    },
    each(b, { label_smoothing }, pred, target) {
      const shape = b.shape(pred);
      const axis = shape.length - 1;
      const classes = shape[axis] as number;
      const lse = logsumexp(b, pred, axis);
      const chosen = b.sum(b.op('select', oneHot(b, target, classes), pred, b.like(0, pred)), [axis]);
      const hard = b.op('sub', lse, chosen);
      if (label_smoothing === 0) return hard;
      const average = b.op('div', b.sum(pred, [axis]), b.like(classes, lse));
      const smooth = b.op('sub', lse, average);
      return b.op('add', b.op('mul', hard, b.like(1 - label_smoothing, hard)), b.op('mul', smooth, b.like(label_smoothing, smooth)));
    },
  }),
};

/** Why a declared or found target does not fit. */
export function targetMismatch(lossName: string, expected: TensorType, found: TensorType): Problem | undefined {
  if (expected.dtype === found.dtype && sameShape(expected.shape, found.shape)) return undefined;
  const kind = (t: TensorType): string => `${t.dtype === 'i32' ? 'labels' : 'numbers'} [${t.shape.map(showDim).join(', ')}]`;
  return problem('NN211', `${lossName} compares with ${kind(expected)}, and the target is ${kind(found)}`);
}
