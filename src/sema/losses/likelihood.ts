import { sameDim, sameShape, showShape, type Dim, type TensorType } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { broadcastShapes, broadcastTo } from '../arithmetic.ts';
import { liftedTo, part } from '../functions.ts';
import { problem, type Problem } from '../layers/layer.ts';
import { likePrediction, loss, reduction } from './loss.ts';

/** Negative log likelihoods of numbers and counts. */

const full = (doc: string) => ({ type: 'bool', default: false, doc }) as const;
const eps = (doc: string, value: number) => ({ type: 'number', default: value, min: 0, doc }) as const;

export const poisson_nll = loss({
  doc: 'Poisson negative log likelihood rate - target * log(rate); pred is log(rate), or the rate with log_input=false',
  torch: 'torch.nn.PoissonNLLLoss',
  parameters: {
    log_input: { type: 'bool', default: true, doc: 'pred is log(rate); else the rate' },
    full: full('adds the Stirling approximation of log(target!) for targets above 1'),
    eps: eps('added to the rate inside the logarithm', 1e-8),
    reduction,
  },
  target: likePrediction,
  each({ b, args }, pred, target = pred) {
    const each = args.log_input
      ? b.op('sub', b.op('exp', pred), b.op('mul', target, pred))
      : b.op('sub', pred, b.op('mul', target, b.op('log', b.op('add', pred, b.like(args.eps, pred)))));
    return args.full ? b.op('add', each, stirling(b, target)) : each;
  },
});

/** t log t - t + log(2 pi t) / 2 for counts above 1, else 0. */
function stirling(b: GraphBuilder, t: NodeId): NodeId {
  const one = b.like(1, t);
  const several = b.op('lt', one, t);
  const safe = b.op('select', several, t, one);
  const log = b.op('log', safe);
  const half = b.op('mul', b.op('add', log, b.like(Math.log(2 * Math.PI), t)), b.like(0.5, t));
  return b.op('select', several, b.op('add', b.op('sub', b.op('mul', safe, log), safe), half), b.like(0, t));
}

/** Brings the variance to the shape of the mean: it broadcasts, or has one number for each row. */
function variance(b: GraphBuilder, mean: NodeId, given: NodeId): NodeId | Problem {
  const [shape, own] = [b.shape(mean), b.shape(given)];
  const rows = sameShape(own, shape.slice(0, -1)) && own.length > 0;
  const value = b.cast(rows ? b.reshape(given, [...own, 1]) : given, 'f32');
  const joined = broadcastShapes(b.shape(value), shape);
  return joined && sameShape(joined, shape)
    ? broadcastTo(b, value, shape)
    : problem('NN203', `'var' is ${showShape(own)}, and the mean is ${showShape(shape)}`, 'give one for each number, or for each row');
}

export const gaussian_nll = loss({
  doc: 'Gaussian negative log likelihood (log(var) + (pred - target)^2 / var) / 2; without var=v the last axis of pred holds the means, then the variances',
  torch: 'torch.nn.GaussianNLLLoss',
  parameters: { full: full('adds the constant log(2 pi) / 2'), eps: eps('lower bound of the variance', 1e-6), reduction },
  named: ['var'],
  target(pred, _args, found): TensorType | Problem {
    if (found && sameShape(found.shape, pred.shape)) return pred;
    const last = pred.shape.at(-1);
    return typeof last === 'number' && last % 2 === 0 && pred.shape.length > 0
      ? { dtype: 'f32', shape: [...pred.shape.slice(0, -1), last / 2] }
      : problem(
          'NN211',
          `the model must give means and variances side by side, and it gives ${showShape(pred.shape)}`,
          'join them: concat(mean, var), or name the variance: gaussian_nll(pred, target, var=v)',
        );
  },
  each({ b, named, args }, pred, target = pred) {
    const shape = b.shape(target);
    const axis = shape.length - 1;
    const n = shape[axis] as Dim;
    const beside = named['var'] === undefined;
    if (beside && (typeof n !== 'number' || sameDim(n, b.shape(pred)[axis] as Dim)))
      return problem('NN202', 'gaussian_nll needs the variance', 'in an expression it is gaussian_nll(pred, target, var=v)');
    const mean = beside ? part(b, pred, axis, 0, n as number) : pred;
    const spread = variance(b, mean, named['var'] ?? part(b, pred, axis, n as number, n as number));
    if (typeof spread !== 'number') return spread;
    const v = liftedTo(b, spread, args.eps);
    const d = b.op('sub', mean, target);
    const sum = b.op('add', b.op('log', v), b.op('div', b.op('mul', d, d), v));
    return b.op('mul', args.full ? b.op('add', sum, b.like(Math.log(2 * Math.PI), sum)) : sum, b.like(0.5, sum));
  },
});
