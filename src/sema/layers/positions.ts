import { BATCH, showShape } from '../../base/types.ts';
import type { Init } from '../../base/init.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { layer, problem } from './layer.ts';

/** The initial weights of torch.nn.Embedding. */
const NORMAL: Init = { kind: 'normal', mean: 0, std: 1 };

export const Positions = layer({
  anyType: true,
  doc: 'learned positional embedding: a trainable vector for each position of the sequence',
  torch: 'torch.nn.Embedding of arange(T)',
  shape: '[B, T, ...] -> [B, T, embedding_dim]',
  parameters: {
    num_positions: { type: 'int', min: 1, doc: 'maximum length of the sequence' },
    embedding_dim: { type: 'int', min: 1, doc: 'size of each vector' },
  },
  build(cx, { num_positions, embedding_dim }, x) {
    const [batch = BATCH, length] = cx.b.shape(x);
    if (typeof length !== 'number' || length > num_positions)
      return problem('NN203', `${cx.text} has ${num_positions} places, and ${showShape(cx.b.shape(x))} flows in`);
    const table = cx.param('weight', [num_positions, embedding_dim], NORMAL);
    const used = cx.b.add('slice', [table], { start: [0, 0], size: [length, embedding_dim] });
    return cx.b.broadcast(used, [batch, length, embedding_dim], [1, 2]);
  },
});

/** Alternating sin and cos of position / 10000^(2i/d). Vaswani et al., 2017. */
export const SinusoidalPositions = layer({
  anyType: true,
  doc: 'fixed positional encoding by sines and cosines of the position',
  torch: 'the positional encoding of Vaswani et al., 2017',
  shape: '[B, T, ...] -> [B, T, embedding_dim]',
  parameters: { embedding_dim: { type: 'int', min: 2, doc: 'size of each vector' } },
  build({ b, text }, { embedding_dim: d }, x) {
    const [batch = BATCH, length] = b.shape(x);
    if (typeof length !== 'number' || d % 2 !== 0)
      return problem('NN203', `${text} takes [B, T, ...] and an even size, and ${showShape(b.shape(x))} flows in`);
    const angle = angles(b, [length, d / 2], 10000);
    const pairs = b.add(
      'concat',
      [b.op('sin', angle), b.op('cos', angle)].map((v) => b.reshape(v, [length, d / 2, 1])),
      { axis: 2 },
    );
    return b.broadcast(b.reshape(pairs, [length, d]), [batch, length, d], [1, 2]);
  },
});

/** position * base^(-i / n) for [positions, n]. */
function angles(b: GraphBuilder, shape: readonly [number, number], base: number): NodeId {
  const type = { dtype: 'f32', shape } as const;
  const [place, i] = [b.add('iota', [], { axis: 0 }, type), b.add('iota', [], { axis: 1 }, type)];
  return b.op('mul', place, b.op('exp', b.op('mul', i, b.like(-Math.log(base) / shape[1], i))));
}

/** Su et al., 2021: the two halves of each head are rotated by an angle that grows with the position (the layout of GPT-NeoX and Llama). */
export const rotary = layer({
  doc: 'rotary position embedding: rotates the two halves of each head by angles proportional to the position',
  torch: 'rotary position embedding of Su et al., 2021',
  parameters: {
    heads: { type: 'int', default: 1, min: 1, doc: 'number of heads' },
    base: { type: 'number', default: 10000, min: 1, doc: 'base of the frequencies: larger values give slower rotations' },
  },
  keepsShape: true,
  build({ b, text }, { heads, base }, x) {
    const shape = b.shape(x);
    const [batch = BATCH, length, width] = shape;
    if (shape.length !== 3 || typeof length !== 'number' || typeof width !== 'number' || width % (2 * heads) !== 0)
      return problem('NN203', `${text} takes [B, T, d] with d in ${heads} heads of even size, and ${showShape(shape)} flows in`);
    const half = width / heads / 2;
    const apart = b.reshape(x, [batch, length, heads, 2, half]);
    const part = (i: number): NodeId =>
      b.reshape(b.add('slice', [apart], { start: [0, 0, 0, i, 0], size: [batch, length, heads, 1, half] }), halves);
    const halves = [batch, length, heads, half];
    const angle = b.broadcast(angles(b, [length, half], base), halves, [1, 3]);
    const [sine, cosine] = [b.op('sin', angle), b.op('cos', angle)];
    const [p, q] = [part(0), part(1)];
    const turned = [
      b.op('sub', b.op('mul', p, cosine), b.op('mul', q, sine)),
      b.op('add', b.op('mul', q, cosine), b.op('mul', p, sine)),
    ].map((v) => b.reshape(v, [batch, length, heads, 1, half]));
    return b.reshape(b.add('concat', turned, { axis: 3 }), shape);
  },
});
