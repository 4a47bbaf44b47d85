import { sameType, showType, type TensorType } from '../../base/types.ts';
import type { OpRecord } from './op-record.ts';
import { NO_BITS, OPAQUE } from './op-parts.ts';
import type { Graph, Node, NodeId, NodeOf, OpAttrs } from './types.ts';

export type Scan = NodeOf<'scan'>;

/** Loops: what passes know of them without looking inside. Their kernels are those of the body, see `passes/schedule/lay-out.ts`. */
export const SCAN: OpRecord<'scan'> = {
  arity: undefined,
  family: 'loop',
  infer: (inputs, attrs) => inferScan(inputs, attrs),
  // The body is bound as a graph of its own, see `inBodies`.
  bind: (attrs) => attrs,
  memory: 'none',
  reuse: () => 1,
  // Operations are counted once for all results of a loop, in `flops.ts`.
  ...OPAQUE,
  ...NO_BITS,
};

/** The shape rule: operands fit the leaves of the body, and the result is what `take` says. */
function inferScan(inputs: readonly TensorType[], { body, length, names, each, take, of }: OpAttrs['scan']): TensorType | string {
  if (!(Number.isInteger(length) && length >= 1)) return `a loop needs at least one place, not ${length}`;
  if (inputs.length !== names.length) return `the body has ${names.length} names for ${inputs.length} operands`;
  if (new Set(names).size !== names.length) return 'two operands have one name';
  for (const node of body.nodes) {
    if (node.op === 'scan' || node.op === 'param' || node.op === 'carry' || node.op === 'pick') return `the body holds ${node.op}`;
    if (node.op !== 'input' && node.op !== 'state') continue;
    const { name } = node.attrs;
    const operand = inputs[names.indexOf(name)];
    if (!operand) return `the body reads '${name}', which no operand gives`;
    const sliced = each.includes(name);
    if (sliced && (node.op === 'state' || operand.shape[0] !== length))
      return `'${name}' has ${showType(operand)}, which does not hold ${length} places`;
    const seen = sliced ? { dtype: operand.dtype, shape: operand.shape.slice(1) } : operand;
    if (!sameType(seen, node.type)) return `the body sees '${name}' as ${showType(node.type)}, and it is ${showType(seen)}`;
  }
  if (take === 'last') {
    const i = names.indexOf(of);
    const start = inputs[i];
    return start && !each.includes(of) ? start : `'${of}' is not carried`;
  }
  const id = body.outputs[of];
  const out = id === undefined ? undefined : body.nodes[id];
  return out ? { dtype: out.type.dtype, shape: [length, ...out.type.shape] } : `the body has no output '${of}'`;
}

const KEYS = new WeakMap<readonly unknown[], string>();

/** Equal for graphs that compute the same, whatever their outputs. */
function keyOfBody({ nodes, writes }: Graph): string {
  let key = KEYS.get(nodes);
  if (key === undefined) {
    const exact = (_: string, v: unknown): unknown =>
      typeof v === 'number' && !Number.isFinite(v) ? String(v) : Object.is(v, -0) ? '-0' : v;
    key = JSON.stringify([nodes.map((n) => [n.op, n.inputs, n.attrs, n.type]), writes], exact);
    KEYS.set(nodes, key);
  }
  return key;
}

/** The loops among nodes: those that are results of each, in order. */
export function loopsOf(nodes: readonly Node[]): readonly (readonly Scan[])[] {
  const found = new Map<string, Scan[]>();
  for (const node of nodes) {
    if (node.op !== 'scan') continue;
    const { body, reverse, length, names, each } = node.attrs;
    const key = [node.inputs.join(), reverse, length, names.join(), each.join(), keyOfBody(body)].join('|');
    const known = found.get(key);
    if (known) known.push(node);
    else found.set(key, [node]);
  }
  return [...found.values()];
}

/** The node that a body's leaf of a name is, if it reads it. */
export const leafNamed = (body: Graph, name: string): NodeId | undefined =>
  body.nodes.find((n) => (n.op === 'input' || n.op === 'state') && n.attrs.name === name)?.id;

/** The value of a state of a body after a place: what is written to it, or itself. */
export const nextOf = (body: Graph, state: string): NodeId | undefined =>
  body.writes.find((w) => w.state === state)?.value ?? leafNamed(body, state);
