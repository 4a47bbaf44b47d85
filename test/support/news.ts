import type { Graph } from '../../src/ir/graph/types.ts';

/** `NNC_WAYS=1` runs every graph on every device. */
const ALL = process.env['NNC_WAYS'] !== undefined;

/**
 * Which graphs of a long list have something new for the kernels of a device: an operation (on the processor: upon operands) that no graph
 * before had. Compiling kernels takes a software driver long, and all graphs are compared in float64 anyway.
 */
export class News {
  private readonly seen = new Set<string>();
  private readonly device: 'cpu' | 'gpu';

  constructor(device: 'cpu' | 'gpu') {
    this.device = device;
  }

  in({ nodes }: Graph): boolean {
    const known = this.seen.size;
    for (const { op, inputs, type } of nodes) {
      const operands = inputs.map((i) => nodes[i]?.op ?? '');
      this.seen.add(`${op} ${type.dtype} ${type.shape.length} ${this.device === 'cpu' ? operands.join() : ''}`);
    }
    return ALL || this.seen.size > known;
  }
}
