import type { GraphBuilder } from '../ir/graph/builder.ts';
import type { NodeId } from '../ir/graph/types.ts';

/**
 * Random numbers that are drawn without a batch: one draw, which all examples share where it meets them, as `x + torch.randn(4)` has
 * it. Most who write that want noise of its own for every example, so that it is told.
 */
export class SingleDraws {
  private readonly b: GraphBuilder;
  private readonly drawn = new Set<NodeId>();

  constructor(b: GraphBuilder) {
    this.b = b;
  }

  /** A value came straight from a draw; what has a batch is drawn for each example. */
  add(id: NodeId): void {
    if (!this.batched(id)) this.drawn.add(id);
  }

  /** A value is made of another one alone. */
  follow(from: NodeId, to: NodeId): void {
    if (this.drawn.has(from)) this.add(to);
  }

  /**
   * Whether arithmetic spreads one draw over the batch. An extent of 1 in the place of the batch says that this is meant. Draws
   * that only constants are joined with stay draws.
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
