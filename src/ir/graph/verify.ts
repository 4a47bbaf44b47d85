import { CompilerBug } from '../../base/errors.ts';
import { sameType, showType, type TensorType } from '../../base/types.ts';
import { OPS } from './ops.ts';
import type { Graph, Node, Op, OpAttrs } from './types.ts';

/** The shape rule of a node, applied to its operands. */
export function inferNode(node: Node, inputs: readonly TensorType[]): TensorType | string {
  const { infer } = OPS[node.op] as { infer: (i: readonly TensorType[], a: OpAttrs[Op], d: TensorType) => TensorType | string };
  return infer(inputs, node.attrs, node.type);
}

/** What a graph promises from some pass on, beyond what always holds. */
export interface Form {
  /** There are no `param` nodes: all parameters are slices of vectors. */
  readonly packed?: boolean;
  /** Every dimension is a number. */
  readonly bound?: boolean;
}

/**
 * Throws unless every node is well typed, operands come first, all names exist, and the graph has the given form. `after` names the pass to
 * blame.
 */
export function verifyGraph(graph: Graph, after: string, form: Form = {}): void {
  const bug = (text: string): never => {
    throw new CompilerBug(`after ${after}, graph '${graph.name}' is broken: ${text}`);
  };
  const states = new Map<string, TensorType>();
  graph.nodes.forEach((node, i) => {
    if (node.id !== i) bug(`node ${i} calls itself %${node.id}`);
    for (const input of node.inputs) if (!(input >= 0 && input < i)) bug(`%${i} uses %${input}, which is not before it`);
    const { arity } = OPS[node.op];
    if (arity !== undefined && arity !== node.inputs.length) bug(`%${i} = ${node.op} has ${node.inputs.length} operands`);
    const expected = inferNode(
      node,
      node.inputs.map((n) => (graph.nodes[n] as Node).type),
    );
    if (typeof expected === 'string') return bug(`%${i} = ${node.op}: ${expected}`);
    if (!sameType(expected, node.type)) bug(`%${i} = ${node.op} is ${showType(node.type)} and should be ${showType(expected)}`);
    if (form.packed && node.op === 'param') bug(`%${i} is parameter '${node.attrs.name}', which no vector holds`);
    if (form.bound && (node.op === 'dimsize' || node.type.shape.some((d) => typeof d !== 'number')))
      bug(`%${i} = ${node.op} : ${showType(node.type)} has a dimension that is no number yet`);
    if (node.op === 'state' || node.op === 'param') states.set(node.attrs.name, node.type);
    if (node.op === 'scan') verifyGraph(node.attrs.body, after, { bound: form.bound === true });
  });
  for (const [name, id] of Object.entries(graph.outputs)) if (!graph.nodes[id]) bug(`output ${name} is %${id}, which does not exist`);
  for (const write of graph.writes) {
    const value = graph.nodes[write.value] ?? bug(`${write.state} is written from %${write.value}, which does not exist`);
    const type = states.get(write.state);
    if (!type) bug(`${write.state} is written and is no state of the graph`);
    else if (!sameType(type, value.type)) bug(`${write.state} is ${showType(type)} and gets ${showType(value.type)}`);
  }
}
