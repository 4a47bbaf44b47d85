import { CompilerBug, at } from '../base/errors.ts';
import { transposed } from '../base/matrix.ts';
import type { Dim } from '../base/types.ts';
import type { GraphBuilder } from '../ir/graph/builder.ts';
import { contractLabels } from '../ir/graph/contract.ts';
import type { NodeId, NodeOf, Op } from '../ir/graph/types.ts';

/**
 * The cotangents of a node's operands from the cotangent of its result. There is one rule per operation, made of operations that have rules
 * themselves, so that derivatives can be differentiated again. `null` means no cotangent.
 */
export interface VjpContext<K extends Op> {
  readonly b: GraphBuilder;
  readonly node: NodeOf<K>;
  /** The node's own value. */
  readonly out: NodeId;
  readonly x: NodeId;
  readonly y: NodeId;
}
export type VjpRule<K extends Op> = (cx: VjpContext<K>, ct: NodeId) => readonly (NodeId | null)[];
export type VjpTable = { readonly [K in Op]: VjpRule<K> };

const none: VjpRule<Op> = ({ node }) => node.inputs.map(() => null);
const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

const minOrMax: VjpRule<'min' | 'max'> = ({ b, node, x, y }, ct) => {
  // Ties share the cotangent equally, as PyTorch's maximum and minimum do.
  const half = b.op('mul', ct, b.like(0.5, ct));
  const zero = b.like(0, ct);
  const won = node.op === 'max' ? b.op('lt', y, x) : b.op('lt', x, y);
  const tie = b.op('eq', x, y);
  const lost = node.op === 'max' ? b.op('lt', x, y) : b.op('lt', y, x);
  const share = (mine: NodeId): NodeId => b.op('select', tie, half, b.op('select', mine, ct, zero));
  return [share(won), share(lost)];
};

export const VJP: VjpTable = {
  input: none,
  param: none,
  state: none,
  const: none,
  scalar: none,
  iota: none,
  dimsize: none,

  neg: ({ b }, ct) => [b.op('neg', ct)],
  abs: ({ b, x }, ct) => [b.op('mul', ct, b.op('sign', x))],
  sign: none,
  exp: ({ b, out }, ct) => [b.op('mul', ct, out)],
  log: ({ b, x }, ct) => [b.op('div', ct, x)],
  log1p: ({ b, x }, ct) => [b.op('div', ct, b.op('add', x, b.like(1, x)))],
  expm1: ({ b, out }, ct) => [b.op('mul', ct, b.op('add', out, b.like(1, out)))],
  sqrt: ({ b, out }, ct) => [b.op('div', b.op('mul', ct, b.like(0.5, ct)), out)],
  sin: ({ b, x }, ct) => [b.op('mul', ct, b.op('cos', x))],
  cos: ({ b, x }, ct) => [b.op('neg', b.op('mul', ct, b.op('sin', x)))],
  atan: ({ b, x }, ct) => [b.op('div', ct, b.op('add', b.op('mul', x, x), b.like(1, x)))],
  tanh: ({ b, out }, ct) => [b.op('mul', ct, b.op('sub', b.like(1, out), b.op('mul', out, out)))],
  sigmoid: ({ b, out }, ct) => [b.op('mul', ct, b.op('mul', out, b.op('sub', b.like(1, out), out)))],
  erf: ({ b, x }, ct) => [b.op('mul', ct, b.op('mul', b.like(TWO_OVER_SQRT_PI, x), b.op('exp', b.op('neg', b.op('mul', x, x)))))],
  floor: none,
  // Passes the cotangent through, as a cast does; the derivative of rounding itself is 0 almost everywhere.
  round_f16: (_cx, ct) => [ct],
  finite: none,
  not: none,
  cast: ({ b, node }, ct) => [b.type(at(node.inputs, 0)).dtype === 'f32' && node.attrs.dtype === 'f32' ? ct : null],
  detach: none,

  add: (_cx, ct) => [ct, ct],
  sub: ({ b }, ct) => [ct, b.op('neg', ct)],
  mul: ({ b, x, y }, ct) => [b.op('mul', ct, y), b.op('mul', ct, x)],
  div: ({ b, y, out }, ct) => {
    const dx = b.op('div', ct, y);
    return [dx, b.op('neg', b.op('mul', dx, out))];
  },
  idiv: none,
  mod: none,
  fmod: ({ b, x, y }, ct) => {
    // Minus the rounded quotient without what is behind the point, as in PyTorch.
    const quotient = b.op('div', x, y);
    const below = b.op('lt', quotient, b.like(0, quotient));
    const whole = b.op('select', below, b.op('neg', b.op('floor', b.op('neg', quotient))), b.op('floor', quotient));
    return [ct, b.op('neg', b.op('mul', ct, whole))];
  },
  pow: ({ b, x, y, out }, ct) => {
    const one = b.like(1, x);
    const zero = b.like(0, x);
    // x^0 is 1 everywhere, so its derivative is 0, even where the formula would give 0 times infinity.
    const slope = b.op('mul', y, b.op('pow', x, b.op('sub', y, one)));
    const dx = b.op('mul', ct, b.op('select', b.op('eq', y, zero), zero, slope));
    // As in torch.pow, the derivative in y is 0 for a base of 0 (if y >= 0) and NaN for negative bases.
    const still = b.op('and', b.op('eq', x, zero), b.op('le', zero, y));
    const dy = b.op('select', still, zero, b.op('mul', ct, b.op('mul', out, b.op('log', b.op('select', still, one, x)))));
    return [dx, dy];
  },
  max: minOrMax,
  min: minOrMax,
  lt: none,
  le: none,
  eq: none,
  before: none,
  and: none,
  or: none,
  select: ({ b, node }, ct) => {
    const condition = at(node.inputs, 0);
    const zero = b.like(0, ct);
    return [null, b.op('select', condition, ct, zero), b.op('select', condition, zero, ct)];
  },

  reduce_sum: ({ b, node, x }, ct) => [b.unreduce(ct, b.shape(x), node.attrs.axes)],
  reduce_max: ({ b, node, x, out }, ct) => {
    // Elements that equal the maximum share the cotangent equally, as in PyTorch's amax.
    const shape = b.shape(x);
    const { axes } = node.attrs;
    const hit = b.op('eq', x, b.unreduce(out, shape, axes));
    const ones = b.op('select', hit, b.like(1, x), b.like(0, x));
    const ties = b.unreduce(b.sum(ones, axes), shape, axes);
    return [b.op('div', b.op('mul', b.unreduce(ct, shape, axes), ones), ties)];
  },
  contract: ({ b, node, x, y }, ct) => {
    const l = contractLabels(node.attrs.spec);
    return [b.contract(`${l.out},${l.b}->${l.a}`, ct, y), b.contract(`${l.out},${l.a}->${l.b}`, ct, x)];
  },

  mix: ({ b, node: { attrs } }, ct) => [b.add('mix', [ct], { axes: attrs.axes, matrix: transposed(attrs.matrix) })],

  broadcast: ({ b, node }, ct) => [
    b.sum(
      ct,
      node.attrs.shape.map((_, i) => i).filter((i) => !node.attrs.axes.includes(i)),
    ),
  ],
  reshape: ({ b, x }, ct) => [b.reshape(ct, b.shape(x))],
  permute: ({ b, node }, ct) => [
    b.permute(
      ct,
      node.attrs.perm.map((_, i) => node.attrs.perm.indexOf(i)),
    ),
  ],
  pad: ({ b, node, x }, ct) => [b.add('slice', [ct], { start: node.attrs.low, size: b.shape(x) })],
  slice: ({ b, node, x }, ct) => {
    const high = b.shape(x).map((d, i) => {
      const size = node.attrs.size[i] as Dim;
      return typeof d === 'number' && typeof size === 'number' ? d - at(node.attrs.start, i) - size : 0;
    });
    return [b.add('pad', [ct], { low: node.attrs.start, high, value: 0 })];
  },
  concat: ({ b, node }, ct) => {
    let from = 0;
    return node.inputs.map((input) => {
      const size = b.shape(input);
      const start = size.map((_, i) => (i === node.attrs.axis ? from : 0));
      from += size[node.attrs.axis] as number;
      return b.add('slice', [ct], { start, size });
    });
  },

  flip: ({ b, node }, ct) => [b.add('flip', [ct], node.attrs)],

  window: ({ b, node, x }, ct) => {
    const { axis, stride, dilation } = node.attrs;
    return [b.add('unwindow', [ct], { axis, length: b.shape(x)[axis] as number, stride, dilation })];
  },
  unwindow: ({ b, node, x }, ct) => {
    const { axis, stride, dilation } = node.attrs;
    return [b.add('window', [ct], { axis, size: b.shape(x).at(-1) as number, stride, dilation })];
  },

  gather: ({ b, x, y }, ct) => [b.add('scatter_add', [y, ct], { rows: b.shape(x)[0] as Dim }), null],
  scatter_add: ({ b, x }, ct) => [null, b.op('gather', ct, x)],

  uniform: none,
  shuffle: none,

  // All results of a loop have one gradient, in `loops.ts`.
  scan: none,
  carry: none,
  pick: none,
};

export function applyVjp(table: VjpTable, b: GraphBuilder, node: NodeOf<Op>, ct: NodeId): readonly (NodeId | null)[] {
  const rule = table[node.op] as VjpRule<Op>;
  const cx: VjpContext<Op> = { b, node, out: node.id, x: node.inputs[0] ?? -1, y: node.inputs[1] ?? -1 };
  const cotangents = rule(cx, ct);
  if (cotangents.length !== node.inputs.length)
    throw new CompilerBug(`the gradient of ${node.op} gives ${cotangents.length} cotangents for ${node.inputs.length} operands`);
  return cotangents;
}
