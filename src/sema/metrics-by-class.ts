import { at } from '../base/errors.ts';
import { sameShape, showType } from '../base/types.ts';
import type { GraphBuilder } from '../ir/graph/builder.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type { AnyArgs, Parameters } from './arguments.ts';
import { argmax, oneHot } from './functions.ts';
import { problem, type Problem } from './layers/layer.ts';
import { classesOf, dim, type LossSays, type Metric } from './metric.ts';

/** Metrics that count right and wrong predictions of each class, as scikit-learn does. */

/** How often a class was predicted rightly, was predicted, and occurred: one number for each class. */
interface Counts {
  readonly right: NodeId;
  readonly predicted: NodeId;
  readonly real: NodeId;
}

const parameters: Parameters = { threshold: { type: 'number', doc: 'for yes and no: predictions above it are yes; see accuracy' }, dim };

/** The counts of the class yes [1], or of every class [classes]. */
function countsOf(b: GraphBuilder, name: string, args: AnyArgs, pred: NodeId, target: NodeId, says: LossSays): Counts | Problem {
  const over = (x: NodeId): NodeId => {
    const shape = b.shape(x);
    return b.sum(
      b.cast(x, 'f32'),
      shape.slice(0, -1).map((_, i) => i),
    );
  };
  const both = (p: NodeId, t: NodeId): Counts => ({ right: over(b.op('and', p, t)), predicted: over(p), real: over(t) });
  const sides = sidesOf(b, args, pred, target, says);
  if (sides) {
    const flat = (x: NodeId): NodeId => b.reshape(x, [...b.shape(x), 1]);
    return both(flat(sides.yes), flat(sides.truth));
  }
  const found = classesOf(b, name, args, pred, target);
  if ('code' in found) return found;
  const shape = b.shape(found.scores);
  const classes = at(shape, shape.length - 1);
  const counted = (labels: NodeId): NodeId => {
    const hot = oneHot(b, labels, classes);
    if (says.ignored === undefined) return hot;
    const out = b.op('eq', found.labels, b.like(says.ignored, found.labels));
    return b.op('and', hot, b.op('eq', b.unreduce(b.cast(out, 'i32'), shape, [shape.length - 1]), b.full(0, { dtype: 'i32', shape })));
  };
  return both(counted(argmax(b, found.scores, shape.length - 1)), counted(found.labels));
}

/** Whether each element is predicted and is yes; undefined unless each prediction is one score. */
function sidesOf(
  b: GraphBuilder,
  args: AnyArgs,
  pred: NodeId,
  target: NodeId,
  { undecided }: LossSays,
): { readonly yes: NodeId; readonly truth: NodeId } | undefined {
  const shape = b.shape(pred);
  const whole = b.type(target).dtype === 'i32';
  const fits = sameShape(shape, b.shape(target)) || (whole && sameShape(shape, [...b.shape(target), 1]));
  if (!fits || b.type(target).dtype === 'bool') return undefined;
  const above = (x: NodeId, limit: number): NodeId => b.op('lt', b.like(limit, x), x);
  const truth = b.reshape(b.cast(target, 'f32'), shape);
  return { yes: above(pred, (args['threshold'] as number | undefined) ?? undecided ?? 0.5), truth: above(truth, 0.5) };
}

/** The mean of a quotient over the classes that occur or are predicted; 0 / 0 is 0. */
function meanOfClasses(b: GraphBuilder, { right, predicted, real }: Counts, above: NodeId, below: NodeId): NodeId {
  const one = b.like(1, right);
  const occurs = b.op('min', b.op('add', predicted, real), one);
  const each = b.op('mul', occurs, b.op('div', above, b.op('max', below, b.like(1e-30, below))));
  const total = (x: NodeId): NodeId => b.sum(x, [0]);
  return b.op('div', total(each), b.op('max', total(occurs), b.full(1, { dtype: 'f32', shape: [] })));
}

const quotient = (
  name: string,
  doc: string,
  parts: (b: GraphBuilder, counts: Counts) => readonly [above: NodeId, below: NodeId],
): Metric => ({
  doc,
  better: 'higher',
  parameters,
  optional: ['threshold', 'dim'],
  build(b, args, pred, target, says) {
    const counts = countsOf(b, name, args, pred, target, says);
    return 'code' in counts ? counts : meanOfClasses(b, counts, ...parts(b, counts));
  },
});

export const BY_CLASS: Readonly<Record<string, Metric>> = {
  precision: quotient(
    'precision',
    'of what is predicted as a class, the fraction that is of it: of yes for yes and no, else the mean over the classes',
    (_b, { right, predicted }) => [right, predicted],
  ),
  recall: quotient(
    'recall',
    'of what is of a class, the fraction that is predicted as it: of yes for yes and no, else the mean over the classes',
    (_b, { right, real }) => [right, real],
  ),
  f1: quotient(
    'f1',
    'harmonic mean of precision and recall: of yes for yes and no, else the mean over the classes',
    (b, { right, predicted, real }) => [b.op('add', right, right), b.op('add', predicted, real)],
  ),
  auc: {
    doc: 'area under the ROC curve, for yes and no: how often an example that is yes has a higher score than one that is no; a tie counts half; of one class alone there is none, and a batch of it does not count in the mean of an epoch',
    better: 'higher',
    parameters: {},
    build(b, args, pred, target, says) {
      const sides = sidesOf(b, args, pred, target, says);
      const shape = b.shape(pred);
      if (!sides || shape.length > 2 || (shape.length === 2 && shape[1] !== 1))
        return problem(
          'NN211',
          `auc compares one score with yes or no, and the model gives ${showType(b.type(pred))}`,
          'for two classes, end the layers with one output and write: loss bce_with_logits; for more, write: metric f1',
        );
      const n = at(shape, 0);
      const [score, truth] = [b.reshape(pred, [n]), b.cast(b.reshape(sides.truth, [n]), 'f32')];
      const rows = (x: NodeId): NodeId => b.unreduce(x, [n, n], [1]);
      const columns = (x: NodeId): NodeId => b.unreduce(x, [n, n], [0]);
      const [mine, other] = [rows(score), columns(score)];
      const wins = b.op(
        'select',
        b.op('lt', other, mine),
        b.like(1, mine),
        b.op('select', b.op('eq', other, mine), b.like(0.5, mine), b.like(0, mine)),
      );
      const pair = b.op('mul', rows(truth), b.op('sub', b.like(1, mine), columns(truth)));
      const total = (x: NodeId): NodeId => b.sum(x, [0, 1]);
      return b.op('div', total(b.op('mul', pair, wins)), total(pair));
    },
  },
};
