import { at } from '../base/errors.ts';
import { sameShape, showType } from '../base/types.ts';
import { argmax, mean, oneHot } from './functions.ts';
import { problem } from './layers/layer.ts';
import { classesOf, dim, numbers, overLabels, share, type Metric } from './metric.ts';
import { BY_CLASS } from './metrics-by-class.ts';
import type { NodeId } from '../ir/graph/types.ts';

export const METRICS: Readonly<Record<string, Metric>> = {
  accuracy: {
    doc: 'fraction of correct predictions: by argmax over the classes, or for binary targets by the threshold; default threshold: 0 for losses of logits or scores (bce_with_logits, multilabel_soft_margin, soft_margin, hinge), else 0.5',
    better: 'higher',
    parameters: { threshold: { type: 'number', doc: 'predictions above it are positive' }, dim },
    optional: ['threshold', 'dim'],
    build(b, args, pred, target, { undecided, ignored }) {
      const shape = b.shape(pred);
      const whole = b.type(target).dtype === 'i32';
      // Integer targets with one score each are binary. As a single class they would always be right.
      const sides = shape.at(-1) === 1 || sameShape(shape, b.shape(target));
      if (whole && !sides) {
        const found = classesOf(b, 'accuracy', args, pred, target);
        if ('code' in found) return found;
        const hits = b.op('eq', argmax(b, found.scores, shape.length - 1), found.labels);
        return overLabels(b, hits, found.labels, ignored);
      }
      const fits = sameShape(shape, b.shape(target)) || (whole && sameShape(shape, [...b.shape(target), 1]));
      if (!fits || b.type(target).dtype === 'bool') return problem('NN211', `accuracy cannot compare with ${showType(b.type(target))}`);
      const truth = b.reshape(b.cast(target, 'f32'), shape);
      const yes = (x: NodeId, limit: number): NodeId => b.cast(b.op('lt', b.like(limit, x), x), 'i32');
      return share(b, b.op('eq', yes(pred, (args['threshold'] as number | undefined) ?? undecided ?? 0.5), yes(truth, 0.5)));
    },
  },
  top_k: {
    doc: 'fraction of examples whose label is among the k highest scores; ties go to the lower index',
    better: 'higher',
    parameters: { k: { type: 'int', default: 5, min: 1, doc: 'number of highest scores' }, dim },
    optional: ['dim'],
    build(b, args, pred, target, { ignored }) {
      const found = classesOf(b, 'top_k', args, pred, target);
      if ('code' in found) return found;
      const { scores, labels } = found;
      const shape = b.shape(scores);
      const axis = shape.length - 1;
      const [k, classes] = [args['k'] as number, at(shape, axis)];
      if (typeof classes === 'number' && k > classes)
        return problem(
          'NN206',
          `top_k(${k}) counts labels among the ${k} highest scores, and there are ${classes}`,
          classes > 2 ? `write: metric top_k(${classes - 1})` : 'write: metric accuracy',
        );
      const place = b.add('iota', [], { axis }, { dtype: 'i32', shape });
      const score = b.sum(b.op('select', oneHot(b, labels, at(shape, axis)), scores, b.like(0, scores)), [axis]);
      const mine = b.unreduce(score, shape, [axis]);
      // Like topk: ties go to the lower index.
      const ahead = b.op('and', b.op('eq', scores, mine), b.op('lt', place, b.unreduce(labels, shape, [axis])));
      const rank = b.sum(b.cast(b.op('or', b.op('lt', mine, scores), ahead), 'i32'), [axis]);
      return overLabels(b, b.op('lt', rank, b.like(k, rank)), labels, ignored);
    },
  },
  mae: {
    doc: 'mean absolute error: the mean of |pred - target|',
    better: 'lower',
    parameters: {},
    build: (b, _args, pred, target) => numbers(b, 'mae', pred, target, (d) => mean(b, b.op('abs', d))),
  },
  rmse: {
    doc: 'root mean squared error: the root of the mean of (pred - target)^2',
    better: 'lower',
    parameters: {},
    build: (b, _args, pred, target) => numbers(b, 'rmse', pred, target, (d) => b.op('sqrt', mean(b, b.op('mul', d, d)))),
  },
  r2: {
    doc: 'coefficient of determination: 1 is perfect, 0 is as good as predicting the mean; of targets that are all equal, such as a single one, there is none, and a batch of them does not count in the mean of an epoch',
    better: 'higher',
    parameters: {},
    build: (b, _args, pred, target) =>
      numbers(b, 'r2', pred, target, (d) => {
        const centred = b.op('sub', target, b.splat(mean(b, target), b.shape(target)));
        const [left, all] = [d, centred].map((x) => mean(b, b.op('mul', x, x)));
        const one = (x: number): NodeId => b.full(x, { dtype: 'f32', shape: [] });
        // Where all are equal, their mean may be rounded, and then the variance is not quite 0.
        const axes = b.shape(target).map((_, i) => i);
        const most = (x: NodeId): NodeId => b.add('reduce_max', [x], { axes });
        const same = b.op('eq', most(target), b.op('neg', most(b.op('neg', target))));
        const none = (x: NodeId): NodeId => b.op('select', same, one(0), x);
        const quotient = b.op('div', none(at([left ?? d], 0)), none(b.op('max', all ?? d, one(1e-12))));
        return b.op('sub', one(1), quotient);
      }),
  },
  perplexity: {
    doc: 'exp of the mean cross entropy of the classes',
    better: 'lower',
    parameters: { dim },
    optional: ['dim'],
    build(b, args, pred, target, { ignored }) {
      const found = classesOf(b, 'perplexity', args, pred, target);
      if ('code' in found) return found;
      const { scores, labels } = found;
      const shape = b.shape(scores);
      const axis = shape.length - 1;
      const peak = b.unreduce(b.add('reduce_max', [scores], { axes: [axis] }), shape, [axis]);
      const shifted = b.op('sub', scores, peak);
      const chosen = b.sum(b.op('select', oneHot(b, labels, at(shape, axis)), shifted, b.like(0, shifted)), [axis]);
      const total = b.op('log', b.sum(b.op('exp', shifted), [axis]));
      return b.op('exp', overLabels(b, b.op('sub', total, chosen), labels, ignored));
    },
  },
  ...BY_CLASS,
};
