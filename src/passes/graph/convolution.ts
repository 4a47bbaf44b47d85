import { at, get } from '../../base/errors.ts';
import { fixedShape, sameShape } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import { contractLabels } from '../../ir/graph/contract.ts';
import type { Node, NodeId, NodeOf } from '../../ir/graph/types.ts';

/** A product of windows with a stride of 1 that is a convolution, or the gradient of its kernel. */
export interface Convolution {
  /** What the windows slide over, and the other operand: the kernel, or for its gradient the cotangent. */
  readonly x: NodeId;
  readonly y: NodeId;
  /** The labels of x, whose places are longer than those of the windows, of y, and of the result. */
  readonly labels: { readonly x: string; readonly y: string; readonly out: string };
  /** The labels of the examples, of the places, inside the windows, of the channels of x, and of those that only y has. */
  readonly examples: string;
  readonly places: string;
  readonly inside: string;
  readonly channel: string;
  readonly other: string;
  /** The size of the windows along each axis. */
  readonly size: number;
  /** Whether it is the gradient of a kernel: a sum over examples and places. */
  readonly gradient: boolean;
  readonly extent: (label: string) => number;
}

const sameLabels = (a: string, b: string): boolean => [...a].sort().join('') === [...b].sort().join('');

/** What a product is a convolution of; undefined if it is none. */
export function convolution(b: GraphBuilder, { attrs }: NodeOf<'contract'>, inputs: readonly NodeId[]): Convolution | undefined {
  const l = contractLabels(attrs.spec);
  const sliding = inputs.map((i) => windowsOf(b, i));
  const mine = sliding[0] ? 0 : 1;
  const found = sliding[mine];
  if (!found) return undefined;
  const [windows, y] = mine === 0 ? [l.a, l.b] : [l.b, l.a];
  const places = found.axes.map((axis) => at([...windows], axis)).join('');
  const inside = windows.slice(-places.length);
  const own = [...windows.slice(0, -places.length)].filter((c) => !places.includes(c));
  const other = [...y].filter((c) => !windows.includes(c)).join('');
  if (other.length !== 1) return undefined;
  for (const gradient of [false, true]) {
    // A convolution sums over the channels, and the gradient of its kernel has them.
    const channel = own.filter((c) => y.includes(c) !== gradient && l.out.includes(c) === gradient).join('');
    const examples = own.filter((c) => c !== channel).join('');
    const [kernel, result] = [inside + channel + other, examples + places + other];
    const [second, out] = gradient ? [result, kernel] : [kernel, result];
    if (channel.length !== 1 || !sameLabels(y, second) || !sameLabels(l.out, out)) continue;
    const extents = new Map<string, number>();
    inputs.forEach((id, i) => fixedShape(b.shape(id)).forEach((d, k) => extents.set(at([...(i === 0 ? l.a : l.b)], k), d)));
    return {
      x: found.x(),
      y: at(inputs, 1 - mine),
      labels: { x: windows.slice(0, -places.length), y, out: l.out },
      examples,
      places,
      inside,
      channel,
      other,
      size: found.size,
      gradient,
      extent: (label) => get(extents, label, 'label'),
    };
  }
  return undefined;
}

/** What windows slide over, their size, and the axes of their places in the order of the axes inside. */
interface Sliding {
  readonly x: () => NodeId;
  readonly size: number;
  readonly axes: readonly number[];
}

/** Windows of one size with a stride of 1 along some axes, also below a reshape that only leaves out axes of a single element. */
function windowsOf(b: GraphBuilder, id: NodeId): Sliding | undefined {
  const top = b.node(id);
  const last = top.op === 'reshape' ? b.node(at(top.inputs, 0)) : top;
  const windows: NodeOf<'window'>[] = [];
  const goesOn = (n: Node): n is NodeOf<'window'> =>
    n.op === 'window' && n.attrs.stride === 1 && n.attrs.dilation === 1 && n.attrs.size === (windows[0] ?? n).attrs.size;
  let below: Node = last;
  while (goesOn(below)) {
    windows.unshift(below);
    below = b.node(at(below.inputs, 0));
  }
  const [first] = windows;
  const axes = windows.map((w) => w.attrs.axis);
  const x = below.id;
  const rank = b.shape(x).length;
  // The axes inside other windows are none of x.
  if (!first || new Set(axes).size < axes.length || axes.some((axis) => axis >= rank)) return undefined;
  const { size } = first.attrs;
  if (top === last) return { x: () => x, size, axes };
  const kept = last.type.shape.flatMap((d, i) => (d === 1 ? [] : [i]));
  const left = kept.map((i) => at(last.type.shape, i));
  if (!sameShape(left, top.type.shape) || !axes.every((axis) => kept.includes(axis))) return undefined;
  const shape = kept.slice(0, -axes.length).map((i) => at(b.shape(x), i));
  return { x: () => b.reshape(x, shape), size, axes: axes.map((axis) => kept.indexOf(axis)) };
}
