import { at } from '../../base/errors.ts';
import { product, sameDim, type Dim, type Shape } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import { contractLabels } from '../../ir/graph/contract.ts';
import type { Node, NodeId, NodeOf } from '../../ir/graph/types.ts';

/** The axis of a reshaped value that an axis has become: one of its extent, with as many elements before it; -1 if there is none. */
const axisAfter = (from: Shape, axis: number, to: Shape): number =>
  to.findIndex((d, i) => sameDim(d, at(from, axis)) && sameDim(product(to.slice(0, i)), product(from.slice(0, axis))));

/** The same contract without the axes that have a single element. */
export function withoutSingles(b: GraphBuilder, node: NodeOf<'contract'>, inputs: readonly NodeId[]): NodeId | undefined {
  const l = contractLabels(node.attrs.spec);
  const [x, y] = [at(inputs, 0), at(inputs, 1)];
  const single = (c: string): boolean => (l.a.includes(c) ? b.shape(x)[l.a.indexOf(c)] : b.shape(y)[l.b.indexOf(c)]) === 1;
  const keep = (labels: string): string => [...labels].filter((c) => !single(c)).join('');
  const [a, c, out] = [keep(l.a), keep(l.b), keep(l.out)];
  if (a === l.a && c === l.b && out === l.out) return undefined;
  if (a === '' || c === '') return undefined;
  const without = (id: NodeId, labels: string): NodeId =>
    b.reshape(
      id,
      b.shape(id).filter((_, i) => !single(at([...labels], i))),
    );
  return b.reshape(b.contract(`${a},${c}->${out}`, without(x, l.a), without(y, l.b)), node.type.shape);
}

/** What a reshape only gives axes of a single element, and the places of its own axes among them. */
function belowSingles(b: GraphBuilder, reshape: Node): { readonly x: NodeId; readonly kept: readonly number[] } | undefined {
  if (reshape.op !== 'reshape') return undefined;
  const x = at(reshape.inputs, 0);
  const { shape } = reshape.type;
  const kept = shape.flatMap((d, i) => (d === 1 ? [] : [i]));
  const own = b.shape(x);
  return own.length === kept.length && own.every((d, i) => d === shape[at(kept, i)]) ? { x, kept } : undefined;
}

/**
 * The adjoint of windows of a product whose other axes are seen as others: where there is one example, its product lost the axis of examples, and
 * strided windows make two axes of one.
 */
export function unwindowBelowReshape(b: GraphBuilder, node: NodeOf<'unwindow'>, operand: Node): NodeId | undefined {
  if (operand.op !== 'reshape') return undefined;
  const x = at(operand.inputs, 0);
  if (b.node(x).op !== 'contract') return undefined;
  const own = b.shape(x);
  const below = axisAfter(operand.type.shape, node.attrs.axis, own);
  if (below < 0 || below === own.length - 1 || own.at(-1) !== operand.type.shape.at(-1)) return undefined;
  return b.reshape(b.add('unwindow', [x], { ...node.attrs, axis: below }), node.type.shape);
}

/** A reshape that leaves the axes alone of which a part is taken, before that part: then places are divided by whole extents. */
export function reshapeBesidePart(b: GraphBuilder, node: NodeOf<'reshape'>, part: Node): NodeId | undefined {
  if (part.op !== 'slice') return undefined;
  const whole = b.node(at(part.inputs, 0));
  if (whole.op !== 'reshape' || b.node(at(whole.inputs, 0)).op !== 'contract') return undefined;
  const to = node.type.shape;
  const [start, full] = [to.map(() => 0), [...to]];
  for (const [axis, extent] of part.type.shape.entries()) {
    const before = at(whole.type.shape, axis);
    if (sameDim(before, extent)) continue;
    const place = axisAfter(part.type.shape, axis, to);
    if (place < 0) return undefined;
    start[place] = at(part.attrs.start, axis);
    full[place] = before;
  }
  return b.add('slice', [b.reshape(whole.id, full)], { start, size: to });
}

/** The adjoint of windows of a part of a product is a part of the adjoint, if the part has all windows. */
export function unwindowBelowPart(b: GraphBuilder, node: NodeOf<'unwindow'>, part: Node): NodeId | undefined {
  if (part.op !== 'slice') return undefined;
  const whole = b.node(at(part.inputs, 0));
  if (whole.op !== 'reshape' || b.node(at(whole.inputs, 0)).op !== 'contract') return undefined;
  const { axis } = node.attrs;
  const all = (i: number): boolean => part.type.shape[i] === whole.type.shape[i];
  const last = part.type.shape.length - 1;
  if (!all(axis) || !all(last)) return undefined;
  const start = part.attrs.start.slice(0, last);
  return b.add('slice', [b.add('unwindow', [whole.id], node.attrs)], { start, size: node.type.shape });
}

/** A part of a product that has axes of a single element, without them. */
export function partBelowSingles(b: GraphBuilder, { attrs, type }: NodeOf<'slice'>, operand: Node): NodeId | undefined {
  const below = belowSingles(b, operand);
  if (!below || b.node(below.x).op !== 'contract') return undefined;
  const start = below.kept.map((i) => at(attrs.start, i));
  const size = below.kept.map((i) => at(attrs.size, i));
  return b.reshape(b.add('slice', [below.x], { start, size }), type.shape);
}

/** A product with windows as its last axis that only one operand has, whose places only the other one has. */
interface WindowedProduct {
  readonly labels: { readonly moving: string; readonly fixed: string; readonly out: string };
  /** The label of the places, and of the elements of a window. */
  readonly place: string;
  readonly inside: string;
  /** The operand that has the places, and the one that has the windows: a convolution's cotangent and its kernel. */
  readonly x: NodeId;
  readonly w: NodeId;
}

function windowedProduct(product: Node, axis: number): WindowedProduct | undefined {
  if (product.op !== 'contract') return undefined;
  const l = contractLabels(product.attrs.spec);
  const [place, inside] = [at([...l.out], axis), at([...l.out], l.out.length - 1)];
  const within = (labels: string): boolean => labels.includes(place) && !labels.includes(inside);
  const swap = !within(l.a);
  const [moving, fixed] = swap ? [l.b, l.a] : [l.a, l.b];
  if (!within(moving) || fixed.includes(place) || !fixed.includes(inside)) return undefined;
  const [x, w] = swap ? [at(product.inputs, 1), at(product.inputs, 0)] : [at(product.inputs, 0), at(product.inputs, 1)];
  return { labels: { moving, fixed, out: l.out }, place, inside, x, w };
}

/** The windows of a value that is padded with zeros along one axis. */
function paddedWindows(
  b: GraphBuilder,
  x: NodeId,
  axis: number,
  size: number,
  [low, high]: readonly [number, number],
  dilation: number,
): NodeId {
  const around = (by: number): number[] => b.shape(x).map((_, i) => (i === axis ? by : 0));
  const padded = low + high > 0 ? b.add('pad', [x], { low: around(low), high: around(high), value: 0 }) : x;
  return b.add('window', [padded], { axis, size, stride: 1, dilation });
}

/**
 * The adjoint of sliding windows of a product is a product of sliding windows: the gradient of a convolution's input is a convolution of
 * the padded cotangent with the flipped kernel, and needs no memory for the windows.
 */
export function productOfWindows(b: GraphBuilder, node: NodeOf<'unwindow'>, product: Node): NodeId | undefined {
  const { axis, length, stride, dilation } = node.attrs;
  const found = stride === 1 ? windowedProduct(product, axis) : undefined;
  if (!found) return undefined;
  const { x, w, inside, place } = found;
  const { moving, fixed, out } = found.labels;
  const [from, within] = [moving.indexOf(place), fixed.indexOf(inside)];
  const size = b.shape(w)[within] as number;
  const around = dilation * (size - 1);
  const windows = paddedWindows(b, x, from, size, [around, around], dilation);
  if (b.shape(windows)[from] !== length) return undefined;
  const turned = b.add('flip', [w], { axes: [within] });
  return b.contract(`${moving}${inside},${fixed}->${out.slice(0, -1)}`, windows, turned);
}

/**
 * The same for windows with a stride: element s q + r of the result is a sum of the elements s j + r of windows, so that there are s convolutions
 * with a stride of 1, one for each r, side by side. The kernel is filled up with zeros to a multiple of s.
 */
export function productOfStridedWindows(b: GraphBuilder, node: NodeOf<'unwindow'>, product: Node): NodeId | undefined {
  const { axis, length, stride, dilation } = node.attrs;
  const found = stride > 1 && dilation === 1 ? windowedProduct(product, axis) : undefined;
  if (!found) return undefined;
  const { x, w, inside, place } = found;
  const { moving, fixed, out } = found.labels;
  const [from, within] = [moving.indexOf(place), fixed.indexOf(inside)];
  const size = b.shape(w)[within] as number;
  const phase = [...'abcdefghijklmnopqrstuvwxyz'].find((c) => !(moving + fixed).includes(c));
  // Windows that do not overlap have nothing to add up.
  if (size <= stride || phase === undefined) return undefined;
  const [sums, results] = [Math.ceil(size / stride), Math.ceil(length / stride)];
  const places = b.shape(x)[from] as number;
  const windows = paddedWindows(b, x, from, sums, [sums - 1, results - places], 1);
  const rest = b.shape(w).map((_, i) => (i === within ? sums * stride - size : 0));
  const filled = b.add('pad', [w], { low: rest.map(() => 0), high: rest, value: 0 });
  const split = b.reshape(
    filled,
    b.shape(filled).flatMap((d, i) => (i === within ? [sums, stride] : [d])),
  );
  const turned = b.add('flip', [split], { axes: [within] });
  const kernel = fixed.replace(inside, inside + phase);
  const sidewise = b.contract(`${moving}${inside},${kernel}->${out.slice(0, -1).replace(place, place + phase)}`, windows, turned);
  const whole = b.reshape(
    sidewise,
    node.type.shape.map((d, i) => (i === axis ? results * stride : d)),
  );
  if (results * stride === length) return whole;
  return b.add('slice', [whole], { start: node.type.shape.map(() => 0), size: node.type.shape });
}

/** A slice of a product of windows is the product of a slice of the windows, since the rest is not needed. */
export function partOfProduct(b: GraphBuilder, node: NodeOf<'slice'>, product: Node): NodeId | undefined {
  if (product.op !== 'contract' || !product.inputs.some((i) => b.node(i).op === 'window')) return undefined;
  const l = contractLabels(product.attrs.spec);
  const part = (id: NodeId, labels: string): NodeId => {
    const at0 = (c: string): number => l.out.indexOf(c);
    const start = [...labels].map((c) => (at0(c) < 0 ? 0 : at(node.attrs.start, at0(c))));
    const size = [...labels].map((c, i) => (at0(c) < 0 ? (b.shape(id)[i] as Dim) : (node.attrs.size[at0(c)] as Dim)));
    return b.add('slice', [id], { start, size });
  };
  return b.contract(product.attrs.spec, part(at(product.inputs, 0), l.a), part(at(product.inputs, 1), l.b));
}

/** Adjacent windows cover every element once, so their adjoint only reorders elements. */
export function windowsSideBySide(b: GraphBuilder, node: NodeOf<'unwindow'>, x: NodeId): NodeId | undefined {
  const { axis, length, stride, dilation } = node.attrs;
  const shape = b.shape(x);
  const size = shape[shape.length - 1] as number;
  const places = shape[axis];
  if (stride !== size || dilation !== 1 || typeof places !== 'number') return undefined;
  const last = shape.length - 1;
  const perm = [...Array.from({ length: axis + 1 }, (_, i) => i), last, ...Array.from({ length: last - axis - 1 }, (_, i) => axis + 1 + i)];
  const joined = shape.slice(0, last).map((d, i) => (i === axis ? places * size : d));
  const ordered = b.reshape(b.permute(x, perm), joined);
  const rest = length - places * size;
  if (rest === 0) return ordered;
  return b.add('pad', [ordered], { low: joined.map(() => 0), high: joined.map((_, i) => (i === axis ? rest : 0)), value: 0 });
}

/** A part of sliding windows is the windows of a part, so that what is padded for the rest is not needed. */
export function windowsOfPart(b: GraphBuilder, { attrs: { start, size } }: NodeOf<'slice'>, windows: Node): NodeId | undefined {
  if (windows.op !== 'window') return undefined;
  const { axis, stride, dilation, size: inside } = windows.attrs;
  const last = start.length - 1;
  if (start[last] !== 0 || size[last] !== inside) return undefined;
  const places = at(size, axis);
  if (typeof places !== 'number') return undefined;
  const from = start.slice(0, last).map((s, i) => (i === axis ? s * stride : s));
  const extents = size.slice(0, last).map((n, i) => (i === axis ? (places - 1) * stride + dilation * (inside - 1) + 1 : n));
  const part = b.add('slice', [at(windows.inputs, 0)], { start: from, size: extents });
  return b.add('window', [part], windows.attrs);
}

/** A part of padded values that has all of them needs less padding. */
export function lessPadding(b: GraphBuilder, { attrs: { start, size } }: NodeOf<'slice'>, padded: Node): NodeId | undefined {
  if (padded.op !== 'pad') return undefined;
  const { low, high, value } = padded.attrs;
  const cut = padded.type.shape.map((d, i) => (d === size[i] ? 0 : typeof d === 'number' ? d - (size[i] as number) - at(start, i) : NaN));
  if (!start.every((s, i) => s <= at(low, i)) || !cut.every((c, i) => c <= at(high, i))) return undefined;
  return b.add('pad', [at(padded.inputs, 0)], {
    low: low.map((l, i) => l - at(start, i)),
    high: high.map((h, i) => h - at(cut, i)),
    value,
  });
}

/** Padding the axes beside a window can move below it, and two paddings join into one. */
export function padBelow(b: GraphBuilder, node: NodeOf<'pad'>, inner: Node): NodeId | undefined {
  const { low, high, value } = node.attrs;
  if (inner.op === 'pad' && inner.attrs.value === value) {
    const sum = (x: readonly number[], y: readonly number[]): number[] => x.map((v, i) => v + at(y, i));
    return b.add('pad', inner.inputs, { low: sum(inner.attrs.low, low), high: sum(inner.attrs.high, high), value });
  }
  if (inner.op !== 'window') return undefined;
  const { axis } = inner.attrs;
  const padded = (i: number): boolean => at(low, i) > 0 || at(high, i) > 0;
  if (padded(axis) || padded(low.length - 1)) return undefined;
  const below = b.add('pad', inner.inputs, { low: low.slice(0, -1), high: high.slice(0, -1), value });
  return b.add('window', [below], inner.attrs);
}
