import { at } from '../../base/errors.ts';
import { fixedShape } from '../../base/types.ts';
import { contractLabels } from '../../ir/graph/contract.ts';
import { baseOf, isView } from '../../ir/graph/ops.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { Graph, NodeId, NodeOf } from '../../ir/graph/types.ts';
import { rebuild } from './rewrite.ts';

/** A weight is read so many times at least by each product, or a copy of it does not pay. */
const WORTH_READS = 64;

/** Results with a shorter last axis have no vectors along it. */
const NARROW = 4;

/**
 * Weights of convolutions are copied with the channels of the result last, once a step: then neighbouring results read neighbouring weights,
 * as vectors. The weights themselves stay in PyTorch's order. Results whose last axis is narrow and comes from the weights (the phases of strided
 * windows) have all such axes last, as one.
 */
export function packWeights(graph: Graph, processor = false): Graph {
  const slides = (id: NodeId): boolean => {
    const node = at(graph.nodes, id);
    return node.op === 'window' || (isView(node) && slides(at(node.inputs, 0)));
  };
  return rebuild(graph, (node, inputs, b) => {
    if (node.op !== 'contract') return undefined;
    const sliding = node.inputs.map(slides);
    if (sliding[0] === sliding[1]) return processor && !sliding[0] ? turned(graph, node, inputs, b) : undefined;
    const mine = sliding[0] ? 1 : 0;
    const l = contractLabels(node.attrs.spec);
    const [own, other] = mine === 1 ? [l.b, l.a] : [l.a, l.b];
    const weights = at(inputs, mine);
    const extents = fixedShape(b.shape(weights));
    const extent = (c: string): number => at(extents, own.indexOf(c));
    const free = [...own].filter((c) => l.out.includes(c) && !other.includes(c));
    const end = l.out.slice(-1);
    const narrow = free.includes(end) && extent(end) < NARROW;
    const wide = narrow ? free : free.filter((c) => extent(c) % 4 === 0).slice(0, 1);
    const size = wide.reduce((n, c) => n * extent(c), 1);
    const [first] = wide;
    if (first === undefined || size % 4 > 0 || (!narrow && own.endsWith(first)) || reads(node, own) < WORTH_READS) return undefined;
    const before = [...own].filter((c) => !wide.includes(c));
    const ordered = b.permute(
      weights,
      [...before, ...wide].map((c) => own.indexOf(c)),
    );
    const copy = b.op('detach', b.reshape(ordered, [...before.map(extent), size]));
    const labels = before.join('') + first;
    const product = (out: string): NodeId =>
      mine === 1
        ? b.contract(`${l.a},${labels}->${out}`, at(inputs, 0), copy)
        : b.contract(`${labels},${l.b}->${out}`, copy, at(inputs, 1));
    if (!narrow) return product(l.out);
    const rows = [...l.out].filter((c) => !wide.includes(c));
    const joined = product(rows.join('') + first);
    const apart = b.reshape(joined, [...b.shape(joined).slice(0, -1), ...wide.map(extent)]);
    return b.permute(
      apart,
      [...l.out].map((c) => [...rows, ...wide].indexOf(c)),
    );
  });
}

/** So many rows at least, and at most so many terms, or a product runs as fast with the weights as they are. */
const MANY_ROWS = 256;
const FEW_TERMS = 256;

/** A product with weights [out, in], such as that of `Linear`, with a copy of them as [in, out]: then it reads vectors of weights. */
function turned(graph: Graph, node: NodeOf<'contract'>, inputs: readonly NodeId[], b: GraphBuilder): NodeId | undefined {
  const l = contractLabels(node.attrs.spec);
  for (const [mine, own, other] of [
    [0, l.a, l.b],
    [1, l.b, l.a],
  ] as const) {
    const [results, terms] = [...own];
    const base = at(graph.nodes, baseOf(graph, at(node.inputs, mine)));
    if (base.op !== 'state' || own.length !== 2 || results === undefined || terms === undefined) continue;
    const [n = 0, depth = 0] = fixedShape(b.shape(at(inputs, mine)));
    const summed = !l.out.includes(terms) && other.endsWith(terms) && l.out.endsWith(results) && !other.includes(results);
    if (!summed || n % 4 > 0 || depth > FEW_TERMS || reads(node, own) < MANY_ROWS) continue;
    const copy = b.op('detach', b.permute(at(inputs, mine), [1, 0]));
    return b.contract(`${other},${terms}${results}->${l.out}`, at(inputs, 1 - mine), copy);
  }
  return undefined;
}

/** How often a product reads each weight: once for each element of the result along axes that the weights lack. */
function reads(node: NodeOf<'contract'>, own: string): number {
  const { out } = contractLabels(node.attrs.spec);
  const shape = fixedShape(node.type.shape);
  return [...out].reduce((n, c, i) => (own.includes(c) ? n : n * at(shape, i)), 1);
}
