import { at } from '../../base/errors.ts';
import { showShape } from '../../base/types.ts';
import type { GraphBuilder, PlainOp } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { align, broadcastShapes, pointwise } from '../arithmetic.ts';
import * as f from '../functions.ts';
import * as planar from '../planar.ts';
import { erfcOf } from '../special.ts';
import { isProblem, layer, problem, type BuiltValue, type Layer } from './layer.ts';

/** Elementwise functions. Those of a single tensor are stages as well. */

const composed = (doc: string, torch: string, build: (b: GraphBuilder, x: NodeId) => NodeId): Layer =>
  layer({ doc, torch, parameters: {}, keepsShape: true, build: ({ b }, _a, x) => build(b, x) });

const unary = (op: PlainOp, doc: string, torch: string): Layer => composed(doc, torch, (b, x) => b.op(op, x));

const binary = (op: PlainOp, doc: string, torch: string): Layer =>
  layer({
    doc,
    torch,
    shape: 'NumPy broadcasting',
    inputs: ['a', 'b'],
    parameters: {},
    build: ({ b }, _a, x, y = x) => pointwise(b, op, x, y),
  });

export const exp = unary('exp', 'e^x', 'torch.exp');
export const exp2 = composed('2^x', 'torch.exp2', (b, x) => b.op('exp', b.op('mul', x, b.like(Math.LN2, x))));
export const log = unary('log', 'the natural logarithm', 'torch.log');
export const log2 = composed('the logarithm to base 2', 'torch.log2', (b, x) => b.op('mul', b.op('log', x), b.like(Math.LOG2E, x)));
export const log10 = composed('the logarithm to base 10', 'torch.log10', (b, x) => b.op('mul', b.op('log', x), b.like(Math.LOG10E, x)));
export const log1p = unary('log1p', 'log(1 + x), accurate near 0', 'torch.log1p');
export const expm1 = unary('expm1', 'e^x - 1, accurate near 0', 'torch.expm1');
export const sqrt = unary('sqrt', 'the square root', 'torch.sqrt');
export const abs = unary('abs', 'the absolute value', 'torch.abs');
export const sign = unary('sign', 'the sign: -1, 0 or 1', 'torch.sign');
export const neg = unary('neg', '-x', 'torch.neg');
export const sin = unary('sin', 'the sine', 'torch.sin');
export const cos = unary('cos', 'the cosine', 'torch.cos');
export const tan = composed('the tangent', 'torch.tan', (b, x) => b.op('div', b.op('sin', x), b.op('cos', x)));
export const atan = unary('atan', 'the arctangent', 'torch.atan');
export const asin = composed('the arcsine', 'torch.asin', f.asin);
export const acos = composed('the arccosine', 'torch.acos', (b, x) => b.op('sub', b.like(Math.PI / 2, x), f.asin(b, x)));
/** From here on e^-x vanishes beside e^x in floating point. */
const FAR = 40;

/** `near(x)`, or e^|x| / 2 for large |x|, computed as (e^(|x|/2) / 2) e^(|x|/2), which overflows only where the result does. */
function hyperbolic(b: GraphBuilder, x: NodeId, near: (x: NodeId) => NodeId, odd: boolean): NodeId {
  const zero = b.like(0, x);
  const size = f.magnitude(b, x);
  const far = b.op('lt', b.like(FAR, x), size);
  const root = b.op('exp', b.op('select', far, b.op('mul', size, b.like(0.5, x)), zero));
  const large = b.op('mul', b.op('mul', root, b.like(0.5, x)), root);
  const signed = odd ? b.op('select', b.op('lt', x, zero), b.op('neg', large), large) : large;
  return b.op('select', far, signed, near(b.op('select', far, zero, x)));
}

export const sinh = composed('the hyperbolic sine', 'torch.sinh', (b, x) =>
  // expm1(x) and -expm1(-x) have the same sign, so nothing cancels.
  hyperbolic(b, x, (y) => b.op('mul', b.op('sub', b.op('expm1', y), b.op('expm1', b.op('neg', y))), b.like(0.5, y)), true),
);
export const cosh = composed('the hyperbolic cosine', 'torch.cosh', (b, x) =>
  hyperbolic(b, x, (y) => b.op('mul', b.op('add', b.op('exp', y), b.op('exp', b.op('neg', y))), b.like(0.5, y)), false),
);
export const asinh = composed('the inverse hyperbolic sine', 'torch.asinh', (b, x) => {
  // sign(x) log1p(|x| + x^2 / (1 + sqrt(1 + x^2))), with the right gradient at 0.
  const y = f.logNearOrFar(b, f.magnitude(b, x), (a) => {
    const [one, square] = [b.like(1, a), b.op('mul', a, a)];
    return b.op('add', a, b.op('div', square, b.op('add', one, b.op('sqrt', b.op('add', one, square)))));
  });
  return b.op('select', b.op('lt', b.like(0, x), x), y, b.op('neg', y));
});
export const acosh = composed('the inverse hyperbolic cosine', 'torch.acosh', (b, x) =>
  // log1p(t + sqrt(t) sqrt(t + 2)) with t = x - 1; below 1 the roots are NaN.
  f.logNearOrFar(b, x, (near) => {
    const t = b.op('sub', near, b.like(1, near));
    return b.op('add', t, b.op('mul', b.op('sqrt', t), b.op('sqrt', b.op('add', t, b.like(2, t)))));
  }),
);
export const atanh = composed('the inverse hyperbolic tangent', 'torch.atanh', (b, x) =>
  b.op('mul', b.op('sub', b.op('log1p', x), b.op('log1p', b.op('neg', x))), b.like(0.5, x)),
);
export const erf = unary('erf', 'the error function', 'torch.erf');
export const erfc = composed('1 - erf(x)', 'torch.erfc', erfcOf);
export const floor = unary('floor', 'the largest integer <= x', 'torch.floor');
export const ceil = composed('the smallest integer >= x', 'torch.ceil', (b, x) => b.op('neg', b.op('floor', b.op('neg', x))));
export const trunc = composed('the integer part: x rounded towards 0', 'torch.trunc', f.trunc);
export const frac = composed('the fractional part: x - trunc(x)', 'torch.frac', (b, x) => b.op('sub', x, f.trunc(b, x)));
export const round = composed('the nearest integer; halves round to the even one', 'torch.round', f.round);
export const square = composed('x * x', 'torch.square', (b, x) => b.op('mul', x, x));
export const rsqrt = composed('1 / sqrt(x)', 'torch.rsqrt', (b, x) => b.op('div', b.like(1, x), b.op('sqrt', x)));
export const reciprocal = composed('1 / x', 'torch.reciprocal', (b, x) => b.op('div', b.like(1, x), x));
export const logit = composed('log(x / (1 - x))', 'torch.logit', (b, x) => b.op('sub', b.op('log', x), b.op('log1p', b.op('neg', x))));
export const detach = composed('x, through which no gradient flows back', 'torch.Tensor.detach', (b, x) => b.op('detach', x));

export const maximum = binary('max', 'the larger of a and b; ties share the gradient', 'torch.maximum');
export const minimum = binary('min', 'the smaller of a and b; ties share the gradient', 'torch.minimum');
export const pow = binary('pow', 'a^b', 'torch.pow');

const two = (doc: string, torch: string, build: (b: GraphBuilder, x: NodeId, y: NodeId) => BuiltValue): Layer =>
  layer({
    doc,
    torch,
    shape: 'NumPy broadcasting',
    inputs: ['a', 'b'],
    parameters: {},
    build({ b }, _args, x, y = x) {
      const aligned = align(b, [b.cast(x, 'f32'), b.cast(y, 'f32')]);
      return Array.isArray(aligned) ? build(b, at(aligned, 0), at(aligned, 1)) : aligned;
    },
  });

export const atan2 = two('the angle of the point (b, a), from -pi to pi; the gradient at (0, 0) is 0', 'torch.atan2', planar.atan2);
export const hypot = two('sqrt(a^2 + b^2), which overflows only where the result does', 'torch.hypot', planar.hypot);
export const fmod = two('the remainder of a / b with the sign of a', 'torch.fmod', (b, x, y) => b.op('fmod', x, y));
export const remainder = two('the remainder of a / b with the sign of b', 'torch.remainder', (b, x, y) => f.remainder(b, x, y));
export const logaddexp = two('log(e^a + e^b), numerically stable', 'torch.logaddexp', (b, x, y) => {
  // The larger one + log(1 + e^-|a - b|), written like softplus. Equal infinities have the difference 0 instead of NaN.
  const same = b.op('and', b.op('eq', x, y), b.op('not', b.op('finite', x)));
  const d = b.op('select', same, b.like(0, x), b.op('sub', x, y));
  const larger = b.op('select', b.op('lt', b.like(0, d), d), x, y);
  return b.op('add', larger, b.op('log1p', b.op('exp', b.op('neg', f.magnitude(b, d)))));
});

export const clamp = layer({
  doc: 'x clamped to [min, max]; the gradient is 1 inside, bounds included, else 0',
  torch: 'torch.clamp',
  parameters: { min: { type: 'number', doc: 'lower bound' }, max: { type: 'number', doc: 'upper bound' } },
  optional: ['min', 'max'],
  keepsShape: true,
  build({ b }, args, x) {
    const { min, max } = args as { readonly min?: number; readonly max?: number };
    if (min === undefined && max === undefined) return problem('NN202', 'clamp needs min, max or both', 'write clamp(x, min=0)');
    let y = x;
    if (min !== undefined) y = b.op('select', b.op('lt', x, b.like(min, x)), b.like(min, x), y);
    if (max !== undefined) y = b.op('select', b.op('lt', b.like(max, x), x), b.like(max, x), y);
    return y;
  },
});

export const where = layer({
  anyType: true,
  doc: 'a where the condition is true, else b',
  torch: 'torch.where',
  shape: 'NumPy broadcasting',
  inputs: ['condition', 'a', 'b'],
  parameters: {},
  build({ b }, _args, c, x = c, y = c) {
    if (b.type(x).dtype === 'bool' || b.type(y).dtype === 'bool') return problem('NN204', 'where chooses between numbers');
    if (b.type(c).dtype !== 'bool') return problem('NN204', 'the condition of where is a comparison, such as x > 0');
    const shape = broadcastShapes(b.shape(c), broadcastShapes(b.shape(x), b.shape(y)) ?? []);
    if (!shape) return problem('NN203', `${[c, x, y].map((v) => showShape(b.shape(v))).join(', ')} do not broadcast`);
    // Only numbers can be broadcast, so the condition is cast.
    const number = b.type(x).dtype === 'i32' && b.type(y).dtype === 'i32' ? 'i32' : 'f32';
    const aligned = align(b, [b.cast(c, number), x, y]);
    if (!Array.isArray(aligned)) return aligned;
    const [k = c, p = x, q = y] = aligned;
    return b.op('select', b.cast(k, 'bool'), p, q);
  },
});

const truth = (doc: string, torch: string, op: 'and' | 'or'): Layer =>
  layer({
    anyType: true,
    doc,
    torch,
    shape: 'NumPy broadcasting',
    inputs: ['a', 'b'],
    parameters: {},
    build({ b }, _args, x, y = x) {
      if ([x, y].some((v) => b.type(v).dtype !== 'bool')) return problem('NN204', 'two comparisons are needed, such as x > 0');
      const aligned = align(b, [b.cast(x, 'i32'), b.cast(y, 'i32')]);
      return isProblem(aligned as BuiltValue) ? (aligned as BuiltValue) : b.op(op, ...(aligned as NodeId[]).map((v) => b.cast(v, 'bool')));
    },
  });
export const logical_and = truth('true where a and b are true', 'torch.logical_and', 'and');
export const logical_or = truth('true where a or b is true', 'torch.logical_or', 'or');
export const logical_not = layer({
  anyType: true,
  doc: 'true where x is false',
  torch: 'torch.logical_not',
  parameters: {},
  build({ b }, _args, x) {
    return b.type(x).dtype === 'bool' ? b.op('not', x) : problem('NN204', 'a comparison is needed, such as x > 0');
  },
});

export const float = layer({
  anyType: true,
  doc: 'converts integers or booleans to floats',
  torch: 'torch.Tensor.float',
  parameters: {},
  build: ({ b }, _args, x) => b.cast(x, 'f32'),
});
export const int = layer({
  anyType: true,
  doc: 'converts to integers, rounding towards 0',
  torch: 'torch.Tensor.int',
  parameters: {},
  build: ({ b }, _args, x) => b.cast(x, 'i32'),
});
