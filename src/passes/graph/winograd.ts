import { at, get } from '../../base/errors.ts';
import { fixedDim, fixedShape, sameShape } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import { contractLabels } from '../../ir/graph/contract.ts';
import type { Graph, NodeId, NodeOf } from '../../ir/graph/types.ts';
import { rebuild } from './rewrite.ts';
import { SCHEMES, SURELY, lengthOf, productsOf, transposed, type Scheme } from './winograd-schemes.ts';

/**
 * Convolutions of 3 x 3 with a stride of 1, and gradients of their weights, by fewer products, where there are so many channels that this
 * outweighs the sums before and after them. All that is made is stored with the channels last, so that every kernel goes through memory in order.
 */
export function winograd(graph: Graph, choose: (c: Convolution) => Scheme | undefined = cheapest): Graph {
  return rebuild(graph, (node, inputs, b) => {
    if (node.op !== 'contract') return undefined;
    const found = convolution(b, node, inputs);
    const scheme = found && choose(found);
    return scheme && (found.gradient ? kernelGradient(b, found, scheme) : convolved(b, found, scheme));
  });
}

/** A product of windows of 3 x 3. */
interface Convolution {
  /** What the windows slide over, and the other operand: the kernel, or for its gradient the cotangent. */
  readonly x: NodeId;
  readonly y: NodeId;
  /** The labels of x, whose places are longer than those of the windows, of y, and of the result. */
  readonly labels: { readonly x: string; readonly y: string; readonly out: string };
  /** The labels of the examples, the two of the places and inside the windows, of the channels of x, and of those that only y has. */
  readonly examples: string;
  readonly places: string;
  readonly inside: string;
  readonly channel: string;
  readonly other: string;
  /** Whether it is the gradient of a kernel: a sum over examples and places. */
  readonly gradient: boolean;
  readonly extent: (label: string) => number;
}

function convolution(b: GraphBuilder, { attrs }: NodeOf<'contract'>, inputs: readonly NodeId[]): Convolution | undefined {
  const l = contractLabels(attrs.spec);
  const sliding = inputs.map((i) => windowsOf(b, i));
  const mine = sliding[0] ? 0 : 1;
  const found = sliding[mine];
  if (!found) return undefined;
  const [labels, others] = mine === 0 ? [l.a, l.b] : [l.b, l.a];
  const [windows, y] = [at(inputs, mine), at(inputs, 1 - mine)];
  const places = found.axes.map((axis) => at([...labels], axis)).join('');
  const inside = labels.slice(-2);
  const [gradient, forward] = [places, inside].map((summed) => [...summed].every((c) => others.includes(c) && !l.out.includes(c)));
  if (gradient === forward || gradient === undefined || ![...(gradient ? inside : places)].every((c) => l.out.includes(c)))
    return undefined;
  const own = [...labels.slice(0, -2)].filter((c) => !places.includes(c));
  // Of a convolution the channels are summed; of a kernel's gradient the examples.
  const summed = own.filter((c) => others.includes(c) && !l.out.includes(c));
  const kept = own.filter((c) => !others.includes(c) && l.out.includes(c));
  const [channel, ...channels] = gradient ? kept : summed;
  const [other, ...rest] = [...others].filter((c) => !labels.includes(c));
  if (summed.length + kept.length < own.length || channel === undefined || other === undefined) return undefined;
  if (channels.length > 0 || rest.length > 0 || !l.out.includes(other)) return undefined;
  const sizes = new Map<string, number>();
  for (const [text, id] of [
    [labels, windows],
    [others, y],
  ] as const)
    fixedShape(b.shape(id)).forEach((d, i) => sizes.set(at([...text], i), d));
  return {
    x: found.x,
    y,
    labels: { x: labels.slice(0, -2), y: others, out: l.out },
    examples: (gradient ? summed : kept).join(''),
    places,
    inside,
    channel,
    other,
    gradient,
    extent: (label) => get(sizes, label, 'label'),
  };
}

/** What windows of 3 x 3 with a stride of 1 slide over, and the axes of their places in the order of the axes inside. */
function windowsOf(b: GraphBuilder, id: NodeId): { readonly x: NodeId; readonly axes: readonly [number, number] } | undefined {
  const last = b.node(id);
  if (last.op === 'reshape') return withoutSingles(b, last);
  const first = last.op === 'window' ? b.node(at(last.inputs, 0)) : undefined;
  if (last.op !== 'window' || first?.op !== 'window') return undefined;
  const small = ({ attrs }: NodeOf<'window'>): boolean => attrs.size === 3 && attrs.stride === 1 && attrs.dilation === 1;
  if (!small(first) || !small(last) || last.attrs.axis === first.type.shape.length - 1) return undefined;
  return { x: at(first.inputs, 0), axes: [first.attrs.axis, last.attrs.axis] };
}

/** The same below a reshape that only leaves out axes of a single element. */
function withoutSingles(b: GraphBuilder, reshape: NodeOf<'reshape'>): ReturnType<typeof windowsOf> {
  const below = at(reshape.inputs, 0);
  const shape = b.shape(below);
  const kept = shape.flatMap((d, i) => (d === 1 ? [] : [i]));
  const found = b.node(below).op === 'window' ? windowsOf(b, below) : undefined;
  if (
    !found ||
    !sameShape(
      kept.map((i) => at(shape, i)),
      reshape.type.shape,
    )
  )
    return undefined;
  const [p, q] = found.axes.map((axis) => kept.indexOf(axis));
  if (p === undefined || q === undefined || p < 0 || q < 0) return undefined;
  const own = b.shape(found.x);
  return {
    x: b.reshape(
      found.x,
      kept.slice(0, -2).map((i) => at(own, i)),
    ),
    axes: [p, q],
  };
}

const tilesOf = (c: Convolution, f: Scheme): readonly number[] => [...c.places].map((label) => Math.ceil(c.extent(label) / f.results));
const productOf = (extents: readonly number[]): number => extents.reduce((a, d) => a * d, 1);
const examplesOf = (c: Convolution): readonly number[] => [...c.examples].map(c.extent);

/** The most numbers that may be stored for it: 256 MB. */
const LARGEST = 2 ** 26;

/** The scheme with the least work, if that is less than the products of whole windows. */
function cheapest(c: Convolution): Scheme | undefined {
  const [channels, others] = [c.extent(c.channel), c.extent(c.other)];
  const weights = channels * others;
  const whole = 9 * productOf([...examplesOf(c), ...[...c.places].map(c.extent)]) * weights;
  let best: { readonly scheme: Scheme | undefined; readonly work: number } = { scheme: undefined, work: whole };
  for (const scheme of SCHEMES) {
    const tiles = productOf([...examplesOf(c), ...tilesOf(c, scheme)]);
    const { x, y, weight, product } = c.gradient ? scheme.costs.gradient : scheme.costs.forward;
    if (productsOf(scheme) * tiles * Math.max(channels, others) > LARGEST) continue;
    const work = product * productsOf(scheme) * tiles * weights + SURELY * (tiles * (x * channels + y * others) + weight * weights);
    if (work < best.work) best = { scheme, work };
  }
  return best.scheme;
}

/** A copy with the axes in this order, filled up with zeros at the ends of the places to these lengths. */
function copied(
  b: GraphBuilder,
  c: Convolution,
  id: NodeId,
  [labels, order]: readonly [string, string],
  lengths: readonly number[],
): NodeId {
  const high = [...labels].map((label, i) =>
    c.places.includes(label) ? at(lengths, c.places.indexOf(label)) - fixedDim(at(b.shape(id), i)) : 0,
  );
  const low = high.map(() => 0);
  const filled = high.some((h) => h > 0) ? b.add('pad', [id], { low, high, value: 0 }) : id;
  const ordered = b.permute(
    filled,
    [...order].map((label) => labels.indexOf(label)),
  );
  return b.op('detach', ordered);
}

/** The last two axes first. */
const tilesFirst = (b: GraphBuilder, id: NodeId): NodeId => {
  const rank = b.shape(id).length;
  return b.permute(id, [rank - 2, rank - 1, ...Array.from({ length: rank - 2 }, (_, i) => i)]);
};

/** M x M^T along the first two axes, stored. */
const mixed = (b: GraphBuilder, x: NodeId, matrix: readonly (readonly number[])[]): NodeId =>
  b.op('detach', b.add('mix', [x], { axes: [0, 1], matrix }));

/** The transformed tiles of x: [products, tiles, channels]. */
function inputTiles(b: GraphBuilder, c: Convolution, f: Scheme): NodeId {
  const tiles = tilesOf(c, f);
  const order = c.examples + c.places + c.channel;
  const first = c.examples.length;
  const x = copied(
    b,
    c,
    c.x,
    [c.labels.x, order],
    tiles.map((t) => f.results * t + 2),
  );
  const windows = tiles.reduce(
    (id, _, i) => b.add('window', [id], { axis: first + i, size: lengthOf(f), stride: f.results, dilation: 1 }),
    x,
  );
  return b.reshape(mixed(b, tilesFirst(b, windows), f.input), [
    productsOf(f),
    productOf([...examplesOf(c), ...tiles]),
    c.extent(c.channel),
  ]);
}

/** Every tile's products with the transformed kernel, transformed back. */
function convolved(b: GraphBuilder, c: Convolution, f: Scheme): NodeId {
  const tiles = tilesOf(c, f);
  const { inside, channel, other, places, examples } = c;
  const kernel = b.permute(
    c.y,
    [...(inside + channel + other)].map((label) => c.labels.y.indexOf(label)),
  );
  const flat = b.reshape(mixed(b, kernel, f.kernel), [productsOf(f), c.extent(channel), c.extent(other)]);
  const products = b.contract('ptc,pco->pto', inputTiles(b, c, f), flat);
  const shape = [...examplesOf(c), ...tiles, c.extent(other)];
  const results = mixed(b, b.reshape(products, [lengthOf(f), lengthOf(f), ...shape]), f.result);
  // Axes: inside the tile, examples, tiles, channels.
  const n = examples.length;
  const apart = b.permute(results, [...Array.from({ length: n }, (_, i) => 2 + i), 2 + n, 0, 3 + n, 1, 4 + n]);
  const whole = b.reshape(apart, [...examplesOf(c), ...tiles.map((t) => f.results * t), c.extent(other)]);
  const order = examples + places + other;
  const size = [...order].map(c.extent);
  const part = sameShape(b.shape(whole), size) ? whole : b.add('slice', [whole], { start: size.map(() => 0), size });
  return b.permute(
    part,
    [...c.labels.out].map((label) => order.indexOf(label)),
  );
}

/** The gradient of the kernel: G^T ((A dy A^T) * (B^T d B)) G, summed over all tiles. */
function kernelGradient(b: GraphBuilder, c: Convolution, f: Scheme): NodeId {
  const tiles = tilesOf(c, f);
  const { inside, channel, other, places, examples } = c;
  const n = examples.length;
  const y = copied(
    b,
    c,
    c.y,
    [c.labels.y, examples + places + other],
    tiles.map((t) => f.results * t),
  );
  const apart = b.reshape(y, [...examplesOf(c), ...tiles.flatMap((t) => [t, f.results]), c.extent(other)]);
  const first = b.permute(apart, [n + 1, n + 3, ...Array.from({ length: n }, (_, i) => i), n, n + 2, n + 4]);
  const cotangents = b.reshape(mixed(b, first, transposed(f.result)), [
    productsOf(f),
    productOf([...examplesOf(c), ...tiles]),
    c.extent(other),
  ]);
  const products = b.contract('pto,ptc->poc', cotangents, inputTiles(b, c, f));
  const gradient = b.add('mix', [b.reshape(products, [lengthOf(f), lengthOf(f), c.extent(other), c.extent(channel)])], {
    axes: [0, 1],
    matrix: transposed(f.kernel),
  });
  // Stored as the gradient lies in its vector.
  const order = inside + other + channel;
  return b.op(
    'detach',
    b.permute(
      gradient,
      [...c.labels.out].map((label) => order.indexOf(label)),
    ),
  );
}
