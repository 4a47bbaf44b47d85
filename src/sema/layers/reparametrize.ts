import { at } from '../../base/errors.ts';
import { product, showShape } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { vectorNorm } from '../distances.ts';
import { axisOf } from '../functions.ts';
import { layer, problem } from './layer.ts';

/** Reparametrised weights: weight normalisation and spectral normalisation. */

export const weight_norm = layer({
  doc: 'weight normalisation g * v / |v|: direction v and length g (Salimans and Kingma, 2016), with one length for each index of an axis',
  torch: 'torch.nn.utils.weight_norm, whose weight_v and weight_g these are',
  shape: '[..., n, ...], [..., n, ...] -> [..., n, ...]',
  inputs: ['v', 'g'],
  parameters: { dim: { type: 'int', default: 0, doc: 'axis with a length for each index; -1 for a single length' } },
  build({ b }, { dim }, v, g = v) {
    const shape = b.shape(v);
    const axis = dim === -1 ? -1 : axisOf(dim, shape.length);
    if (axis === undefined) return problem('NN206', `${showShape(shape)} has no axis ${dim}`);
    const axes = shape.map((_, i) => i).filter((i) => i !== axis);
    const kept = shape.filter((_, i) => i === axis);
    if (product(b.shape(g)) !== product(kept))
      return problem('NN203', `g has ${String(product(kept))} numbers, and this is ${showShape(b.shape(g))}`);
    const scale = b.op('div', b.reshape(g, kept), vectorNorm(b, v, axes, 2));
    return b.op('mul', v, b.unreduce(scale, shape, axes));
  },
});

/** v / max(|v|, eps), without a gradient. */
function unit(b: GraphBuilder, v: NodeId, eps: number): NodeId {
  const norm = vectorNorm(b, v, [0], 2);
  return b.op('detach', b.op('div', v, b.unreduce(b.op('max', norm, b.like(eps, norm)), b.shape(v), [0])));
}

/** Each training step continues the power iteration where the last one ended. */
export const spectral_norm = layer({
  doc: 'spectral normalisation: w divided by its largest singular value (Miyato et al., 2018), tracked by power iteration in weight_u and weight_v while training',
  torch: 'torch.nn.utils.spectral_norm',
  parameters: {
    n_power_iterations: { type: 'int', default: 1, min: 1, doc: 'power iterations in each training step' },
    eps: { type: 'number', default: 1e-12, min: 0, doc: 'lower bound of the norms of weight_u and weight_v' },
    dim: { type: 'int', default: 0, doc: 'axis of the rows of the matrix; all others form the columns' },
  },
  keepsShape: true,
  build(cx, { n_power_iterations, eps, dim }, w) {
    const { b } = cx;
    const shape = b.shape(w);
    const axis = axisOf(dim, shape.length);
    if (axis === undefined || shape.length < 2 || shape.some((d) => typeof d !== 'number'))
      return problem('NN203', `spectral_norm takes a weight of two axes or more, and this is ${showShape(shape)}`);
    const rows = at(shape, axis) as number;
    const columns = (product(shape) as number) / rows;
    const first = b.permute(w, [axis, ...shape.map((_, i) => i).filter((i) => i !== axis)]);
    const matrix = b.reshape(first, [rows, columns]);
    const normal = { kind: 'normal', mean: 0, std: 1 } as const;
    const left = cx.state('weight_u', [rows], normal);
    const right = cx.state('weight_v', [columns], normal);
    let [u, v] = [unit(b, left.value, eps), unit(b, right.value, eps)];
    if (cx.training) {
      const still = b.op('detach', matrix);
      for (let k = 0; k < n_power_iterations; k++) {
        v = unit(b, b.contract('rc,r->c', still, u), eps);
        u = unit(b, b.contract('rc,c->r', still, v), eps);
      }
      left.keep(u);
      right.keep(v);
    }
    const sigma = b.contract('r,r->', u, b.contract('rc,c->r', matrix, v));
    return b.op('div', w, b.splat(sigma, shape));
  },
});
