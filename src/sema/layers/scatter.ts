import { sameShape, showShape, type Dim } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { LOWEST, oneHot, productOver } from '../functions.ts';
import { along } from './along.ts';
import { layer, problem, type BuiltValue, type Problem } from './layer.ts';

/** Scattering by index; the work grows with the axis. */

interface Placed {
  readonly axis: number;
  /** [..., k, ..., n]: whether the k-th element goes to index n of the axis, which is moved to the end. */
  readonly hit: NodeId;
  /** The values, repeated along the last axis. */
  readonly spread: NodeId;
  /** Moves the last axis back to where the axis was. */
  readonly back: (y: NodeId) => NodeId;
  /** The inverse of `back`. */
  readonly forth: (y: NodeId) => NodeId;
}

/** What goes where; `src` may be a single number. */
function placed(b: GraphBuilder, x: NodeId, index: NodeId, given: NodeId, dim: number): Placed | Problem {
  const found = along(b, x, index, dim);
  if ('code' in found) return found;
  const { axis, n } = found;
  const src = b.shape(given).length === 0 ? b.splat(given, b.shape(index)) : given;
  if (!sameShape(b.shape(index), b.shape(src)))
    return problem('NN203', `index ${showShape(b.shape(index))} and src ${showShape(b.shape(src))} differ`);
  if (b.type(src).dtype !== b.type(x).dtype) return problem('NN204', 'src is of the type of x', 'float(src) makes numbers of labels');
  const hit = oneHot(b, index, n);
  const shape = b.shape(hit);
  const rank = b.shape(x).length;
  const axes = Array.from({ length: rank }, (_, i) => i);
  return {
    axis,
    hit,
    spread: b.unreduce(src, shape, [rank]),
    back: (y) =>
      b.permute(
        y,
        axes.map((i) => (i < axis ? i : i === axis ? rank - 1 : i - 1)),
      ),
    forth: (y) => b.permute(y, [...axes.filter((i) => i !== axis), axis]),
  };
}

const dim = { type: 'int', doc: 'the axis' } as const;
const shape = '[..., n, ...], int [..., k, ...], [..., k, ...] -> [..., n, ...]';
const inputs = ['x', 'index', 'src'] as const;

/** The sum of the values that go to each index. */
function sums(b: GraphBuilder, { axis, hit, spread }: Placed): NodeId {
  return b.sum(b.op('select', hit, spread, b.like(0, spread)), [axis]);
}

export const scatter_add = layer({
  doc: 'x with src added at the given indices of an axis; the work grows with the size of the axis',
  torch: 'torch.scatter_add',
  shape,
  anyType: true,
  inputs,
  parameters: { dim },
  build({ b }, args, x, index = x, src = x) {
    const found = placed(b, x, index, src, args.dim);
    return 'code' in found ? found : b.op('add', x, found.back(sums(b, found)));
  },
});

/** If several values go to one index, the last one wins. */
function put(b: GraphBuilder, x: NodeId, found: Placed): NodeId {
  const { axis, hit, spread, back } = found;
  const order = b.add('iota', [], { axis }, { dtype: 'i32', shape: b.shape(hit) });
  const turn = b.op('select', hit, order, b.like(-1, order));
  const last = b.add('reduce_max', [turn], { axes: [axis] });
  const winner = b.op('and', hit, b.op('eq', turn, b.unreduce(last, b.shape(hit), [axis])));
  const value = back(b.sum(b.op('select', winner, spread, b.like(0, spread)), [axis]));
  const written = back(last);
  return b.op('select', b.op('le', b.like(0, written), written), value, x);
}

export const scatter = layer({
  doc: 'x with src written at the given indices of an axis; if an index occurs several times, the last value is kept',
  torch: 'torch.scatter',
  shape,
  anyType: true,
  inputs,
  parameters: {
    dim,
    reduce: { type: 'string', choices: ['add', 'multiply'], doc: 'adds src to x, or multiplies x by it, instead of replacing x' },
  },
  optional: ['reduce'],
  build({ b }, args, x, index = x, src = x) {
    const found = placed(b, x, index, src, args.dim);
    if ('code' in found) return found;
    const { reduce } = args as { readonly reduce?: string };
    if (reduce === undefined) return put(b, x, found);
    if (reduce === 'add') return b.op('add', x, found.back(sums(b, found)));
    const factors = b.op('select', found.hit, found.spread, b.like(1, found.spread));
    return b.op('mul', x, found.back(productOver(b, factors, found.axis)));
  },
});

type Reduce = (b: GraphBuilder, candidates: NodeId, axis: number) => NodeId;

/** By name: the neutral element, and the reduction of the candidates. */
const REDUCES: Readonly<Record<string, readonly [number, Reduce]>> = {
  sum: [0, (b, y, axis) => b.sum(y, [axis])],
  mean: [0, (b, y, axis) => b.sum(y, [axis])],
  prod: [1, productOver],
  amax: [LOWEST, (b, y, axis) => b.add('reduce_max', [y], { axes: [axis] })],
  amin: [-LOWEST, (b, y, axis) => b.op('neg', b.add('reduce_max', [b.op('neg', y)], { axes: [axis] }))],
};

export const scatter_reduce = layer({
  doc: 'x with src reduced into it at the given indices of an axis: by sum, product, mean, maximum or minimum',
  torch: 'torch.scatter_reduce',
  shape,
  inputs,
  anyType: true,
  parameters: {
    dim,
    reduce: { type: 'string', choices: Object.keys(REDUCES), doc: 'the reduction' },
    include_self: { type: 'bool', default: true, doc: 'includes the values of x in the reduction; else x stays only where no src goes' },
  },
  build({ b }, args, x, index = x, src = x): BuiltValue {
    if (b.type(x).dtype !== 'f32') return problem('NN204', 'scatter_reduce takes numbers', 'float(x) makes numbers of labels');
    const found = placed(b, x, index, src, args.dim);
    if ('code' in found) return found;
    const { axis, hit, spread, back, forth } = found;
    const [neutral, reduce] = REDUCES[args.reduce] ?? [0, productOver];
    const arrived = b.sum(b.cast(hit, 'f32'), [axis]);
    const self = forth(x);
    const alone = b.op('eq', arrived, b.like(0, arrived));
    const counted = args.include_self ? self : b.op('select', alone, self, b.like(neutral, self));
    // x is one more candidate in front of the scattered ones.
    const thick: Dim[] = [...b.shape(counted).slice(0, axis), 1, ...b.shape(counted).slice(axis)];
    const candidates = b.add('concat', [b.reshape(counted, thick), b.op('select', hit, spread, b.like(neutral, spread))], { axis });
    const joined = reduce(b, candidates, axis);
    if (args.reduce !== 'mean') return back(joined);
    const one = b.like(1, arrived);
    const count = args.include_self ? b.op('add', arrived, one) : b.op('max', arrived, one);
    return back(b.op('div', joined, count));
  },
});
