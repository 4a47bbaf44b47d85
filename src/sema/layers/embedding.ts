import { BATCH, showShape, type Shape } from '../../base/types.ts';
import type { Init } from '../../base/init.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { LOWEST } from '../functions.ts';
import { layer, problem, type LayerContext, type Problem } from './layer.ts';

/** Embeddings: tables with a row for each index. */

const COMMON = {
  num_embeddings: { type: 'int', min: 1, doc: 'number of rows of the table' },
  embedding_dim: { type: 'int', min: 1, doc: 'size of each embedding vector' },
} as const;
const padding_idx = { type: 'int', doc: 'index of the padding: its row starts at zero and is not trained' } as const;

interface Given {
  readonly num_embeddings: number;
  readonly embedding_dim: number;
  readonly padding_idx?: number;
}

interface Rows {
  /** [..., embedding_dim] */
  readonly rows: NodeId;
  /** Whether each index is the padding index, in the shape of the indices; undefined if there is none. */
  readonly padding: NodeId | undefined;
}

/** Looks up the rows of the trained table. */
function rowsOf(cx: LayerContext, { num_embeddings: n, embedding_dim, padding_idx: given }: Given, x: NodeId): Rows | Problem {
  const { b } = cx;
  if (b.type(x).dtype !== 'i32')
    return problem('NN204', `${cx.text} takes indices, and numbers flow in`, 'declare the input as int: input tokens: int[64]');
  // As torch.nn.Embedding initialises it.
  const normal: Init = { kind: 'normal', mean: 0, std: 1 };
  const row = given === undefined ? undefined : given < 0 ? given + n : given;
  if (row !== undefined && (row < 0 || row >= n))
    return problem('NN206', `the table has no row ${given}`, `padding_idx can be 0 to ${n - 1}; negative ones count from the end`);
  const weight = cx.param('weight', [n, embedding_dim], row === undefined ? normal : { kind: 'zero_row', row, of: normal });
  return { rows: b.op('gather', weight, x), padding: row === undefined ? undefined : b.op('eq', x, b.like(row, x)) };
}

/** Repeats a boolean per index along its row. */
function wide(b: GraphBuilder, mask: NodeId, rows: NodeId): NodeId {
  return b.unreduce(mask, b.shape(rows), [b.shape(rows).length - 1]);
}

export const Embedding = layer({
  anyType: true,
  doc: 'looks up the trainable vector of each index',
  torch: 'torch.nn.Embedding',
  shape: 'int [...] -> [..., embedding_dim]',
  parameters: { ...COMMON, padding_idx },
  optional: ['padding_idx'],
  assume: ({ embedding_dim }, shape: Shape) => [...(shape.length ? shape : [BATCH]), embedding_dim],
  build(cx, args, x) {
    const { b } = cx;
    const found = rowsOf(cx, args, x);
    if ('code' in found) return found;
    const { rows, padding } = found;
    return padding === undefined ? rows : b.op('select', wide(b, padding, rows), b.op('detach', rows), rows);
  },
});

export const EmbeddingBag = layer({
  anyType: true,
  doc: 'sum, mean or maximum of the embeddings of the indices on the last axis; padding is skipped, and a bag of padding alone gives 0',
  torch: 'torch.nn.EmbeddingBag',
  shape: 'int [..., n] -> [..., embedding_dim]',
  named: ['per_sample_weights'],
  parameters: {
    ...COMMON,
    mode: {
      type: 'string',
      default: 'mean',
      choices: ['sum', 'mean', 'max'],
      doc: 'how embeddings are combined; ties of max share the gradient',
    },
    padding_idx: { ...padding_idx, doc: 'index of the padding: its row starts at zero, is not trained, and is skipped' },
  },
  optional: ['padding_idx'],
  assume: ({ embedding_dim }, shape: Shape) => [...(shape.length ? shape.slice(0, -1) : [BATCH]), embedding_dim],
  build(cx, args, x) {
    const { b, named } = cx;
    const places = b.shape(x);
    const axis = places.length - 1;
    const n = places[axis];
    if (typeof n !== 'number') return problem('NN203', `${cx.text} takes [..., n] indices, and ${showShape(places)} flows in`);
    const found = rowsOf(cx, args, x);
    if ('code' in found) return found;
    const { rows, padding } = found;
    const shape = b.shape(rows);
    const real = padding === undefined ? undefined : b.op('not', padding);
    const { per_sample_weights: weights } = named;
    if (weights !== undefined && args.mode !== 'sum')
      return problem('NN202', `per_sample_weights belong to a sum, and the mode is ${args.mode}`, 'write mode=sum');
    if (weights !== undefined && (b.type(weights).dtype !== 'f32' || showShape(b.shape(weights)) !== showShape(places)))
      return problem(
        'NN203',
        `per_sample_weights are a number for each index ${showShape(places)}, and these are ${showShape(b.shape(weights))}`,
      );
    const only = (y: NodeId, other: number): NodeId => (real === undefined ? y : b.op('select', wide(b, real, rows), y, b.like(other, y)));
    if (args.mode === 'max') {
      const most = b.add('reduce_max', [only(rows, LOWEST)], { axes: [axis] });
      if (real === undefined) return most;
      const some = b.add('reduce_max', [b.cast(real, 'i32')], { axes: [axis] });
      const empty = wide(b, b.op('eq', some, b.like(0, some)), most);
      return b.op('select', empty, b.like(0, most), most);
    }
    const weighed = weights === undefined ? rows : b.op('mul', rows, wide(b, weights, rows));
    const total = b.sum(only(weighed, 0), [axis]);
    if (args.mode === 'sum') return total;
    if (real === undefined) return b.op('div', total, b.like(n, total));
    const count = b.sum(b.cast(real, 'f32'), [axis]);
    return b.op('div', total, b.unreduce(b.op('max', count, b.like(1, count)), b.shape(total), [shape.length - 2]));
  },
});
