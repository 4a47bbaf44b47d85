import { at } from '../../base/errors.ts';
import { showShape, type TensorType } from '../../base/types.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { oneHot, relu, table } from '../functions.ts';
import { problem, type Problem } from '../layers/layer.ts';
import { loss, overClasses, reduction, type LossContext } from './loss.ts';

/** Margin losses between the scores of classes, on the last axis. */

/** The number of classes of a prediction [..., classes], if it is known. */
const classes = (pred: TensorType): number | undefined => {
  const n = pred.shape.at(-1);
  return typeof n === 'number' ? n : undefined;
};
const noClasses = (name: string, pred: TensorType): Problem =>
  problem('NN211', `${name} compares classes on the last axis, and the model gives ${showShape(pred.shape)}`);

/** Repeats x along a new axis. */
function along({ b }: LossContext<object>, x: NodeId, axis: number, n: number): NodeId {
  const shape = b.shape(x);
  return b.unreduce(x, [...shape.slice(0, axis), n, ...shape.slice(axis)], [axis]);
}

export const multi_margin = loss({
  doc: 'multi-class hinge loss: the sum of max(0, margin - pred[target] + pred[i])^p over all classes i but the target, divided by the number of classes',
  torch: 'torch.nn.MultiMarginLoss',
  parameters: {
    p: { type: 'int', default: 1, min: 1, max: 2, doc: 'exponent: 1 or 2' },
    margin: { type: 'number', default: 1, doc: 'the margin' },
    weight: { type: 'numbers', doc: 'weight of each class' },
    reduction,
  },
  optional: ['weight'],
  target: (pred) =>
    pred.shape.length > 1 && classes(pred) !== undefined
      ? { dtype: 'i32', shape: pred.shape.slice(0, -1) }
      : noClasses('multi_margin', pred),
  classes,
  each(cx, pred, target = pred) {
    const { b, args } = cx;
    const shape = b.shape(pred);
    const axis = shape.length - 1;
    const n = shape[axis] as number;
    const { weight } = args as { readonly weight?: readonly number[] };
    if (weight && weight.length !== n)
      return problem('NN206', `there are ${weight.length} weights for ${n} classes`, 'give one number for each class');
    const hit = oneHot(b, target, n);
    const zero = b.like(0, pred);
    const right = b.unreduce(b.sum(b.op('select', hit, pred, zero), [axis]), shape, [axis]);
    const short = relu(b, b.op('add', b.op('sub', b.like(args.margin, pred), right), pred));
    const powered = args.p === 2 ? b.op('mul', short, short) : short;
    const mean = overClasses(b, b.op('select', hit, zero, powered));
    if (!weight) return mean;
    const weights = b.broadcast(table(b, weight, [n]), shape, [axis]);
    return b.op('mul', mean, b.sum(b.op('select', hit, weights, zero), [axis]));
  },
});

export const multilabel_margin = loss({
  doc: 'multi-label hinge loss: the sum of max(0, 1 - (pred[j] - pred[i])) over labels j and other classes i, divided by the number of classes; labels end at the first -1',
  torch: 'torch.nn.MultiLabelMarginLoss',
  parameters: { reduction },
  target: (pred) => (classes(pred) === undefined ? noClasses('multilabel_margin', pred) : { dtype: 'i32', shape: pred.shape }),
  each(cx, pred, target = pred) {
    const { b } = cx;
    const shape = b.shape(pred);
    const axis = shape.length - 1;
    const n = at(shape, axis) as number;
    // Pairs [..., j, i]: the label at index j, and index or class i.
    const label = along(cx, target, axis + 1, n);
    const pairs = b.shape(label);
    const place = (a: number): NodeId => b.add('iota', [], { axis: a }, { dtype: 'i32', shape: pairs });
    const [j, i] = [place(axis), place(axis + 1)];
    const negative = b.op('lt', along(cx, target, axis, n), b.like(0, label));
    const ends = b.op('and', negative, b.op('le', i, j));
    const ended = b.sum(b.cast(ends, 'i32'), [axis + 1]);
    const valid = along(cx, b.cast(b.op('eq', ended, b.like(0, ended)), 'i32'), axis + 1, n);
    const hit = b.op('and', b.op('eq', label, i), b.op('eq', valid, b.like(1, valid)));
    const chosen = b.add('reduce_max', [b.cast(hit, 'i32')], { axes: [axis] });
    const other = b.op('eq', along(cx, chosen, axis, n), b.like(0, label));
    const score = along(cx, pred, axis, n);
    const zero = b.like(0, score);
    const right = along(cx, b.sum(b.op('select', hit, score, zero), [axis + 1]), axis + 1, n);
    const short = relu(b, b.op('add', b.op('sub', b.like(1, score), right), score));
    const counts = b.op('and', other, b.op('eq', valid, b.like(1, valid)));
    return overClasses(b, b.sum(b.op('select', counts, short, zero), [axis]));
  },
});
