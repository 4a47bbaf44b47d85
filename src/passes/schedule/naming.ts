import { at } from '../../base/errors.ts';
import { showType } from '../../base/types.ts';
import type { Graph } from '../../ir/graph/types.ts';
import type { Group } from './types.ts';

/** A name that is valid in every target language. */
export function safeName(name: string): string {
  return name.replace(/\W/g, '_');
}

/** The variable of an axis of the result. */
export const axisName = (axis: number): string => `i${axis}`;

/** `k3_contract_d_2_Linear_16_1`: its index, its last operation, and the layer it comes from. */
export function kernelName(graph: Graph, group: Group, index: number): string {
  const last = group.roots.at(-1);
  if (last === undefined) return `k${index}_copy`;
  const { op, name } = at(graph.nodes, last);
  const label = name ? `_${safeName(name).replace(/_+/g, '_').replace(/_$/, '')}` : '';
  return `k${index}_${op}${label}`.slice(0, 60);
}

/** What a kernel stores and where it comes from, for the reader. */
export function about(graph: Graph, group: Group): string[] {
  const lines = group.stores.map((st) => {
    const n = at(graph.nodes, st.node);
    return `${st.tensor} = ${n.op} : ${showType(n.type)}${n.name ? `, ${n.name}` : ''}${n.loc ? ` (${n.loc})` : ''}`;
  });
  const ops = [...group.inlined, ...group.roots].map((id) => at(graph.nodes, id).op);
  return ops.length > 1 ? [...lines, `fused: ${ops.join(' ')}`] : lines;
}
