import type { GraphBuilder } from '../ir/graph/builder.ts';
import type { NodeId } from '../ir/graph/types.ts';

/**
 * Finds random numbers that are drawn without a batch. All examples share such a draw, as in PyTorch's `x + torch.randn(4)`; most people
 * who write that want separate noise for every example, so they are warned.
 */
export class SingleDraws {
  private readonly b: GraphBuilder;
  private readonly drawn = new Set<NodeId>();

  constructor(b: GraphBuilder) {
    this.b = b;
  }

  /** Records a draw; with a batch axis, each example has its own. */
  add(id: NodeId): void {
    if (!this.batched(id)) this.drawn.add(id);
  }

  /** Records a value that is computed from another one alone. */
  follow(from: NodeId, to: NodeId): void {
    if (this.drawn.has(from)) this.add(to);
  }

  /**
   * Whether arithmetic broadcasts one draw over the batch. An extent of 1 in the batch's place shows that this is intended. A draw combined
   * only with constants is still a draw.
   */
  meets(x: NodeId, y: NodeId, result: NodeId): boolean {
    const { b } = this;
    for (const [own, other] of [
      [x, y],
      [y, x],
    ] as const) {
      if (!this.drawn.has(own)) continue;
      if (this.batched(other) && b.shape(own).length < b.shape(other).length) return true;
      if (this.drawn.has(other) || b.node(other).op === 'const') this.add(result);
    }
    return false;
  }

  private batched(id: NodeId): boolean {
    return this.b.shape(id).some((d) => typeof d === 'object');
  }
}
