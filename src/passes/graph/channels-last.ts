import { at, get } from '../../base/errors.ts';
import { count, fixedShape } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import { contractLabels } from '../../ir/graph/contract.ts';
import type { Graph, NodeId, NodeOf } from '../../ir/graph/types.ts';
import { rebuild } from './rewrite.ts';

/**
 * Products over the channels of images, such as convolutions of 1 x 1 and gradients of their weights, with copies that have the channels last: then
 * they are products of two matrices, whose vectors neither end at the edge of a row of pixels nor go through memory in strides.
 */
export function channelsLast(graph: Graph, worth: typeof pays = pays): Graph {
  return rebuild(graph, (node, inputs, b) =>
    node.op === 'contract' ? (overChannels(b, node, inputs, worth) ?? overPlaces(b, node, inputs, worth)) : undefined,
  );
}

/** The extents of labels. */
function extentsOf(b: GraphBuilder, operands: readonly (readonly [string, NodeId])[]): (labels: string) => number[] {
  const extents = new Map<string, number>();
  for (const [labels, id] of operands) fixedShape(b.shape(id)).forEach((d, i) => extents.set(at([...labels], i), d));
  return (labels) => [...labels].map((label) => get(extents, label, 'label'));
}

const without = (labels: string, label: string): string => labels.replace(label, '');
const all = (labels: string, test: (label: string) => boolean): boolean => [...labels].every(test);

/** A copy with the axes in this order. */
const inOrder = (b: GraphBuilder, id: NodeId, labels: string, order: string): NodeId =>
  b.op(
    'detach',
    b.permute(
      id,
      [...order].map((label) => labels.indexOf(label)),
    ),
  );

/** `nchw,oc->nohw`: each place of x times the same matrix. */
function overChannels(b: GraphBuilder, { attrs }: NodeOf<'contract'>, inputs: readonly NodeId[], worth: typeof pays): NodeId | undefined {
  const l = contractLabels(attrs.spec);
  const mine = l.a.length > l.b.length ? 0 : 1;
  const [labels, weights] = mine === 0 ? [l.a, l.b] : [l.b, l.a];
  const [x, w] = [at(inputs, mine), at(inputs, 1 - mine)];
  const channel = [...weights].find((c) => !l.out.includes(c));
  const other = [...weights].find((c) => l.out.includes(c));
  if (weights.length !== 2 || channel === undefined || other === undefined || labels.includes(other) || labels.endsWith(channel))
    return undefined;
  const places = without(labels, channel);
  if (!labels.includes(channel) || places.length < 2 || !all(places, (c) => l.out.includes(c))) return undefined;
  const extents = extentsOf(b, [
    [labels, x],
    [weights, w],
  ]);
  const [rows, [channels = 1], [others = 1]] = [count(extents(places)), extents(channel), extents(other)];
  const [row = 1] = extents(labels.slice(-1));
  // Rows that are whole tiles of vectors are read as fast as matrices.
  if (row % 16 === 0 || !worth(row % 4 === 0 ? 'vectors' : 'others', rows, [channels, others])) return undefined;
  const matrix = b.reshape(inOrder(b, x, labels, places + channel), [rows, channels]);
  const product = b.contract('pc,co->po', matrix, inOrder(b, w, weights, channel + other));
  // Stored as it is computed: what reads it has other axes last.
  const stored = b.reshape(b.op('detach', product), [...extents(places), others]);
  return b.permute(
    stored,
    [...l.out].map((label) => (places + other).indexOf(label)),
  );
}

/** `nohw,nchw->oc`: the gradient of that matrix. */
function overPlaces(b: GraphBuilder, { attrs }: NodeOf<'contract'>, inputs: readonly NodeId[], worth: typeof pays): NodeId | undefined {
  const l = contractLabels(attrs.spec);
  const [first, second] = [...l.out];
  if (l.out.length !== 2 || first === undefined || second === undefined) return undefined;
  const swapped = !l.a.includes(first);
  const [own, other] = swapped ? [second, first] : [first, second];
  if (!l.a.includes(own) || !l.b.includes(other) || l.a.includes(other) || l.b.includes(own)) return undefined;
  const places = without(l.a, own);
  if (places.length < 2 || !all(places, (c) => l.b.includes(c)) || l.b.length !== l.a.length) return undefined;
  if (l.a.endsWith(own) || l.b.endsWith(other)) return undefined;
  const [x, y] = [at(inputs, 0), at(inputs, 1)];
  const extents = extentsOf(b, [
    [l.a, x],
    [l.b, y],
  ]);
  const [rows, [channels = 1], [others = 1]] = [count(extents(places)), extents(own), extents(other)];
  if (!worth('gradient', rows, [channels, others])) return undefined;
  const [left, right] = [
    b.reshape(inOrder(b, x, l.a, places + own), [rows, channels]),
    b.reshape(inOrder(b, y, l.b, places + other), [rows, others]),
  ];
  return b.contract(`pa,pb->${swapped ? 'ba' : 'ab'}`, left, right);
}

/**
 * How much longer a product takes with the channels where they are, by its kind and whether rows of pixels are whole vectors; and what copies take, for each
 * element and each weight, in the time of so many products. Measured on one core with 128-bit SIMD.
 */
const SLOWER = { vectors: 1.45, others: 2.2, gradient: 2.4 } as const;
const COPY = 14;
const WEIGHT = 12;

function pays(kind: keyof typeof SLOWER, places: number, [a, b]: readonly [number, number]): boolean {
  return (SLOWER[kind] - 1) * places * a * b > COPY * places * (a + b) + (kind === 'gradient' ? 0 : WEIGHT * a * b);
}
