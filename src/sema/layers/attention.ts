import { at } from '../../base/errors.ts';
import { sameShape, showShape, type Dim } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { softmax } from '../functions.ts';
import { layer, problem } from './layer.ts';

/** softmax(q k^T / sqrt(d)) v for heads of [..., T, d]; with `causal` a place sees only itself and what is before it. */
export function scaledDotProduct(b: GraphBuilder, q: NodeId, k: NodeId, v: NodeId, causal: boolean): NodeId {
  const shape = b.shape(q);
  const rank = shape.length;
  const lead = 'abcdef'.slice(0, rank - 2);
  const scores = b.contract(`${lead}tz,${lead}sz->${lead}ts`, q, k);
  const scaled = b.op('mul', scores, b.like(1 / Math.sqrt(at(shape, rank - 1) as number), scores));
  const type = { dtype: 'i32', shape: b.shape(scores) } as const;
  // A very low number instead of infinity: drivers may assume that there is none.
  const hidden = causal ? b.op('lt', b.add('iota', [], { axis: rank - 2 }, type), b.add('iota', [], { axis: rank - 1 }, type)) : undefined;
  const masked = hidden === undefined ? scaled : b.op('select', hidden, b.like(-3.4028234663852886e38, scaled), scaled);
  return b.contract(`${lead}ts,${lead}sz->${lead}tz`, softmax(b, masked, rank - 1), v);
}

export const attention = layer({
  doc: 'scaled dot-product attention of [B, T, d] in equal heads',
  torch: 'torch.nn.functional.scaled_dot_product_attention',
  inputs: ['q', 'k', 'v'],
  parameters: {
    heads: { type: 'int', default: 1, min: 1, doc: 'number of heads' },
    causal: { type: 'bool', default: false, doc: 'no place sees what comes after it' },
  },
  build(cx, { heads, causal }, q, k = q, v = q) {
    const { b } = cx;
    const shape = b.shape(q);
    const width = shape.at(-1);
    if (shape.length !== 3 || typeof width !== 'number' || width % heads !== 0)
      return problem('NN203', `${cx.text} takes [B, T, d] with d in ${heads} equal heads, and ${showShape(shape)} flows in`);
    if (!sameShape(b.shape(k), b.shape(v)) || b.shape(k).length !== 3 || b.shape(k)[2] !== width)
      return problem('NN203', `keys ${showShape(b.shape(k))} and values ${showShape(b.shape(v))} do not fit queries ${showShape(shape)}`);
    const apart = (x: NodeId): NodeId => {
      const [n, t] = b.shape(x) as [Dim, Dim];
      return b.permute(b.reshape(x, [n, t, heads, width / heads]), [0, 2, 1, 3]);
    };
    const out = scaledDotProduct(b, apart(q), apart(k), apart(v), causal);
    return b.reshape(b.permute(out, [0, 2, 1, 3]), shape);
  },
});
