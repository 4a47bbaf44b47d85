import type { Graph } from '../../ir/graph/types.ts';

/** Operations that only move their operand's elements. */
const MOVES: ReadonlySet<string> = new Set(['reshape', 'permute', 'broadcast', 'slice']);

/** Inputs that are row numbers of a table, by name: how many rows it has. A number outside would read another row than it names. */
export function boundsOf({ nodes }: Graph): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const node of nodes) {
    if (node.op !== 'gather') continue;
    let index = nodes[node.inputs[1] ?? -1];
    while (index && MOVES.has(index.op)) index = nodes[index.inputs[0] ?? -1];
    const rows = nodes[node.inputs[0] ?? -1]?.type.shape[0];
    if (index?.op !== 'input' || typeof rows !== 'number') continue;
    const { name } = index.attrs;
    found.set(name, Math.min(rows, found.get(name) ?? Infinity));
  }
  return found;
}
