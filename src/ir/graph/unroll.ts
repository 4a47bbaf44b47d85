import { at, get } from '../../base/errors.ts';
import { GraphBuilder } from './builder.ts';
import { copyNodes } from './copy.ts';
import { loopsOf, type Scan } from './scan.ts';
import type { Graph, NodeId } from './types.ts';

/** A graph without loops: their bodies are written out for every place. */
export function unroll(graph: Graph): Graph {
  const loops = new Map(loopsOf(graph.nodes).flatMap((results) => results.map((r) => [r.id, results] as const)));
  if (loops.size === 0) return graph;
  const b = new GraphBuilder(graph.name);
  const map = new Map<NodeId, NodeId>();
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((i) => get(map, i));
    if (node.op !== 'scan') {
      map.set(node.id, b.add(node.op, inputs, node.attrs, node.type, { name: node.name, loc: node.loc }));
      continue;
    }
    const results = get(loops, node.id);
    if (at(results, 0).id !== node.id) continue;
    const values = b.within(node, () => written(b, results, inputs));
    results.forEach(({ id }, i) => map.set(id, at(values, i)));
  }
  for (const [name, id] of Object.entries(graph.outputs)) b.outputs[name] = get(map, id);
  for (const { state, value } of graph.writes) b.writes.push({ state, value: get(map, value) });
  return b.graph();
}

/** The results of a loop. */
function written(b: GraphBuilder, results: readonly Scan[], operands: readonly NodeId[]): NodeId[] {
  const { body, names, each, length, reverse } = at(results, 0).attrs;
  const operandOf = (name: string): NodeId => at(operands, names.indexOf(name));
  const carried = new Map<string, NodeId>();
  const outputs: NodeId[][] = results.map(() => []);
  for (let k = 0; k < length; k++) {
    const place = reverse ? length - 1 - k : k;
    const map = copyNodes(b, body, (node) => {
      if (node.op !== 'input' && node.op !== 'state') return undefined;
      const { name } = node.attrs;
      const operand = carried.get(name) ?? operandOf(name);
      if (!each.includes(name)) return operand;
      const shape = b.shape(operand);
      const start = shape.map((_, i) => (i === 0 ? place : 0));
      return b.reshape(b.add('slice', [operand], { start, size: [1, ...shape.slice(1)] }), shape.slice(1));
    });
    for (const w of body.writes) carried.set(w.state, get(map, w.value));
    results.forEach(({ attrs: { take, of, body: own } }, i) => {
      if (take === 'last') return;
      const value = get(map, own.outputs[of] ?? -1);
      at(outputs, i)[place] = b.reshape(value, [1, ...b.shape(value)]);
    });
  }
  return results.map(({ attrs: { take, of } }, i) => {
    if (take === 'last') return carried.get(of) ?? operandOf(of);
    const parts = at(outputs, i);
    return parts.length === 1 ? at(parts, 0) : b.add('concat', parts, { axis: 0 });
  });
}
