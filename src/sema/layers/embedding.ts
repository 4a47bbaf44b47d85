import { BATCH, showShape, type Shape } from '../../base/types.ts';
import type { Init } from '../../base/init.ts';
import { layer, problem } from './layer.ts';

/** torch.nn.Embedding draws from the normal distribution. */
const NORMAL: Init = { kind: 'normal', mean: 0, std: 1 };

export const Embedding = layer({
  anyType: true,
  doc: 'a row of a table for each index',
  torch: 'torch.nn.Embedding',
  parameters: {
    num_embeddings: { type: 'int', min: 1, doc: 'rows of the table' },
    embedding_dim: { type: 'int', min: 1, doc: 'size of a row' },
  },
  assume: ({ embedding_dim }, shape: Shape) => [...(shape.length ? shape : [BATCH]), embedding_dim],
  build(cx, { num_embeddings, embedding_dim }, x) {
    if (cx.b.type(x).dtype !== 'i32')
      return problem('NN204', `${cx.text} takes indices, and numbers flow in`, 'declare the input as int: input tokens: int[64]');
    return cx.b.op('gather', cx.param('weight', [num_embeddings, embedding_dim], NORMAL), x);
  },
});

export const Positions = layer({
  anyType: true,
  doc: 'a trainable vector for each place of the sequence, whatever stands there',
  torch: 'torch.nn.Embedding of arange(T)',
  parameters: {
    num_positions: { type: 'int', min: 1, doc: 'the longest sequence' },
    embedding_dim: { type: 'int', min: 1, doc: 'size of a vector' },
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
