import { at } from '../../base/errors.ts';
import { bindDim, type TensorType } from '../../base/types.ts';
import { recordOf } from './ops.ts';
import type { Node } from './types.ts';

/**
 * Floating-point operations of some nodes of a graph, for so many examples where the batch is not bound. What counts is arithmetic that
 * gives an f32: two for a multiply-add of a product, one for each term of any other sum or maximum, one for each element of a function.
 * Nothing counts that chooses, compares, moves or repeats: views, concatenations, gathers, `select`. Of kernels, `workOf` counts the
 * same by the functions that they call; there, what is computed again counts again.
 */
export function flopsOf(nodes: readonly Node[], all: readonly Node[], batch = 1): number {
  const bound = (t: TensorType): TensorType => ({ dtype: t.dtype, shape: t.shape.map((d) => bindDim(d, batch)) });
  return nodes.reduce((total, node) => {
    const inputs = node.inputs.map((i) => bound(at(all, i).type));
    return total + recordOf(node).flops({ ...node, type: bound(node.type) }, inputs);
  }, 0);
}
