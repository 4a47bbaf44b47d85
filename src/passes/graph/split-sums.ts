import { at } from '../../base/errors.ts';
import { count, fixedShape } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import { contractLabels } from '../../ir/graph/contract.ts';
import type { Graph, NodeId, NodeOf } from '../../ir/graph/types.ts';
import { rebuild } from './rewrite.ts';

/** Products with fewer results leave most of a device idle ... */
const FEW_RESULTS = 8192;
/** ... and are worth a second kernel if each result sums this many terms. */
const LONG_SUM = 2048;
/** The most partial sums per result. */
const MOST_PARTS = 16;

/**
 * Splits long sums with few results, such as gradients of small weights, into parts that are computed in parallel and then added in a fixed
 * order.
 */
export function splitSums(graph: Graph): Graph {
  return rebuild(graph, (node, inputs, b) => (node.op === 'contract' ? split(b, node, inputs) : undefined));
}

function split(b: GraphBuilder, node: NodeOf<'contract'>, inputs: readonly NodeId[]): NodeId | undefined {
  const l = contractLabels(node.attrs.spec);
  const [x, y] = [at(inputs, 0), at(inputs, 1)];
  const results = count(node.type.shape);
  const extent = (c: string): number => fixedShape(b.shape(x))[l.a.indexOf(c)] ?? 1;
  const summed = [...l.a].filter((c) => !l.out.includes(c) && l.b.includes(c));
  if (results >= FEW_RESULTS || summed.reduce((n, c) => n * extent(c), 1) < LONG_SUM) return undefined;
  const long = summed.find((c) => extent(c) >= 4);
  const label = [...'abcdefghijklmnopqrstuvwxyz'].find((c) => !(l.a + l.b + l.out).includes(c));
  if (long === undefined || label === undefined) return undefined;
  const sizes = [MOST_PARTS, 8, 4, 2].filter((n) => extent(long) % n === 0 && n < extent(long));
  const parts = sizes.find((n) => n * results <= 8 * FEW_RESULTS) ?? 1;
  if (parts === 1) return undefined;
  const cut = (id: NodeId, labels: string): NodeId =>
    b.reshape(
      id,
      fixedShape(b.shape(id)).flatMap((d, i) => (labels[i] === long ? [parts, d / parts] : [d])),
    );
  const marked = (labels: string): string => labels.replace(long, label + long);
  const partial = b.contract(`${marked(l.a)},${marked(l.b)}->${label}${l.out}`, cut(x, l.a), cut(y, l.b));
  return b.sum(partial, [0]);
}
