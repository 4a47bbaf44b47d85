import { at } from '../base/errors.ts';
import { showType } from '../base/types.ts';
import type { GraphBuilder } from '../ir/graph/builder.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type { AnyArgs, Parameters } from './arguments.ts';
import { argmax, mean } from './functions.ts';
import { problem, type Problem } from './layers/layer.ts';

/** A number that is reported beside the loss and never differentiated. */
export interface Metric {
  readonly doc: string;
  readonly parameters: Parameters;
  /** `ignored` is a label that the loss leaves out, so that metrics of labels do so too. */
  readonly build: (b: GraphBuilder, args: AnyArgs, pred: NodeId, target: NodeId, ignored?: number) => NodeId | Problem;
}

const share = (b: GraphBuilder, hits: NodeId): NodeId => mean(b, b.cast(hits, 'f32'));

/** The mean over the labels that count. */
function overLabels(b: GraphBuilder, each: NodeId, target: NodeId, ignored: number | undefined): NodeId {
  const x = b.cast(each, 'f32');
  if (ignored === undefined) return mean(b, x);
  const out = b.op('eq', target, b.like(ignored, target));
  const axes = b.shape(x).map((_, i) => i);
  const total = (y: NodeId): NodeId => b.sum(b.op('select', out, b.like(0, y), y), axes);
  return b.op('div', total(x), total(b.like(1, x)));
}

function numbers(b: GraphBuilder, name: string, pred: NodeId, target: NodeId, build: (d: NodeId) => NodeId): NodeId | Problem {
  const same = showType(b.type(pred)) === showType(b.type(target));
  return same
    ? build(b.op('sub', pred, target))
    : problem('NN211', `${name} compares numbers, and the target is ${showType(b.type(target))}`);
}

export const METRICS: Readonly<Record<string, Metric>> = {
  accuracy: {
    doc: 'share of right answers: the largest of the classes, or which side of the threshold',
    parameters: { threshold: { type: 'number', default: 0.5, doc: 'where a number counts as yes; 0 for logits' } },
    build(b, args, pred, target, ignored) {
      if (b.type(target).dtype === 'i32')
        return overLabels(b, b.op('eq', argmax(b, pred, b.shape(pred).length - 1), target), target, ignored);
      if (showType(b.type(pred)) !== showType(b.type(target)))
        return problem('NN211', `accuracy cannot compare with ${showType(b.type(target))}`);
      const yes = (x: NodeId, limit: number): NodeId => b.cast(b.op('lt', b.like(limit, x), x), 'i32');
      return share(b, b.op('eq', yes(pred, args['threshold'] as number), yes(target, 0.5)));
    },
  },
  top_k: {
    doc: 'share of examples whose class is among the k most likely; of equal classes the first ones are',
    parameters: { k: { type: 'int', default: 5, min: 1, doc: 'how many' } },
    build(b, args, pred, target, ignored) {
      const shape = b.shape(pred);
      const axis = shape.length - 1;
      if (b.type(target).dtype !== 'i32') return problem('NN211', 'top_k needs labels as the target');
      const place = b.add('iota', [], { axis }, { dtype: 'i32', shape });
      const own = b.op('eq', place, b.unreduce(target, shape, [axis]));
      const score = b.sum(b.op('select', own, pred, b.like(0, pred)), [axis]);
      const mine = b.unreduce(score, shape, [axis]);
      // As topk takes them: of equal ones those in front.
      const ahead = b.op('and', b.op('eq', pred, mine), b.op('lt', place, b.unreduce(target, shape, [axis])));
      const rank = b.sum(b.cast(b.op('or', b.op('lt', mine, pred), ahead), 'i32'), [axis]);
      return overLabels(b, b.op('lt', rank, b.like(args['k'] as number, rank)), target, ignored);
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
    doc: 'e to the mean cross entropy of the classes on the last axis',
    parameters: {},
    build(b, _args, pred, target, ignored) {
      const shape = b.shape(pred);
      const axis = shape.length - 1;
      if (b.type(target).dtype !== 'i32') return problem('NN211', 'perplexity needs labels as the target');
      const peak = b.unreduce(b.add('reduce_max', [pred], { axes: [axis] }), shape, [axis]);
      const shifted = b.op('sub', pred, peak);
      const place = b.add('iota', [], { axis }, { dtype: 'i32', shape });
      const own = b.op('eq', place, b.unreduce(target, shape, [axis]));
      const chosen = b.sum(b.op('select', own, shifted, b.like(0, pred)), [axis]);
      const total = b.op('log', b.sum(b.op('exp', shifted), [axis]));
      return b.op('exp', overLabels(b, b.op('sub', total, chosen), target, ignored));
    },
  },
};
