import { at } from '../base/errors.ts';
import { sameShape, showDim, showShape, type TensorType } from '../base/types.ts';
import type { GraphBuilder } from '../ir/graph/builder.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type { AnyArgs, ArgsOf, Parameters } from './arguments.ts';
import { cosineOf, logsumexp, mean, oneHot, part, relu, softplus, table } from './functions.ts';
import { problem, type Problem } from './layers/layer.ts';

/** A named loss: what it compares with, and the value per element or row. */
export interface Loss {
  readonly doc: string;
  readonly torch: string;
  readonly parameters: Parameters;
  /** Parameters that may be left out though they have no default. */
  readonly optional?: readonly string[];
  /** The target's type, from the prediction's. */
  readonly target: (pred: TensorType) => TensorType | Problem;
  /** Number of classes that labels choose from, where the target is labels. */
  readonly classes?: (pred: TensorType) => number | undefined;
  /** Losses before the reduction. */
  readonly each: (b: GraphBuilder, args: AnyArgs, pred: NodeId, target: NodeId) => NodeId | Problem;
  /** How much each loss counts, where they do not count alike: the mean is over the sum of these. */
  readonly weigh?: (b: GraphBuilder, args: AnyArgs, target: NodeId) => NodeId | undefined;
  /** The mean over examples alone (`batchmean`), where the loss has one. */
  readonly batchmean?: boolean;
}

const reduction = { type: 'string', default: 'mean', choices: ['mean', 'sum'], doc: 'how the losses of the elements are joined' } as const;

function loss<P extends Parameters>(
  spec: Omit<Loss, 'parameters' | 'each' | 'weigh'> & {
    readonly parameters: P;
    readonly each: (b: GraphBuilder, args: ArgsOf<P>, pred: NodeId, target: NodeId) => NodeId | Problem;
    readonly weigh?: (b: GraphBuilder, args: ArgsOf<P>, target: NodeId) => NodeId | undefined;
  },
): Loss {
  return spec as unknown as Loss;
}

const likePrediction = (pred: TensorType): TensorType => pred;

/** Turns the losses of elements into the loss. */
export function reduceLoss(b: GraphBuilder, args: AnyArgs, loss: Loss, each: NodeId | Problem, target: NodeId): NodeId | Problem {
  if (typeof each !== 'number') return each;
  const total = (x: NodeId): NodeId =>
    b.sum(
      x,
      b.shape(x).map((_, i) => i),
    );
  const weights = loss.weigh?.(b, args, target);
  const weighed = weights === undefined ? each : b.op('mul', each, weights);
  if (args['reduction'] === 'sum') return total(weighed);
  if (args['reduction'] === 'batchmean') return b.op('div', total(weighed), b.dimsize(at(b.shape(each), 0)));
  return weights === undefined ? mean(b, each) : b.op('div', total(weighed), total(weights));
}

const likelihood = {
  ignore_index: { type: 'int', doc: 'a label that does not count' },
  weight: { type: 'numbers', doc: 'how much each class counts' },
  reduction,
} as const;

interface Counting {
  readonly ignore_index?: number;
  readonly weight?: readonly number[];
}

/** How much each label counts: its class's weight, and nothing where it is ignored. */
function countOf(b: GraphBuilder, args: object, target: NodeId): NodeId | undefined {
  const { ignore_index, weight } = args as Counting;
  if (ignore_index === undefined && weight === undefined) return undefined;
  const type = { dtype: 'f32', shape: b.shape(target) } as const;
  const counts = weight === undefined ? b.full(1, type) : classWeights(b, target, weight);
  if (ignore_index === undefined) return counts;
  return b.op('select', b.op('eq', target, b.like(ignore_index, target)), b.full(0, type), counts);
}

function classWeights(b: GraphBuilder, target: NodeId, weight: readonly number[]): NodeId {
  const hot = oneHot(b, target, weight.length);
  const shape = b.shape(hot);
  const axis = shape.length - 1;
  const spread = b.broadcast(table(b, weight, [weight.length]), shape, [axis]);
  return b.sum(b.op('select', hot, spread, b.like(0, spread)), [axis]);
}

/** The value of the label's class on the last axis. */
function chosen(b: GraphBuilder, pred: NodeId, target: NodeId): NodeId {
  const shape = b.shape(pred);
  const axis = shape.length - 1;
  return b.sum(b.op('select', oneHot(b, target, at(shape, axis)), pred, b.like(0, pred)), [axis]);
}

const labelsOf =
  (name: string) =>
  (pred: TensorType): TensorType | Problem =>
    pred.shape.length < 2
      ? problem('NN211', `${name} compares classes on the last axis, and the model gives ${showShape(pred.shape)}`)
      : { dtype: 'i32', shape: pred.shape.slice(0, -1) };
const classesOf = (pred: TensorType): number | undefined => {
  const last = pred.shape.at(-1);
  return typeof last === 'number' ? last : undefined;
};
function weightProblem(b: GraphBuilder, args: object, pred: NodeId): Problem | undefined {
  const { weight } = args as Counting;
  const n = b.shape(pred).at(-1);
  return weight === undefined || weight.length === n
    ? undefined
    : problem('NN206', `there are ${weight.length} weights for ${String(n)} classes`, 'give one number for each class');
}

/** The pairs of a target of +1 and -1: for losses that compare two vectors, side by side in the last axis. */
const halves = (b: GraphBuilder, pred: NodeId, n: number): NodeId[] | Problem => {
  const shape = b.shape(pred);
  const axis = shape.length - 1;
  const d = shape[axis];
  if (typeof d !== 'number' || shape.length < 2 || d % n !== 0)
    return problem(
      'NN211',
      `the model must give ${n} vectors side by side on the last axis, and it gives ${showShape(shape)}`,
      'join them: concat(a, b)',
    );
  return Array.from({ length: n }, (_, i) => part(b, pred, axis, (i * d) / n, d / n));
};

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

  smooth_l1: loss({
    doc: 'quadratic up to beta, linear beyond; huber divided by beta',
    torch: 'torch.nn.SmoothL1Loss',
    parameters: { beta: { type: 'number', default: 1, min: 1e-12, doc: 'where the line begins' }, reduction },
    target: likePrediction,
    each(b, { beta }, pred, target) {
      const d = b.op('sub', pred, target);
      const a = b.op('abs', d);
      const square = b.op('mul', b.op('mul', d, d), b.like(0.5 / beta, d));
      return b.op('select', b.op('lt', a, b.like(beta, a)), square, b.op('sub', a, b.like(beta / 2, d)));
    },
  }),

  bce: loss({
    doc: 'binary cross entropy of probabilities; logarithms end at -100, as in PyTorch',
    torch: 'torch.nn.BCELoss',
    parameters: { reduction },
    target: likePrediction,
    each(b, _args, p, t) {
      const one = b.like(1, p);
      const log = (x: NodeId): NodeId => b.op('max', b.op('log', b.op('max', x, b.like(1e-38, x))), b.like(-100, x));
      const no = b.op('mul', b.op('sub', one, t), log(b.op('sub', one, p)));
      return b.op('neg', b.op('add', b.op('mul', t, log(p)), no));
    },
  }),

  kl_div: loss({
    doc: 'target (log(target) - pred), where pred holds logarithms of probabilities',
    torch: 'torch.nn.KLDivLoss',
    parameters: {
      log_target: { type: 'bool', default: false, doc: 'the target holds logarithms too' },
      reduction: { type: 'string', default: 'mean', choices: ['mean', 'sum', 'batchmean'], doc: 'batchmean divides by the examples alone' },
    },
    target: likePrediction,
    each(b, { log_target }, pred, target) {
      if (log_target) return b.op('mul', b.op('exp', target), b.op('sub', target, pred));
      const zero = b.like(0, target);
      const positive = b.op('lt', zero, target);
      const safe = b.op('select', positive, target, b.like(1, target));
      return b.op('sub', b.op('select', positive, b.op('mul', target, b.op('log', safe)), zero), b.op('mul', target, pred));
    },
  }),

  hinge: loss({
    doc: 'max(0, margin - target pred) for targets of +1 and -1',
    torch: 'max(0, 1 - y x).mean()',
    parameters: { margin: { type: 'number', default: 1, doc: 'how far right must be from wrong' }, reduction },
    target: likePrediction,
    each: (b, { margin }, pred, target) => relu(b, b.op('sub', b.like(margin, pred), b.op('mul', target, pred))),
  }),

  soft_margin: loss({
    doc: 'log(1 + exp(-target pred)) for targets of +1 and -1',
    torch: 'torch.nn.SoftMarginLoss',
    parameters: { reduction },
    target: likePrediction,
    each: (b, _args, pred, target) => softplus(b, b.op('neg', b.op('mul', target, pred))),
  }),

  poisson_nll: loss({
    doc: 'exp(pred) - target pred: counts, with the logarithm of their rate',
    torch: 'torch.nn.PoissonNLLLoss',
    parameters: { reduction },
    target: likePrediction,
    each: (b, _args, pred, target) => b.op('sub', b.op('exp', pred), b.op('mul', target, pred)),
  }),

  cosine_embedding: loss({
    doc: '1 - cos of two vectors where the target is 1, max(0, cos - margin) where it is -1',
    torch: 'torch.nn.CosineEmbeddingLoss of the halves of pred',
    parameters: { margin: { type: 'number', default: 0, min: -1, max: 1, doc: 'cosines below it are far enough' }, reduction },
    target: (pred) => ({ dtype: 'f32', shape: pred.shape.slice(0, -1) }),
    each(b, { margin }, pred, target) {
      const pair = halves(b, pred, 2);
      if ('code' in pair) return pair;
      const cos = cosineOf(b, at(pair, 0), at(pair, 1));
      const far = relu(b, b.op('sub', cos, b.like(margin, cos)));
      return b.op('select', b.op('lt', b.like(0, target), target), b.op('sub', b.like(1, cos), cos), far);
    },
  }),

  triplet_margin: loss({
    doc: 'max(0, |a - p| - |a - n| + margin) of anchor, positive and negative; the target does not count',
    torch: 'torch.nn.TripletMarginLoss of the thirds of pred',
    parameters: {
      margin: { type: 'number', default: 1, min: 0, doc: 'how much farther the negative must be' },
      eps: { type: 'number', default: 1e-6, min: 0, doc: 'added to differences' },
      reduction,
    },
    target: (pred) => ({ dtype: 'f32', shape: pred.shape.slice(0, -1) }),
    each(b, { margin, eps }, pred, target) {
      const three = halves(b, pred, 3);
      if ('code' in three) return three;
      const far = (i: number): NodeId => {
        const d = b.op('sub', at(three, 0), at(three, i));
        const e = b.op('add', d, b.like(eps, d));
        return b.op('sqrt', b.sum(b.op('mul', e, e), [b.shape(e).length - 1]));
      };
      const d = b.op('sub', far(1), far(2));
      // The target is read so that it has a place in the data, and multiplied away.
      return b.op('add', relu(b, b.op('add', d, b.like(margin, d))), b.op('mul', target, b.like(0, target)));
    },
  }),

  nll: loss({
    doc: '-pred[target] over the last axis, where pred holds logarithms of probabilities',
    torch: 'torch.nn.NLLLoss',
    parameters: likelihood,
    optional: ['ignore_index', 'weight'],
    target: labelsOf('nll'),
    classes: classesOf,
    weigh: countOf,
    each: (b, args, pred, target) => weightProblem(b, args, pred) ?? b.op('neg', chosen(b, pred, target)),
  }),

  cross_entropy: loss({
    doc: '-log softmax(pred)[target] over the last axis',
    torch: 'torch.nn.CrossEntropyLoss, whose classes are on axis 1',
    parameters: {
      label_smoothing: { type: 'number', default: 0, min: 0, max: 1, doc: 'weight of the uniform distribution' },
      ...likelihood,
    },
    optional: ['ignore_index', 'weight'],
    target: labelsOf('cross_entropy'),
    classes: classesOf,
    weigh: countOf,
    each(b, args, pred, target) {
      const { label_smoothing } = args;
      const wrong = weightProblem(b, args, pred);
      if (wrong) return wrong;
      const shape = b.shape(pred);
      const axis = shape.length - 1;
      const classes = shape[axis] as number;
      const lse = logsumexp(b, pred, axis);
      const hard = b.op('sub', lse, chosen(b, pred, target));
      if (label_smoothing === 0) return hard;
      if ((args as Counting).weight !== undefined)
        return problem('NN212', 'label_smoothing with weights is not there yet', 'use one of them');
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
