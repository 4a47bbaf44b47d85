import { at } from '../../base/errors.ts';
import { transposed, type Matrix } from '../../base/matrix.ts';
import { count, fixedDim, sameShape } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { Graph, NodeId } from '../../ir/graph/types.ts';
import { convolution, type Convolution } from './convolution.ts';
import { rebuild } from './rewrite.ts';
import { lengthOf, productsOf, schemesFor, type Scheme } from './winograd-schemes.ts';

/**
 * Convolutions with a stride of 1, and gradients of their weights, by fewer products, where there are so many channels that this outweighs the
 * sums before and after them. All that is made is stored with the channels last, so that every kernel goes through memory in order.
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
const examplesOf = (c: Convolution): readonly number[] => [...c.examples].map(c.extent);

/** The most numbers that may be stored for it: 256 MB. */
const LARGEST = 2 ** 26;

/** What is done beside products is taken to be so much more than measured, since machines differ. */
const MARGIN = 1.15;

/** The scheme with the least work, if that is less than the products of whole windows. */
function cheapest(c: Convolution): Scheme | undefined {
  const [channels, others] = [c.extent(c.channel), c.extent(c.other)];
  const axes = c.places.length;
  const weights = channels * others;
  const whole = c.size ** axes * count([...examplesOf(c), ...[...c.places].map(c.extent)]) * weights;
  let best: { readonly scheme: Scheme | undefined; readonly work: number } = { scheme: undefined, work: whole };
  for (const scheme of schemesFor(c.size, axes)) {
    const tiles = count([...examplesOf(c), ...tilesOf(c, scheme)]);
    const { x, y, weight, product } = c.gradient ? scheme.costs.gradient : scheme.costs.forward;
    const products = productsOf(scheme, axes);
    if (products * tiles * Math.max(channels, others) > LARGEST) continue;
    const beside = tiles * (x * channels + y * others) + weight * weights;
    const work = products * (product * tiles * weights + MARGIN * beside);
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

const upTo = (n: number): readonly number[] => Array.from({ length: n }, (_, i) => i);

/** M x M^T along the first axes, stored. */
const mixed = (b: GraphBuilder, x: NodeId, axes: number, matrix: Matrix): NodeId =>
  b.op('detach', b.add('mix', [x], { axes: upTo(axes), matrix }));

/**
 * The transformed tiles of x: [products, tiles, channels]. The gradient of the kernel makes them again, since to keep them would take more memory than
 * anything else.
 */
function inputTiles(b: GraphBuilder, c: Convolution, f: Scheme): NodeId {
  const [tiles, axes] = [tilesOf(c, f), c.places.length];
  const order = c.examples + c.places + c.channel;
  const first = c.examples.length;
  const lengths = tiles.map((t) => f.results * t + f.size - 1);
  const x = copied(b, c, c.x, [c.labels.x, order], lengths);
  const windows = tiles.reduce(
    (id, _, i) => b.add('window', [id], { axis: first + i, size: lengthOf(f), stride: f.results, dilation: 1 }),
    x,
  );
  const rank = order.length;
  const inFront = b.permute(windows, [...upTo(axes).map((i) => rank + i), ...upTo(rank)]);
  return b.reshape(mixed(b, inFront, axes, f.input), [productsOf(f, axes), count([...examplesOf(c), ...tiles]), c.extent(c.channel)]);
}

/** Every tile's products with the transformed kernel, transformed back. */
function convolved(b: GraphBuilder, c: Convolution, f: Scheme): NodeId {
  const { inside, channel, other, places, examples } = c;
  const [tiles, axes, n] = [tilesOf(c, f), places.length, examples.length];
  const kernel = b.permute(
    c.y,
    [...(inside + channel + other)].map((label) => c.labels.y.indexOf(label)),
  );
  const flat = b.reshape(mixed(b, kernel, axes, f.kernel), [productsOf(f, axes), c.extent(channel), c.extent(other)]);
  const products = b.contract('ptc,pco->pto', inputTiles(b, c, f), flat);
  const shape = [...upTo(axes).map(() => lengthOf(f)), ...examplesOf(c), ...tiles, c.extent(other)];
  const results = mixed(b, b.reshape(products, shape), axes, f.result);
  // Axes: inside the tile, examples, tiles, channels.
  const apart = b.permute(results, [...upTo(n).map((i) => axes + i), ...upTo(axes).flatMap((i) => [axes + n + i, i]), axes + n + axes]);
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
  const { inside, channel, other, places, examples } = c;
  const [tiles, axes, n] = [tilesOf(c, f), places.length, examples.length];
  const order = examples + places + other;
  const y = copied(
    b,
    c,
    c.y,
    [c.labels.y, order],
    tiles.map((t) => f.results * t),
  );
  const apart = b.reshape(y, [...examplesOf(c), ...tiles.flatMap((t) => [t, f.results]), c.extent(other)]);
  const inFront = b.permute(apart, [
    ...upTo(axes).map((i) => n + 2 * i + 1),
    ...upTo(n),
    ...upTo(axes).map((i) => n + 2 * i),
    n + 2 * axes,
  ]);
  const cotangents = b.reshape(mixed(b, inFront, axes, transposed(f.result)), [
    productsOf(f, axes),
    count([...examplesOf(c), ...tiles]),
    c.extent(other),
  ]);
  const products = b.contract('pto,ptc->poc', cotangents, inputTiles(b, c, f));
  const gradient = b.add('mix', [b.reshape(products, [...upTo(axes).map(() => lengthOf(f)), c.extent(other), c.extent(channel)])], {
    axes: upTo(axes),
    matrix: transposed(f.kernel),
  });
  // Stored in the order of the result, which is then a part of the vector of gradients without another copy.
  return b.op(
    'detach',
    b.permute(
      gradient,
      [...c.labels.out].map((label) => (inside + other + channel).indexOf(label)),
    ),
  );
}
