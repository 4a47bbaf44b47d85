import { at } from '../../base/errors.ts';
import { fixedShape } from '../../base/types.ts';
import { contractLabels } from '../../ir/graph/contract.ts';
import { isView } from '../../ir/graph/ops.ts';
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
export function packWeights(graph: Graph): Graph {
  const slides = (id: NodeId): boolean => {
    const node = at(graph.nodes, id);
    return node.op === 'window' || (isView(node) && slides(at(node.inputs, 0)));
  };
  return rebuild(graph, (node, inputs, b) => {
    if (node.op !== 'contract') return undefined;
    const sliding = node.inputs.map(slides);
    if (sliding[0] === sliding[1]) return undefined;
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

/** How often a product reads each weight: once for each element of the result along axes that the weights lack. */
function reads(node: NodeOf<'contract'>, own: string): number {
  const { out } = contractLabels(node.attrs.spec);
  const shape = fixedShape(node.type.shape);
  return [...out].reduce((n, c, i) => (own.includes(c) ? n : n * at(shape, i)), 1);
}
