import { showDim, showShape, type Shape } from '../../base/types.ts';
import type { Graph, Node } from './types.ts';

function attrText(value: unknown): unknown {
  if (typeof value === 'object' && value !== null && 'batch' in value) return showDim(value as { batch: number });
  if (Array.isArray(value)) return value.map(attrText);
  return value === Infinity ? 'inf' : value === -Infinity ? '-inf' : value;
}

type NameOf = (body: Graph) => string;

function attributes(node: Node, nameOf: NameOf): string {
  const attrs: Record<string, unknown> = node.op === 'scan' ? { ...node.attrs, body: nameOf(node.attrs.body) } : { ...node.attrs };
  const entries = Object.entries(attrs);
  return entries.length === 0 ? '' : ` {${entries.map(([k, v]) => `${k}=${JSON.stringify(attrText(v))}`).join(' ')}}`;
}

/** A node as text; `nameOf` gives the names of the graphs that loops run. */
export function printNode(node: Node, nameOf: NameOf = (body) => body.name): string {
  const inputs = node.inputs.length ? ` ${node.inputs.map((i) => `%${i}`).join(', ')}` : '';
  // As JSON, since a name may have quotes: einsum(x, equation="ij->ji").
  const name = node.name ? ` ${JSON.stringify(node.name)}` : '';
  const loc = node.loc ? ` @ ${node.loc}` : '';
  return `%${node.id} = ${node.op}${inputs}${attributes(node, nameOf)} : ${node.type.dtype}${showShape(node.type.shape as Shape)}${name}${loc}`;
}

/** The graph as text that {@link parseGraph} reads back to the same graph. The graphs that its loops run come first. */
export function printGraph(graph: Graph): string {
  return printed(graph, '');
}

function printed(graph: Graph, indent: string): string {
  const names = new Map<Graph, string>();
  const nameOf = (body: Graph): string => {
    const known = names.get(body);
    if (known !== undefined) return known;
    const taken = new Set(names.values());
    let name = body.name;
    for (let i = 2; taken.has(name); i++) name = `${body.name}_${i}`;
    names.set(body, name);
    return name;
  };
  const lines = graph.nodes.map((n) => printNode(n, nameOf));
  for (const [name, id] of Object.entries(graph.outputs)) lines.push(`output ${name} = %${id}`);
  for (const write of graph.writes) lines.push(`write ${write.state} = %${write.value}`);
  const bodies = [...names].map(([body, name]) => printed({ ...body, name }, `${indent}  `));
  return `${indent}graph ${graph.name} {\n${bodies.join('')}${lines.map((l) => `${indent}  ${l}\n`).join('')}${indent}}\n`;
}
