import { at } from '../../base/errors.ts';
import { bindDim, type TensorType } from '../../base/types.ts';
import { recordOf } from './ops.ts';
import { loopsOf } from './scan.ts';
import type { Node } from './types.ts';

/**
 * Floating-point operations of some nodes, for `batch` examples if the batch is not bound. Arithmetic that gives an f32 counts: two for
 * each multiply-add of a product, one for each term of any other sum or maximum, one for each element of a function. Choosing, comparing
 * and moving do not count: `select`, views, concatenations, gathers. `workOf` counts kernels the same way, by the functions they call;
 * there, recomputed values count again.
 */
export function flopsOf(nodes: readonly Node[], all: readonly Node[], batch = 1): number {
  const bound = (t: TensorType): TensorType => ({ dtype: t.dtype, shape: t.shape.map((d) => bindDim(d, batch)) });
  // All results of a loop come from the same passes through its body.
  const loops = loopsOf(nodes).map(([first]) => first?.attrs);
  const inLoops = loops.reduce((n, loop) => n + (loop ? loop.length * flopsOf(loop.body.nodes, loop.body.nodes, batch) : 0), 0);
  return nodes.reduce((total, node) => {
    const inputs = node.inputs.map((i) => bound(at(all, i).type));
    return total + recordOf(node).flops({ ...node, type: bound(node.type) }, inputs);
  }, inLoops);
}
