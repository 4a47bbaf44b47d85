import { at } from '../base/errors.ts';
import type { Dim, TensorType } from '../base/types.ts';
import type { GraphBuilder } from '../ir/graph/builder.ts';
import type { NodeId } from '../ir/graph/types.ts';

/** Functions composed of operations; the simplifier and the scheduler see through them. */
type B = GraphBuilder;

/** x where x > 0, else 0; the derivative at 0 is 0, as in PyTorch. */
export function relu(b: B, x: NodeId): NodeId {
  const zero = b.like(0, x);
  // Written as x <= 0, so that NaN stays NaN.
  return b.op('select', b.op('le', x, zero), zero, x);
}

export function silu(b: B, x: NodeId): NodeId {
  return b.op('mul', x, b.op('sigmoid', x));
}

/** x Phi(x), exactly. Hendrycks and Gimpel, 2016. */
export function gelu(b: B, x: NodeId): NodeId {
  const phi = b.op('add', b.op('erf', b.op('mul', x, b.like(Math.SQRT1_2, x))), b.like(1, x));
  return b.op('mul', b.op('mul', x, b.like(0.5, x)), phi);
}

/** 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). */
export function geluTanh(b: B, x: NodeId): NodeId {
  const cube = b.op('mul', b.op('mul', x, x), x);
  const inner = b.op('mul', b.op('add', x, b.op('mul', cube, b.like(0.044715, x))), b.like(Math.sqrt(2 / Math.PI), x));
  return b.op('mul', b.op('mul', x, b.like(0.5, x)), b.op('add', b.op('tanh', inner), b.like(1, x)));
}

/** The largest value along an axis, only to keep exp from overflowing, so no gradient flows through it. */
function peak(b: B, x: NodeId, axis: number): NodeId {
  return b.op('detach', b.add('reduce_max', [x], { axes: [axis] }));
}

/** The largest negative float32, instead of minus infinity, which drivers may assume does not occur. */
export const LOWEST = -3.4028234663852886e38;

export function softmax(b: B, x: NodeId, axis: number): NodeId {
  const shape = b.shape(x);
  const e = b.op('exp', b.op('sub', x, b.unreduce(peak(b, x, axis), shape, [axis])));
  return b.op('div', e, b.unreduce(b.sum(e, [axis]), shape, [axis]));
}

/** log sum exp along an axis, which is removed. */
export function logsumexp(b: B, x: NodeId, axis: number): NodeId {
  const m = peak(b, x, axis);
  const e = b.op('exp', b.op('sub', x, b.unreduce(m, b.shape(x), [axis])));
  return b.op('add', b.op('log', b.sum(e, [axis])), m);
}

/** The mean of all elements: f32[]. */
export function mean(b: B, x: NodeId): NodeId {
  const shape = b.shape(x);
  const total = b.sum(
    x,
    shape.map((_, i) => i),
  );
  const n = shape.reduce<NodeId>((acc, d) => b.op('mul', acc, b.dimsize(d)), b.full(1, { dtype: 'f32', shape: [] }));
  return b.op('div', total, n);
}

/** One-hot rows of labels: [..., classes]. */
export function oneHot(b: B, labels: NodeId, classes: Dim): NodeId {
  const shape = [...b.shape(labels), classes];
  const last = shape.length - 1;
  const place = b.add('iota', [], { axis: last }, { dtype: 'i32', shape });
  return b.op('eq', place, b.unreduce(labels, shape, [last]));
}

/** Moves an axis to the end. */
export function lastAxis(b: B, x: NodeId, axis: number): NodeId {
  const axes = b.shape(x).map((_, i) => i);
  return axis === axes.length - 1 ? x : b.permute(x, [...axes.filter((i) => i !== axis), axis]);
}

/** Normalises a PyTorch axis (negative counts from the end); undefined if there is no such axis. */
export function axisOf(dim: number, rank: number): number | undefined {
  const axis = dim < 0 ? dim + rank : dim;
  return axis >= 0 && axis < rank ? axis : undefined;
}

/** The size of an axis. */
export function extent(b: B, x: NodeId, axis: number): Dim {
  return at(b.shape(x), axis);
}

/** log(1 + e^x) = max(x, 0) + log(1 + e^-|x|). The two branches meet smoothly, so that the slope at 0 is 1/2. */
export function softplus(b: B, x: NodeId): NodeId {
  return b.op('add', relu(b, x), b.op('log1p', b.op('exp', b.op('neg', magnitude(b, x)))));
}

/** |x| as two branches, where 0 belongs to the falling one: for functions that are smooth at 0 and need a gradient there. */
export function magnitude(b: B, x: NodeId): NodeId {
  return b.op('select', b.op('lt', b.like(0, x), x), x, b.op('neg', x));
}

/** x where x > 0, else alpha (e^x - 1); the exponential never sees a positive number. */
export function elu(b: B, x: NodeId, alpha: number): NodeId {
  const zero = b.like(0, x);
  const positive = b.op('lt', zero, x);
  const below = b.op('expm1', b.op('select', positive, zero, x));
  return b.op('select', positive, x, b.op('mul', below, b.like(alpha, x)));
}

/** `size` elements of an axis, from `from` on. */
export function part(b: B, x: NodeId, axis: number, from: number, size: number): NodeId {
  const shape = b.shape(x);
  return b.add('slice', [x], { start: shape.map((_, i) => (i === axis ? from : 0)), size: shape.map((d, i) => (i === axis ? size : d)) });
}

/** Rounds towards zero. */
export function trunc(b: B, x: NodeId): NodeId {
  return b.op('select', b.op('lt', x, b.like(0, x)), b.op('neg', b.op('floor', b.op('neg', x))), b.op('floor', x));
}

/** Rounds to the nearest integer; halves go to the even one. */
export function round(b: B, x: NodeId): NodeId {
  const up = b.op('floor', b.op('add', x, b.like(0.5, x)));
  const tie = b.op('eq', b.op('sub', up, x), b.like(0.5, x));
  const half = b.op('mul', up, b.like(0.5, x));
  const odd = b.op('lt', b.op('floor', half), half);
  return b.op('select', b.op('and', tie, odd), b.op('sub', up, b.like(1, x)), up);
}

/** The remainder with the sign of y: that of the division towards zero, plus y where the signs differ. Of whole numbers it is whole. */
export function remainder(b: B, x: NodeId, y: NodeId): NodeId {
  const rest = b.type(x).dtype === 'i32' ? b.op('mod', x, y) : b.op('fmod', x, y);
  const zero = b.like(0, x);
  const over = b.op(
    'or',
    b.op('and', b.op('lt', zero, rest), b.op('lt', y, zero)),
    b.op('and', b.op('lt', rest, zero), b.op('lt', zero, y)),
  );
  return b.op('select', over, b.op('add', rest, y), rest);
}

/** 2 atan(x / (1 + sqrt(1 - x^2))), which does not divide by 0 at the ends. */
export function asin(b: B, x: NodeId): NodeId {
  const one = b.like(1, x);
  const root = b.op('sqrt', b.op('sub', one, b.op('mul', x, x)));
  return b.op('mul', b.op('atan', b.op('div', x, b.op('add', one, root))), b.like(2, x));
}

/** From here on log(2 x) replaces asinh and acosh: the error is below 1/(4 x^2). */
const FAR = 1e6;

/** log1p(near(x)), or log(2 x) where x is so large that its square would overflow. */
export function logNearOrFar(b: B, x: NodeId, near: (x: NodeId) => NodeId): NodeId {
  const [one, far] = [b.like(1, x), b.op('lt', b.like(FAR, x), x)];
  const large = b.op('add', b.op('log', b.op('select', far, x, one)), b.like(Math.LN2, x));
  return b.op('select', far, large, b.op('log1p', near(b.op('select', far, one, x))));
}

/** The index of the first largest value along an axis, which is removed: i32. NaN is the largest, as in PyTorch. */
export function argmax(b: B, x: NodeId, axis: number): NodeId {
  return firstLargest(b, x, b.add('reduce_max', [x], { axes: [axis] }), [axis], b.add('iota', [], { axis }, whole(b, x)));
}

const whole = (b: B, x: NodeId): TensorType => ({ dtype: 'i32', shape: b.shape(x) });

/** Places are below this, and those that are not the largest come so far behind. */
const BEHIND = 2 ** 30;
/** Behind all of them. */
const NOWHERE = 1 - 2 ** 31;

/**
 * Along some axes of x, the smallest of the places of what is no less than the `largest` value there; only `real` elements count, if that is
 * given. Where nothing is the largest, it is the first of all: kernels begin a maximum with the lowest finite number, so that all are less
 * than it where all are -inf.
 */
export function firstLargest(b: B, x: NodeId, largest: NodeId, axes: readonly number[], places: NodeId, real?: NodeId): NodeId {
  const less = b.op('before', x, b.unreduce(largest, b.shape(x), axes));
  // The smallest place is the largest of the negated ones.
  const mine = b.op('neg', places);
  const ranked = b.op('select', less, b.op('sub', mine, b.like(BEHIND, mine)), mine);
  const candidates = real === undefined ? ranked : b.op('select', real, ranked, b.full(NOWHERE, whole(b, x)));
  const first = b.op('neg', b.add('reduce_max', [candidates], { axes }));
  const behind = b.like(BEHIND, first);
  return b.op('select', b.op('lt', first, behind), first, b.op('sub', first, behind));
}

/** Whether x is NaN, by the bits of the reciprocal: that of infinity is 0, and that of NaN is NaN. */
export function isNan(b: B, x: NodeId): NodeId {
  return b.op('not', b.op('or', b.op('finite', x), b.op('finite', b.op('div', b.like(1, x), x))));
}

/** Numbers as a constant tensor. */
export function table(b: B, values: readonly number[], shape: readonly number[]): NodeId {
  const parts = values.map((value) => b.full(value, { dtype: 'f32', shape: [1] }));
  const flat = parts.length === 1 ? at(parts, 0) : b.add('concat', parts, { axis: 0 });
  return b.reshape(flat, shape);
}

/** The number of elements along axes, as a scalar node because the batch size is known only later. */
export function elements(b: B, x: NodeId, axes: readonly number[]): NodeId {
  return axes.reduce<NodeId>((acc, a) => b.op('mul', acc, b.dimsize(extent(b, x, a))), b.full(1, { dtype: 'f32', shape: [] }));
}

/** The square root of a sum of squares. Its gradient at 0 is 0, as in PyTorch's norms, and not infinity. */
export function rootOfSum(b: B, sum: NodeId): NodeId {
  const none = b.op('eq', sum, b.like(0, sum));
  return b.op('select', none, b.like(0, sum), b.op('sqrt', b.op('select', none, b.like(1, sum), sum)));
}

/** max(x, 0), but with a gradient of 1 at 0, as in torch.clamp. */
export function atLeastZero(b: B, x: NodeId): NodeId {
  const zero = b.like(0, x);
  return b.op('select', b.op('lt', x, zero), zero, x);
}

/** max(x, eps), for divisors. The gradient passes unchanged, like PyTorch's clamp under no_grad. */
export function liftedTo(b: B, x: NodeId, eps: number): NodeId {
  const least = b.like(eps, x);
  return b.op('select', b.op('lt', x, least), b.op('add', least, b.op('sub', x, b.op('detach', x))), x);
}

/** Multiplies the halves until one element is left, so that gradients are right even where a factor is 0. */
export function productOver(b: B, x: NodeId, axis: number): NodeId {
  let y = x;
  for (;;) {
    const shape = b.shape(y);
    const n = shape[axis] as number;
    if (n === 1)
      return b.reshape(
        y,
        shape.filter((_, i) => i !== axis),
      );
    const half = Math.floor(n / 2);
    const product = b.op('mul', part(b, y, axis, 0, half), part(b, y, axis, half, half));
    y = n % 2 === 0 ? product : b.add('concat', [product, part(b, y, axis, 2 * half, 1)], { axis });
  }
}
