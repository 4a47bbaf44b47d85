import type { GraphBuilder } from '../ir/graph/builder.ts';
import type { NodeId } from '../ir/graph/types.ts';
import { liftedTo, rootOfSum } from './functions.ts';

/** Norms of vectors and distances between them, with PyTorch's gradients where a norm is 0. */
type B = GraphBuilder;

/** (sum |x|^p)^(1/p) over axes, which are removed: p = 0 counts the nonzero elements, infinity takes the largest. */
export function vectorNorm(b: B, x: NodeId, axes: readonly number[], p: number): NodeId {
  if (p === 2) return rootOfSum(b, b.sum(b.op('mul', x, x), axes));
  const size = b.op('abs', x);
  if (p === 1) return b.sum(size, axes);
  if (p === Infinity) return b.add('reduce_max', [size], { axes });
  const none = b.op('eq', x, b.like(0, x));
  if (p === 0) return b.sum(b.op('select', none, b.like(0, x), b.like(1, x)), axes);
  // The gradient of |x|^p at 0 may be infinite or NaN, so zeros are left out.
  const powers = b.op('pow', b.op('select', none, b.like(1, x), size), b.like(p, x));
  const total = b.sum(b.op('select', none, b.like(0, x), powers), axes);
  const empty = b.op('eq', total, b.like(0, total));
  const root = b.op('pow', b.op('select', empty, b.like(1, total), total), b.like(1 / p, total));
  return b.op('select', empty, b.like(0, total), root);
}

/** The norm of x - y + eps along the last axis. */
export function pairwise(b: B, x: NodeId, y: NodeId, p: number, eps: number): NodeId {
  const d = b.op('sub', x, y);
  return vectorNorm(b, b.op('add', d, b.like(eps, d)), [b.shape(d).length - 1], p);
}

/** x / |x| . y / |y| along an axis, where each norm counts as at least eps. */
export function cosine(b: B, x: NodeId, y: NodeId, axis: number, eps: number): NodeId {
  const unit = (v: NodeId): NodeId => {
    const square = liftedTo(b, b.sum(b.op('mul', v, v), [axis]), eps * eps);
    return b.op('div', v, b.unreduce(b.op('sqrt', square), b.shape(v), [axis]));
  };
  return b.sum(b.op('mul', unit(x), unit(y)), [axis]);
}
