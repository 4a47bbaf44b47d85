import { at } from '../base/errors.ts';
import type { Graph, NodeId, NodeOf, Op } from '../ir/graph/types.ts';
import { NO_VALUES, evaluate, meaning } from './evaluate.ts';
import { bound, byNode, dataOf, runLoop } from './loops.ts';
import { forwardRule } from './forwards.ts';
import { sizesOfMix } from './sums.ts';
import { at64, type Tensor } from './walk.ts';

/** Rounding to f16 counts as this many roundings to f32, as far as errors are tolerated for it. */
const HALF = 25;

/**
 * For each element of a value: how much rounding it may have accumulated since it was read from memory, in units of the last place of 1.
 * Every operation rounds its result, a sum each of its terms, and derivatives propagate this (Higham, Accuracy and Stability of Numerical
 * Algorithms, 2002, chapter 3). Where large numbers cancel, this is large and the value is small. `known` are the values that are read from
 * memory; those in `start` have such errors already.
 */
export function roundingOf(
  graph: Graph,
  value: (id: NodeId) => Tensor,
  known: ReadonlySet<NodeId>,
  start: ReadonlyMap<NodeId, Float64Array> = new Map(),
): (id: NodeId) => Float64Array {
  const done = new Map<NodeId, Float64Array>(start);
  const within = (id: NodeId): Float64Array => {
    const found = done.get(id);
    if (found) return found;
    const node = at(graph.nodes, id);
    const inputs = node.inputs.map(value);
    const float = node.type.dtype === 'f32' && node.inputs.length > 0;
    const errors = node.inputs.map((i) => (known.has(i) || at(graph.nodes, i).type.dtype !== 'f32' ? undefined : within(i)));
    const out = value(id);
    if (node.op === 'scan') {
      const through = inLoop(node, inputs, errors);
      done.set(id, through);
      return through;
    }
    const carried = float
      ? forwardRule(node)(node as NodeOf<Op>, { inputs, out, sizes: true, scalars: NO_VALUES.scalars }, errors)
      : undefined;
    const own = float ? ownOf(node as NodeOf<Op>, inputs, out) : new Float64Array(out.data.length);
    const total = carried ? own.map((v, i) => v + at64(carried, i)) : own;
    done.set(id, total);
    return total;
  };
  return within;
}

/** A loop hands the rounding of one place on to the next. */
function inLoop(node: NodeOf<'scan'>, inputs: readonly Tensor[], errors: readonly (Float64Array | undefined)[]): Float64Array {
  const { body } = node.attrs;
  const places: ((id: NodeId) => Tensor)[] = [];
  runLoop(node, dataOf(inputs), (leaves) => {
    const value = evaluate(body, bound(leaves, NO_VALUES));
    places.push(value);
    return (id) => value(id).data;
  });
  let place = 0;
  return runLoop(node, errors, (leaves) => roundingOf(body, at(places, place++), new Set(), byNode(body, leaves)));
}

/** Sums: each term counts, even if the terms cancel. */
const SUMS: ReadonlySet<Op> = new Set<Op>(['reduce_sum', 'contract', 'mix', 'unwindow', 'scatter_add', 'add', 'sub']);

function ownOf(node: NodeOf<Op>, inputs: readonly Tensor[], out: Tensor): Float64Array {
  const sizes = (t: Tensor): Tensor => ({ shape: t.shape, data: t.data.map(Math.abs) });
  if (!SUMS.has(node.op)) return sizes(out).data.map((v) => (node.op === 'round_f16' ? HALF * v : v));
  const added = node.op === 'sub' ? { ...node, op: 'add' } : node.op === 'mix' ? sizesOfMix(node as NodeOf<'mix'>) : node;
  return meaning(added as Parameters<typeof meaning>[0], inputs.map(sizes), NO_VALUES).data;
}
