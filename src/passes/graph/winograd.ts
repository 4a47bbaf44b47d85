import { at } from '../../base/errors.ts';
import { transposed, type Matrix } from '../../base/matrix.ts';
import { fixedDim, sameShape } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { Graph, NodeId } from '../../ir/graph/types.ts';
import { convolution, type Convolution } from './convolution.ts';
import { rebuild } from './rewrite.ts';
import { SCHEMES, lengthOf, productsOf, type Scheme } from './winograd-schemes.ts';

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

const tilesOf = (c: Convolution, f: Scheme): readonly number[] => [...c.places].map((label) => Math.ceil(c.extent(label) / f.results));
const productOf = (extents: readonly number[]): number => extents.reduce((a, d) => a * d, 1);
const examplesOf = (c: Convolution): readonly number[] => [...c.examples].map(c.extent);

/** The most numbers that may be stored for it: 256 MB. */
const LARGEST = 2 ** 26;

/** What is done beside products is taken to be so much more than measured, since machines differ. */
const MARGIN = 1.15;

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
    const work = product * productsOf(scheme) * tiles * weights + MARGIN * (tiles * (x * channels + y * others) + weight * weights);
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
const mixed = (b: GraphBuilder, x: NodeId, matrix: Matrix): NodeId => b.op('detach', b.add('mix', [x], { axes: [0, 1], matrix }));

/**
 * The transformed tiles of x: [products, tiles, channels]. The gradient of the kernel makes them again, since to keep them would take more memory than
 * anything else.
 */
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
  const order = inside + other + channel;
  // Stored in the order of the result, which is then a part of the vector of gradients without another copy.
  return b.op(
    'detach',
    b.permute(
      gradient,
      [...c.labels.out].map((label) => order.indexOf(label)),
    ),
  );
}
