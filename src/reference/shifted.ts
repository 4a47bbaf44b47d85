import { at, get } from '../base/errors.ts';
import type { Graph, NodeId } from '../ir/graph/types.ts';
import { meaning, type Bindings } from './evaluate.ts';
import type { Tensor } from './walk.ts';

/** Parameters and states with other values than at the base point. */
export type Shift = ReadonlyMap<string, Float64Array>;

/**
 * A graph evaluated at a base point, and again with a few parameters shifted; values that do not depend on them are reused. Detached values
 * stay those of the base point, so that differences see the same function as the gradient.
 */
export class Shifted {
  readonly graph: Graph;
  private readonly values: Bindings;
  private readonly base: Tensor[] = [];
  private readonly moved = new Map<string, readonly NodeId[]>();

  constructor(graph: Graph, values: Bindings) {
    this.graph = graph;
    this.values = values;
    for (const node of graph.nodes)
      this.base.push(
        meaning(
          node,
          node.inputs.map((i) => at(this.base, i)),
          values,
        ),
      );
  }

  get scalars(): Bindings['scalars'] {
    return this.values.scalars;
  }

  /** A value at the base point. */
  value(id: NodeId): Tensor {
    return at(this.base, id);
  }

  /** A value with some parameters shifted. */
  shifted(shift: Shift, id: NodeId): Tensor {
    const values: Bindings = { ...this.values, state: new Map([...this.values.state, ...shift]) };
    const now = new Map<NodeId, Tensor>();
    const find = (i: NodeId): Tensor => now.get(i) ?? at(this.base, i);
    for (const n of this.dependents([...shift.keys()])) {
      if (n > id) break;
      const node = at(this.graph.nodes, n);
      now.set(n, meaning(node, node.inputs.map(find), values));
    }
    return find(id);
  }

  /** The nodes that depend on some parameters, in graph order. */
  dependents(names: readonly string[]): readonly NodeId[] {
    const key = names.join('\n');
    if (!this.moved.has(key)) {
      const found = new Set<NodeId>();
      for (const node of this.graph.nodes) {
        const itself = (node.op === 'param' || node.op === 'state') && names.includes(node.attrs.name);
        if (itself || (node.op !== 'detach' && node.inputs.some((i) => found.has(i)))) found.add(node.id);
      }
      this.moved.set(key, [...found]);
    }
    return get(this.moved, key);
  }
}
