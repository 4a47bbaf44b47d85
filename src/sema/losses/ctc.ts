import { at } from '../../base/errors.ts';
import { sameDim, sameShape, showShape, type Dim, type TensorType } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { oneHot, part } from '../functions.ts';
import { problem, type Problem } from '../layers/layer.ts';
import { loss, reduction, type LossContext } from './loss.ts';

/**
 * Connectionist temporal classification: Graves, Fernandez, Gomez and Schmidhuber, 2006. Computes the forward variables of their equations
 * 5 to 8 as logarithms, time step by time step. Unreachable states get a very low number instead of minus infinity, which would make
 * gradients NaN.
 */
const UNREACHED = -1e30;
/** Anything below was never reached: real sums of log probabilities do not get this low. */
const HOPELESS = -1e29;

/** log(e^x + e^y + e^z) for finite numbers. */
function logAddExp(b: GraphBuilder, xs: readonly NodeId[]): NodeId {
  const peak = b.op(
    'detach',
    xs.reduce((p, q) => b.op('max', p, q)),
  );
  const sum = xs.map((x) => b.op('exp', b.op('sub', x, peak))).reduce((p, q) => b.op('add', p, q));
  return b.op('add', b.op('log', sum), peak);
}

/** The labels with blanks before, between and after them: int [B, 2 S + 1]. */
function withBlanks(b: GraphBuilder, target: NodeId, blank: number): NodeId {
  const [batch, n] = b.shape(target) as [Dim, number];
  const empty = (shape: readonly Dim[]): NodeId => b.full(blank, { dtype: 'i32', shape });
  const pairs = b.add('concat', [empty([batch, n, 1]), b.reshape(target, [batch, n, 1])], { axis: 2 });
  return b.add('concat', [b.reshape(pairs, [batch, 2 * n]), empty([batch, 1])], { axis: 1 });
}

/** x[s - count] at place s of axis 1; places without a predecessor are unreached. */
function before(b: GraphBuilder, x: NodeId, count: number): NodeId {
  const n = at(b.shape(x), 1) as number;
  if (count >= n) return b.like(UNREACHED, x);
  return b.add('pad', [part(b, x, 1, 0, n - count)], { low: [0, count], high: [0, 0], value: UNREACHED });
}

/** The log probability of each row's labels: [B]. */
function forward(cx: LossContext<object>, scores: NodeId, target: NodeId, blank: number): NodeId {
  const { b, named } = cx;
  const [batch, steps, classes] = b.shape(scores) as [Dim, number, number];
  const labels = withBlanks(b, target, blank);
  const shape = b.shape(labels);
  const places = at(shape, 1) as number;
  // The score of each place's label at each time, by a one-hot product, where minus infinity times 0 would be NaN.
  const low = b.op('max', scores, b.like(UNREACHED, scores));
  const said = b.contract('btc,bsc->bts', low, b.cast(oneHot(b, labels, classes), 'f32'));
  const at0 = (t: number): NodeId => b.reshape(part(b, said, 1, t, 1), shape);
  const place = b.add('iota', [], { axis: 1 }, { dtype: 'i32', shape });
  const unreached = b.full(UNREACHED, { dtype: 'f32', shape });
  // A blank between two labels may be skipped if they differ.
  const two = b.add('concat', [b.full(blank, { dtype: 'i32', shape: [batch, 2] }), part(b, labels, 1, 0, places - 2)], { axis: 1 });
  const skips = b.op('and', b.op('not', b.op('eq', labels, two)), b.op('not', b.op('eq', labels, b.like(blank, labels))));
  const spread = (v: NodeId): NodeId => b.broadcast(v, shape, [0]);
  const until = named['input_lengths'];
  let alpha = b.op('select', b.op('lt', place, b.like(2, place)), at0(0), unreached);
  for (let t = 1; t < steps; t++) {
    const skipped = b.op('select', skips, before(b, alpha, 2), unreached);
    const next = b.op('add', logAddExp(b, [alpha, before(b, alpha, 1), skipped]), at0(t));
    alpha = until === undefined ? next : b.op('select', b.op('lt', b.like(t, place), spread(until)), next, alpha);
  }
  const count = named['target_lengths'] ?? b.full((places - 1) / 2, { dtype: 'i32', shape: [batch] });
  // The path ends at the last label or at the blank after it.
  const end = spread(b.op('mul', count, b.like(2, count)));
  const last = b.op('or', b.op('eq', place, end), b.op('eq', place, b.op('sub', end, b.like(1, end))));
  const ends = b.op('select', last, alpha, unreached);
  const peak = b.op('detach', b.add('reduce_max', [ends], { axes: [1] }));
  return b.op('add', b.op('log', b.sum(b.op('exp', b.op('sub', ends, spread(peak))), [1])), peak);
}

function lengthProblem({ b, named }: LossContext<object>, batch: Dim): Problem | undefined {
  const wrong = ['input_lengths', 'target_lengths'].find((name) => {
    const given = named[name];
    return given !== undefined && !(b.type(given).dtype === 'i32' && sameShape(b.shape(given), [batch]));
  });
  return wrong === undefined
    ? undefined
    : problem('NN203', `'${wrong}' is one whole number for each row`, 'int(lengths) makes whole numbers');
}

const INPUT = 'logarithms of probabilities [B, time, classes]';

export const ctc = loss({
  doc: `connectionist temporal classification: -log of the probability of the labels, summed over all alignments; pred holds ${INPUT}; input_lengths= and target_lengths= are optional`,
  torch: 'torch.nn.CTCLoss, which has the time in front of the batch',
  parameters: {
    blank: { type: 'int', default: 0, min: 0, doc: 'index of the blank class' },
    zero_infinity: { type: 'bool', default: false, doc: 'sets infinite losses to 0, where the labels do not fit into the input' },
    reduction: { ...reduction, doc: 'reduction over the examples: mean, sum or none; mean first divides each loss by its target length' },
  },
  named: ['input_lengths', 'target_lengths'],
  target(pred, args, found): TensorType | Problem {
    const [batch, time, classes] = pred.shape;
    if (pred.shape.length !== 3 || typeof time !== 'number' || typeof classes !== 'number' || batch === undefined)
      return problem('NN211', `ctc takes ${INPUT}, and the model gives ${showShape(pred.shape)}`);
    if ((args['blank'] as number) >= classes)
      return problem('NN206', `the blank ${String(args['blank'])} is none of the ${classes} classes`);
    const [rows, n] = found?.shape ?? [];
    return found?.dtype === 'i32' && found.shape.length === 2 && typeof n === 'number' && sameDim(rows ?? 0, batch)
      ? found
      : problem('NN211', 'ctc compares with rows of labels', 'say how many there are at most: target y: int[5]');
  },
  // Labels beyond target_lengths may be anything.
  classes(pred, _args, named) {
    const n = pred.shape[2];
    return typeof n === 'number' && !named.includes('target_lengths') ? n : undefined;
  },
  each(cx, scores, target = scores) {
    const { b, named, args } = cx;
    const [batch, labels] = b.shape(target) as [Dim, number];
    const wrong = lengthProblem(cx, batch);
    if (wrong) return wrong;
    const found = forward(cx, scores, target, args.blank);
    const hopeless = b.op('lt', found, b.like(HOPELESS, found));
    const zero = b.like(0, found);
    // -log(0), without a gradient.
    const infinite = b.op('neg', b.op('log', b.op('exp', b.op('detach', found))));
    const each = b.op('select', hopeless, args.zero_infinity ? zero : infinite, b.op('neg', found));
    if (args.reduction !== 'mean') return each;
    const count = named['target_lengths'] ?? b.full(labels, { dtype: 'i32', shape: [batch] });
    return b.op('div', each, b.cast(b.op('max', count, b.like(1, count)), 'f32'));
  },
});
