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
 * windows) have their channels last, too.
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
    const shape = fixedShape(b.shape(at(inputs, mine)));
    const axis = [...own].findIndex((c, i) => l.out.includes(c) && !other.includes(c) && at(shape, i) % 4 === 0 && at(shape, i) > 1);
    const axes = [...own].map((_, i) => i);
    if (axis < 0 || axis === axes.length - 1 || reads(node, own) < WORTH_READS) return undefined;
    const perm = [...axes.filter((i) => i !== axis), axis];
    const copy = b.op('detach', b.permute(at(inputs, mine), perm));
    const labels = perm.map((i) => own[i]).join('');
    const narrow = own.includes(l.out.slice(-1)) && at(fixedShape(node.type.shape), l.out.length - 1) < NARROW;
    const channel = narrow ? at([...own], axis) : '';
    const out = l.out.replace(channel, '') + channel;
    const product =
      mine === 1
        ? b.contract(`${l.a},${labels}->${out}`, at(inputs, 0), copy)
        : b.contract(`${labels},${l.b}->${out}`, copy, at(inputs, 1));
    return b.permute(
      product,
      [...l.out].map((c) => out.indexOf(c)),
    );
  });
}

/** How often a product reads each weight: once for each element of the result along axes that the weights lack. */
function reads(node: NodeOf<'contract'>, own: string): number {
  const { out } = contractLabels(node.attrs.spec);
  const shape = fixedShape(node.type.shape);
  return [...out].reduce((n, c, i) => (own.includes(c) ? n : n * at(shape, i)), 1);
}
