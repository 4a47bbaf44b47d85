import { get } from '../base/errors.ts';
import type { Graph, NodeId, NodeOf } from '../ir/graph/types.ts';
import type { Bindings } from './evaluate.ts';
import { sizeOf, type Tensor } from './walk.ts';

/** What a body's leaves are at one place, by name. */
type Named = ReadonlyMap<string, Float64Array>;

/** A loop's operands as they are known: their values, or errors or tangents of them. */
type Operands = readonly (Float64Array | undefined)[];

/** The part of an operand that the body sees at a place. */
function seenAt({ names, each, length }: NodeOf<'scan'>['attrs'], operands: Operands, place: number): Map<string, Float64Array> {
  const seen = new Map<string, Float64Array>();
  names.forEach((name, i) => {
    const data = operands[i];
    if (!data) return;
    const size = data.length / length;
    seen.set(name, each.includes(name) ? data.subarray(place * size, (place + 1) * size) : data);
  });
  return seen;
}

/** One run of the body: what every node of it is; undefined stands for 0. */
export type Body = (id: NodeId) => Float64Array | undefined;

/**
 * Runs a loop place by place, by its definition: `run` computes the body from what its leaves are, and the next place starts with what the
 * body writes. Returns the result that the node takes.
 */
export function runLoop(node: NodeOf<'scan'>, operands: Operands, run: (leaves: Named, place: number) => Body): Float64Array {
  const { body, length, reverse, take, of } = node.attrs;
  const shape = node.type.shape.map(Number);
  const out = new Float64Array(sizeOf(shape));
  const carried = new Map<string, Float64Array | undefined>();
  for (let k = 0; k < length; k++) {
    const place = reverse ? length - 1 - k : k;
    const leaves = seenAt(node.attrs, operands, place);
    for (const [name, data] of carried)
      if (data) leaves.set(name, data);
      else leaves.delete(name);
    const value = run(leaves, place);
    if (take === 'each') out.set(value(body.outputs[of] ?? -1) ?? [], (place * out.length) / length);
    for (const w of body.writes) carried.set(w.state, value(w.value));
  }
  if (take === 'last') out.set((carried.has(of) ? carried.get(of) : operands[node.attrs.names.indexOf(of)]) ?? []);
  return out;
}

/** The values of a body's leaves as the evaluator takes them. */
export const bound = (leaves: Named, { scalars }: Pick<Bindings, 'scalars'>): Bindings => ({ inputs: leaves, state: leaves, scalars });

/** What the leaves of a body are, by node. */
export function byNode(body: Graph, leaves: Named): ReadonlyMap<NodeId, Float64Array> {
  const found = new Map<NodeId, Float64Array>();
  for (const node of body.nodes)
    if ((node.op === 'input' || node.op === 'state') && leaves.has(node.attrs.name)) found.set(node.id, get(leaves, node.attrs.name));
  return found;
}

export const dataOf = (inputs: readonly Tensor[]): Operands => inputs.map((t) => t.data);
