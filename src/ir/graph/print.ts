import { showDim, showShape, type Shape } from '../../base/types.ts';
import type { Graph, Node } from './types.ts';

function attrText(value: unknown): unknown {
  if (typeof value === 'object' && value !== null && 'batch' in value) return showDim(value as { batch: number });
  if (Array.isArray(value)) return value.map(attrText);
  return value === Infinity ? 'inf' : value === -Infinity ? '-inf' : value;
}

function attributes(node: Node): string {
  const entries = Object.entries(node.attrs as Record<string, unknown>);
  return entries.length === 0 ? '' : ` {${entries.map(([k, v]) => `${k}=${JSON.stringify(attrText(v))}`).join(' ')}}`;
}

export function printNode(node: Node): string {
  const inputs = node.inputs.length ? ` ${node.inputs.map((i) => `%${i}`).join(', ')}` : '';
  const name = node.name ? ` "${node.name}"` : '';
  const loc = node.loc ? ` @ ${node.loc}` : '';
  return `%${node.id} = ${node.op}${inputs}${attributes(node)} : ${node.type.dtype}${showShape(node.type.shape as Shape)}${name}${loc}`;
}

/** The graph as text that {@link parseGraph} reads back to the same graph. */
export function printGraph(graph: Graph): string {
  const lines = graph.nodes.map((n) => `  ${printNode(n)}`);
  for (const [name, id] of Object.entries(graph.outputs)) lines.push(`  output ${name} = %${id}`);
  for (const write of graph.writes) lines.push(`  write ${write.state} = %${write.value}`);
  return `graph ${graph.name} {\n${lines.join('\n')}\n}\n`;
}
