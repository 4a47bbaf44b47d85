import { at } from '../base/errors.ts';
import { sameShape, showShape, showType } from '../base/types.ts';
import type { GraphBuilder } from '../ir/graph/builder.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type { AnyArgs, Parameters } from './arguments.ts';
import { argmax, axisOf, lastAxis, mean, oneHot } from './functions.ts';
import { problem, type Problem } from './layers/layer.ts';

/** A number that is reported beside the loss and never differentiated. */
export interface Metric {
  readonly doc: string;
  readonly parameters: Parameters;
  /** Parameters that may be left out though they have no default. */
  readonly optional?: readonly string[];
  readonly build: (b: GraphBuilder, args: AnyArgs, pred: NodeId, target: NodeId) => NodeId | Problem;
}

const share = (b: GraphBuilder, hits: NodeId): NodeId => mean(b, b.cast(hits, 'f32'));

function numbers(b: GraphBuilder, name: string, pred: NodeId, target: NodeId, build: (d: NodeId) => NodeId): NodeId | Problem {
  const same = showType(b.type(pred)) === showType(b.type(target));
  return same
    ? build(b.op('sub', pred, target))
    : problem('NN211', `${name} compares numbers, and the target is ${showType(b.type(target))}`);
}

const dim = { type: 'int', doc: 'the axis of the classes; that of the loss where it is not said, else the last' } as const;

/** Scores with their classes on the last axis, for labels that have all other axes. */
function scores(b: GraphBuilder, name: string, args: AnyArgs, pred: NodeId, target: NodeId): NodeId | Problem {
  const [shape, labels] = [b.shape(pred), b.type(target)];
  const given = (args['dim'] as number | undefined) ?? -1;
  const axis = axisOf(given, shape.length);
  if (axis === undefined || shape.length < 2 || axis === 0)
    return problem('NN211', `${name} looks for classes on axis ${given}, and the model gives ${showShape(shape)}`);
  if (labels.dtype !== 'i32') return problem('NN211', `${name} needs labels as the target`);
  const wanted = shape.filter((_, i) => i !== axis);
  if (!sameShape(wanted, labels.shape)) {
    const ahead = sameShape(
      shape.filter((_, i) => i !== 1),
      labels.shape,
    );
    return problem(
      'NN211',
      `${name} compares with labels ${showShape(wanted)}, and the target is labels ${showShape(labels.shape)}`,
      ahead ? `say that the classes lie on axis 1: ${name}(dim=1)` : undefined,
    );
  }
  return lastAxis(b, pred, axis);
}

export const METRICS: Readonly<Record<string, Metric>> = {
  accuracy: {
    doc: 'share of right answers: the largest of the classes, or which side of the threshold',
    parameters: { threshold: { type: 'number', default: 0.5, doc: 'where a number counts as yes; 0 for logits' }, dim },
    optional: ['dim'],
    build(b, args, pred, target) {
      if (b.type(target).dtype === 'i32') {
        const classes = scores(b, 'accuracy', args, pred, target);
        return typeof classes === 'number' ? share(b, b.op('eq', argmax(b, classes, b.shape(classes).length - 1), target)) : classes;
      }
      if (showType(b.type(pred)) !== showType(b.type(target)))
        return problem('NN211', `accuracy cannot compare with ${showType(b.type(target))}`);
      const yes = (x: NodeId, limit: number): NodeId => b.cast(b.op('lt', b.like(limit, x), x), 'i32');
      return share(b, b.op('eq', yes(pred, args['threshold'] as number), yes(target, 0.5)));
    },
  },
  top_k: {
    doc: 'share of examples whose class is among the k most likely',
    parameters: { k: { type: 'int', default: 5, min: 1, doc: 'how many' }, dim },
    optional: ['dim'],
    build(b, args, pred, target) {
      const classes = scores(b, 'top_k', args, pred, target);
      if (typeof classes !== 'number') return classes;
      const shape = b.shape(classes);
      const axis = shape.length - 1;
      const score = b.sum(b.op('select', oneHot(b, target, at(shape, axis)), classes, b.like(0, classes)), [axis]);
      const better = b.cast(b.op('lt', b.unreduce(score, shape, [axis]), classes), 'i32');
      const rank = b.sum(better, [axis]);
      return share(b, b.op('lt', rank, b.like(args['k'] as number, rank)));
    },
  },
  mae: {
    doc: 'the mean of |pred - target|',
    parameters: {},
    build: (b, _args, pred, target) => numbers(b, 'mae', pred, target, (d) => mean(b, b.op('abs', d))),
  },
  rmse: {
    doc: 'the root of the mean of (pred - target)^2',
    parameters: {},
    build: (b, _args, pred, target) => numbers(b, 'rmse', pred, target, (d) => b.op('sqrt', mean(b, b.op('mul', d, d)))),
  },
  r2: {
    doc: 'the share of the variance that is explained: 1 is perfect, 0 as good as the mean',
    parameters: {},
    build: (b, _args, pred, target) =>
      numbers(b, 'r2', pred, target, (d) => {
        const centred = b.op('sub', target, b.splat(mean(b, target), b.shape(target)));
        const [left, all] = [d, centred].map((x) => mean(b, b.op('mul', x, x)));
        const quotient = b.op('div', at([left ?? d], 0), b.op('max', all ?? d, b.full(1e-12, { dtype: 'f32', shape: [] })));
        return b.op('sub', b.full(1, { dtype: 'f32', shape: [] }), quotient);
      }),
  },
  perplexity: {
    doc: 'e to the mean cross entropy of the classes',
    parameters: { dim },
    optional: ['dim'],
    build(b, args, pred, target) {
      const classes = scores(b, 'perplexity', args, pred, target);
      if (typeof classes !== 'number') return classes;
      const shape = b.shape(classes);
      const axis = shape.length - 1;
      const peak = b.unreduce(b.add('reduce_max', [classes], { axes: [axis] }), shape, [axis]);
      const shifted = b.op('sub', classes, peak);
      const chosen = b.sum(b.op('select', oneHot(b, target, at(shape, axis)), shifted, b.like(0, shifted)), [axis]);
      const total = b.op('log', b.sum(b.op('exp', shifted), [axis]));
      return b.op('exp', mean(b, b.op('sub', total, chosen)));
    },
  },
};
