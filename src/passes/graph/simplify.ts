import { at } from '../../base/errors.ts';
import { count, sameShape, type DType } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import { contractLabels } from '../../ir/graph/contract.ts';
import { isPointwise, pointwise } from '../../ir/graph/pointwise.ts';
import type { Graph, Node, NodeId, NodeOf, Op } from '../../ir/graph/types.ts';
import { dce } from './cleanup.ts';
import { turnedRows } from './row-laws.ts';
import { factorsBefore, isCentred } from './sum-laws.ts';
import {
  lessPadding,
  padBelow,
  partBelowSingles,
  partOfProduct,
  productOfStridedWindows,
  productOfWindows,
  reshapeBesidePart,
  unwindowBelowPart,
  unwindowBelowReshape,
  windowsOfPart,
  windowsSideBySide,
  withoutSingles,
} from './window-laws.ts';
import { rebuild } from './rewrite.ts';

/** A named law. It gets a node with simplified operands and returns a replacement, if it applies. */
interface Law<N extends string = string> {
  readonly name: N;
  readonly ops: readonly Op[];
  readonly apply: (cx: Context) => NodeId | undefined;
}

class Context {
  readonly b: GraphBuilder;
  readonly node: Node;
  readonly inputs: readonly NodeId[];

  constructor(b: GraphBuilder, node: Node, inputs: readonly NodeId[]) {
    this.b = b;
    this.node = node;
    this.inputs = inputs;
  }

  /** Operand `i` as a node. */
  arg(i: number): Node {
    return this.b.node(at(this.inputs, i));
  }

  id(i: number): NodeId {
    return at(this.inputs, i);
  }

  /** The value of a constant operand. */
  value(i: number): number | undefined {
    const node = this.arg(i);
    return node.op === 'const' ? node.attrs.value : undefined;
  }

  full(value: number): NodeId {
    return this.b.full(value, this.node.type);
  }

  as<K extends Op>(op: K, node: Node = this.node): NodeOf<K> | undefined {
    return node.op === op ? (node as unknown as NodeOf<K>) : undefined;
  }
}

const law = <N extends string>(name: N, ops: readonly Op[], apply: Law['apply']): Law<N> => ({ name, ops, apply });

/** Returns the other operand if operand `test` is the constant `value`. */
const unit = <N extends string>(name: N, op: Op, value: number, test: 0 | 1): Law<N> =>
  law(name, [op], (cx) => (cx.value(test) === value ? cx.id(1 - test) : undefined));

const VIEWS: readonly Op[] = ['broadcast', 'reshape', 'permute', 'slice', 'flip', 'window'];

/** Whether a kernel can hold the constant: a finite float32, or an i32 without wrapping. */
function representable(value: number, dtype: DType): boolean {
  return dtype === 'f32' ? Math.abs(value) <= 3.4028234663852886e38 : Number.isInteger(value) && Math.abs(value) <= 0x7fffffff;
}

/**
 * The laws, in the order in which they are tried. Each must preserve the value for all finite inputs; test/passes/laws.test.ts holds a
 * proof of each, and does not compile without one.
 */
export const LAWS = [
  law('x + -y is x - y', ['add'], (cx) => {
    const y = cx.as('neg', cx.arg(1));
    return y ? cx.b.op('sub', cx.id(0), at(y.inputs, 0)) : undefined;
  }),
  unit('x + 0 is x', 'add', 0, 1),
  unit('0 + x is x', 'add', 0, 0),
  law('x + x is 2 x', ['add'], (cx) =>
    cx.id(0) === cx.id(1) && cx.node.type.dtype === 'f32' ? cx.b.op('mul', cx.id(0), cx.full(2)) : undefined,
  ),
  unit('x - 0 is x', 'sub', 0, 1),
  law('0 - x is -x', ['sub'], (cx) => (cx.value(0) === 0 ? cx.b.op('neg', cx.id(1)) : undefined)),
  unit('x * 1 is x', 'mul', 1, 1),
  unit('1 * x is x', 'mul', 1, 0),
  law('x * 0 is 0', ['mul'], (cx) => (cx.value(0) === 0 || cx.value(1) === 0 ? cx.full(0) : undefined)),
  law('a constant factor stands on the right', ['mul'], (cx) =>
    cx.value(0) !== undefined && cx.value(1) === undefined ? cx.b.op('mul', cx.id(1), cx.id(0)) : undefined,
  ),
  law('(x * a) * b is x * (a b)', ['mul'], (cx) => {
    const inner = cx.as('mul', cx.arg(0));
    const b = cx.value(1);
    const a = inner ? cx.as('const', cx.b.node(at(inner.inputs, 1))) : undefined;
    return inner && a && b !== undefined && representable(a.attrs.value * b, cx.node.type.dtype)
      ? cx.b.op('mul', at(inner.inputs, 0), cx.full(a.attrs.value * b))
      : undefined;
  }),
  unit('x / 1 is x', 'div', 1, 1),
  law('0 / x is 0', ['div'], (cx) => (cx.value(0) === 0 ? cx.full(0) : undefined)),
  law('-(-x) is x', ['neg'], (cx) => {
    const inner = cx.as('neg', cx.arg(0));
    return inner ? at(inner.inputs, 0) : undefined;
  }),
  law('x ^ 2 is x * x', ['pow'], (cx) => (cx.value(1) === 2 ? cx.b.op('mul', cx.id(0), cx.id(0)) : undefined)),
  unit('x ^ 1 is x', 'pow', 1, 1),
  law('a known choice is made', ['select'], (cx) => {
    const c = cx.value(0);
    return c === undefined ? (cx.id(1) === cx.id(2) ? cx.id(1) : undefined) : cx.id(c !== 0 ? 1 : 2);
  }),
  law('the same choice twice is one', ['select'], (cx) => {
    const yes = cx.as('select', cx.arg(1));
    return yes && yes.inputs[0] === cx.id(0) ? cx.b.op('select', cx.id(0), at(yes.inputs, 1), cx.id(2)) : undefined;
  }),
  law('detach is only for gradients', ['detach'], (cx) => cx.id(0)),
  law('a cast to the same type is nothing', ['cast'], (cx) => (cx.arg(0).type.dtype === cx.node.type.dtype ? cx.id(0) : undefined)),

  law('a view of a constant is a constant', VIEWS, (cx) => {
    const value = cx.value(0);
    return value === undefined ? undefined : cx.full(value);
  }),
  law('a view that changes nothing is nothing', VIEWS, (cx) => {
    const moves = cx.as('permute');
    if (cx.as('flip')) return undefined;
    const stays = sameShape(cx.arg(0).type.shape, cx.node.type.shape) && (!moves || moves.attrs.perm.every((p, i) => p === i));
    return stays ? cx.id(0) : undefined;
  }),
  law('reshape of reshape is one reshape', ['reshape'], (cx) => {
    const inner = cx.as('reshape', cx.arg(0));
    return inner ? cx.b.reshape(at(inner.inputs, 0), cx.node.type.shape) : undefined;
  }),
  law('permute of permute is one permute', ['permute'], (cx) => {
    const [outer, inner] = [cx.as('permute'), cx.as('permute', cx.arg(0))];
    return outer && inner
      ? cx.b.permute(
          at(inner.inputs, 0),
          outer.attrs.perm.map((p) => at(inner.attrs.perm, p)),
        )
      : undefined;
  }),
  law('broadcast of broadcast is one broadcast', ['broadcast'], (cx) => {
    const [outer, inner] = [cx.as('broadcast'), cx.as('broadcast', cx.arg(0))];
    return outer && inner
      ? cx.b.broadcast(
          at(inner.inputs, 0),
          outer.attrs.shape,
          inner.attrs.axes.map((a) => at(outer.attrs.axes, a)),
        )
      : undefined;
  }),
  law('a concatenation of one is that one', ['concat'], (cx) => (cx.inputs.length === 1 ? cx.id(0) : undefined)),

  law('a sum over nothing is nothing', ['reduce_sum', 'reduce_max'], (cx) =>
    (cx.node as NodeOf<'reduce_sum'>).attrs.axes.length === 0 ? cx.id(0) : undefined,
  ),
  law('a sum of one element is a reshape', ['reduce_sum', 'reduce_max'], (cx) => {
    const shape = cx.arg(0).type.shape;
    return (cx.node as NodeOf<'reduce_sum'>).attrs.axes.every((a) => shape[a] === 1)
      ? cx.b.reshape(cx.id(0), cx.node.type.shape)
      : undefined;
  }),
  law('a sum of repetitions is a product', ['reduce_sum'], (cx) => {
    const node = cx.as('reduce_sum');
    const inner = cx.as('broadcast', cx.arg(0));
    const value = cx.value(0);
    if (!node) return undefined;
    const shape = cx.arg(0).type.shape;
    if (node.attrs.axes.some((a) => typeof shape[a] !== 'number')) return undefined;
    const n = count(node.attrs.axes.map((a) => shape[a] as number));
    if (value !== undefined) return cx.full(value * n);
    if (!inner || node.attrs.axes.some((a) => inner.attrs.axes.includes(a))) return undefined;
    const kept = shape.map((_, i) => i).filter((i) => !node.attrs.axes.includes(i));
    const rest = cx.b.broadcast(
      at(inner.inputs, 0),
      cx.node.type.shape,
      inner.attrs.axes.map((a) => kept.indexOf(a)),
    );
    return cx.b.op('mul', rest, cx.full(n));
  }),

  law('a sum of -x is minus the sum of x', ['reduce_sum'], (cx) => {
    const node = cx.as('reduce_sum');
    const inner = cx.as('neg', cx.arg(0));
    return node && inner ? cx.b.op('neg', cx.b.sum(at(inner.inputs, 0), node.attrs.axes)) : undefined;
  }),
  law('centred values sum to 0', ['reduce_sum'], (cx) => {
    const node = cx.as('reduce_sum');
    return node && isCentred(cx.b, node.attrs.axes, cx.arg(0)) ? cx.full(0) : undefined;
  }),
  law('what is the same along a sum goes before it', ['reduce_sum'], (cx) => {
    const node = cx.as('reduce_sum');
    return node && factorsBefore(cx.b, node, cx.id(0));
  }),

  law('a contract reads through a permute', ['contract'], (cx) => {
    const node = cx.as('contract');
    if (!node) return undefined;
    const l = contractLabels(node.attrs.spec);
    const [a, b] = [cx.as('permute', cx.arg(0)), cx.as('permute', cx.arg(1))];
    if (!a && !b) return undefined;
    const relabel = (labels: string, p: NodeOf<'permute'> | undefined): string =>
      p ? [...labels].map((_, i) => labels[p.attrs.perm.indexOf(i)] ?? '').join('') : labels;
    return cx.b.contract(`${relabel(l.a, a)},${relabel(l.b, b)}->${l.out}`, a ? at(a.inputs, 0) : cx.id(0), b ? at(b.inputs, 0) : cx.id(1));
  }),
  law('axes of one element say nothing in a contract', ['contract'], (cx) => {
    const node = cx.as('contract');
    return node && withoutSingles(cx.b, node, cx.inputs);
  }),
  law('windows of single elements only add an axis', ['window'], (cx) => {
    const node = cx.as('window');
    return node?.attrs.size === 1 && node.attrs.stride === 1 ? cx.b.reshape(cx.id(0), node.type.shape) : undefined;
  }),
  law('windows side by side are put in order', ['unwindow'], (cx) => {
    const node = cx.as('unwindow');
    return node && windowsSideBySide(cx.b, node, cx.id(0));
  }),
  law('padding passes below windows', ['pad'], (cx) => {
    const node = cx.as('pad');
    return node && padBelow(cx.b, node, cx.arg(0));
  }),
  law('the adjoint of windows of a product is a product of windows', ['unwindow'], (cx) => {
    const node = cx.as('unwindow');
    return node && productOfWindows(cx.b, node, cx.arg(0));
  }),
  law('the adjoint of strided windows of a product is products of windows side by side', ['unwindow'], (cx) => {
    const node = cx.as('unwindow');
    return node && productOfStridedWindows(cx.b, node, cx.arg(0));
  }),
  law('the adjoint of windows of a product passes below a reshape', ['unwindow'], (cx) => {
    const node = cx.as('unwindow');
    return node && unwindowBelowReshape(cx.b, node, cx.arg(0));
  }),
  law('the adjoint of windows of a product passes below a part', ['unwindow'], (cx) => {
    const node = cx.as('unwindow');
    return node && unwindowBelowPart(cx.b, node, cx.arg(0));
  }),
  law('a reshape beside a part of a product is a part of a reshape', ['reshape'], (cx) => {
    const node = cx.as('reshape');
    return node && reshapeBesidePart(cx.b, node, cx.arg(0));
  }),
  law('a part of a product passes below axes of a single element', ['slice'], (cx) => {
    const node = cx.as('slice');
    return node && partBelowSingles(cx.b, node, cx.arg(0));
  }),
  law('a part of a product of windows is a product of parts', ['slice'], (cx) => {
    const node = cx.as('slice');
    return node && partOfProduct(cx.b, node, cx.arg(0));
  }),
  law('a part of windows is windows of a part', ['slice'], (cx) => {
    const node = cx.as('slice');
    return node && windowsOfPart(cx.b, node, cx.arg(0));
  }),
  law('a part of padded values needs less padding', ['slice'], (cx) => {
    const node = cx.as('slice');
    return node && lessPadding(cx.b, node, cx.arg(0));
  }),
  law('rows in the opposite order are turned around', ['gather'], (cx) => turnedRows(cx.b, cx.id(0), cx.id(1))),
  law('sums into rows in the opposite order are turned around', ['scatter_add'], (cx) =>
    cx.as('scatter_add')?.attrs.rows === cx.arg(0).type.shape[0] ? turnedRows(cx.b, cx.id(1), cx.id(0)) : undefined,
  ),
  law('a contract over single elements is a product', ['contract'], (cx) => {
    const node = cx.as('contract');
    if (!node) return undefined;
    const l = contractLabels(node.attrs.spec);
    const summed = [...new Set(l.a + l.b)].filter((c) => !l.out.includes(c));
    const [a, b] = [cx.arg(0), cx.arg(1)];
    const extent = (c: string): unknown => (l.a.includes(c) ? a.type.shape[l.a.indexOf(c)] : b.type.shape[l.b.indexOf(c)]);
    if (!summed.every((c) => extent(c) === 1)) return undefined;
    const spread = (x: Node, labels: string): NodeId => {
      const kept = [...labels].filter((c) => !summed.includes(c));
      const shape = kept.map((c) => x.type.shape[labels.indexOf(c)] as number);
      // Reorder to the result's axes, then broadcast along the missing ones.
      const order = kept.map((_, i) => i).sort((i, j) => l.out.indexOf(at(kept, i)) - l.out.indexOf(at(kept, j)));
      const ordered = cx.b.permute(cx.b.reshape(x.id, shape), order);
      return cx.b.broadcast(
        ordered,
        node.type.shape,
        order.map((i) => l.out.indexOf(at(kept, i))),
      );
    };
    return cx.b.op('mul', spread(a, l.a), spread(b, l.b));
  }),
] as const;

export type LawName = (typeof LAWS)[number]['name'];

/** Folds pointwise operations on constants, with their own definition. */
function fold(cx: Context): NodeId | undefined {
  const { op } = cx.node;
  if (!isPointwise(op)) return undefined;
  const values = cx.inputs.map((_, i) => cx.value(i));
  if (values.some((v) => v === undefined)) return undefined;
  const value = pointwise(op)(...(values as number[]));
  return representable(value, cx.node.type.dtype) ? cx.full(value) : undefined;
}

const BY_OP = new Map<Op, Law<LawName>[]>();
for (const l of LAWS) for (const op of l.ops) BY_OP.set(op, [...(BY_OP.get(op) ?? []), l]);

/** Applies the laws until none applies; `applied` is told which. */
export function simplify(graph: Graph, applied?: (law: LawName) => void): Graph {
  let current = graph;
  for (let round = 0; round < 20; round++) {
    let changed = false;
    current = rebuild(dce(current), (node, inputs, b) => {
      const cx = new Context(b, node, inputs);
      const before = b.nodes.length;
      const result = fold(cx) ?? firstLaw(cx, applied);
      if (result !== undefined && (b.nodes.length > before || result !== before)) changed = true;
      return result;
    });
    if (!changed) break;
  }
  return dce(current);
}

function firstLaw(cx: Context, applied?: (law: LawName) => void): NodeId | undefined {
  for (const l of BY_OP.get(cx.node.op) ?? []) {
    const result = l.apply(cx);
    if (result === undefined) continue;
    applied?.(l.name);
    return result;
  }
  return undefined;
}
