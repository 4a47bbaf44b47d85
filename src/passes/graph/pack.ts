import { get } from '../../base/errors.ts';
import { count, fixedShape, type Shape } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { Graph, NodeId } from '../../ir/graph/types.ts';
import { rebuild } from './rewrite.ts';

/** The state tensor that holds every parameter, one behind the other. */
export const PARAMS = 'params';

/** Where a parameter lies in {@link PARAMS}. */
export interface PackedParam {
  readonly name: string;
  readonly shape: Shape;
  readonly offset: number;
  readonly size: number;
}

export function packing(params: readonly { readonly name: string; readonly shape: Shape }[]): {
  readonly params: readonly PackedParam[];
  readonly size: number;
} {
  let offset = 0;
  const packed = params.map(({ name, shape }) => {
    const size = count(shape);
    const entry = { name, shape, offset, size };
    offset += size;
    return entry;
  });
  return { params: packed, size: offset };
}

/** Adds the whole parameter vector to a graph. */
export function paramVector(b: GraphBuilder, size: number): NodeId {
  return b.add('state', [], { name: PARAMS }, { dtype: 'f32', shape: [size] });
}

/** Makes every parameter a view of one state vector, so that one kernel can update them all. */
export function pack(graph: Graph, params: readonly PackedParam[], size: number): Graph {
  const byName = new Map(params.map((p) => [p.name, p]));
  return rebuild(graph, (node, _inputs, b) => {
    if (node.op !== 'param') return undefined;
    const p = get(byName, node.attrs.name, 'parameter');
    const part = b.add('slice', [paramVector(b, size)], { start: [p.offset], size: [p.size] });
    return b.reshape(part, fixedShape(p.shape));
  });
}
