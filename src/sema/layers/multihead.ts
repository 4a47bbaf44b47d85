import { sameDim, showShape, type Dim, type Shape } from '../../base/types.ts';
import type { Init } from '../../base/init.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { part } from '../functions.ts';
import { dropping, fitMask, inHeads, masksOf } from './attention.ts';
import { isProblem, layer, problem, type LayerContext, type Problem } from './layer.ts';
import { linear } from './linear.ts';

const ZEROS = { kind: 'constant', value: 0 } as const;

/** Glorot and Bengio, 2010, as torch.nn.init.xavier_uniform_ draws. */
function xavier(rows: number, columns: number): Init {
  const bound = Math.sqrt(3) * Math.sqrt(2 / (rows + columns));
  return { kind: 'uniform', low: -bound, high: bound };
}

interface Sizes {
  readonly embed_dim: number;
  readonly kdim: number;
  readonly vdim: number;
  readonly bias: boolean;
}

interface Weights {
  readonly out: readonly [NodeId, NodeId | undefined];
  /** One matrix for queries, keys and values, or one for each if their sizes differ. */
  readonly joined: NodeId | undefined;
  readonly own: readonly NodeId[];
  readonly bias: NodeId | undefined;
  readonly extra: readonly NodeId[];
}

/**
 * Declares the weights in the order in which torch.nn.MultiheadAttention draws them. `out_proj` is initialised like a Linear before its
 * bias is set to 0.
 */
function weightsOf(cx: LayerContext, { embed_dim: d, kdim, vdim, bias }: Sizes, addBias: boolean): Weights {
  const bound = 1 / Math.sqrt(d);
  const out = cx.param('out_proj.weight', [d, d], { kind: 'uniform', low: -bound, high: bound });
  const outBias = bias ? cx.param('out_proj.bias', [d], { ...ZEROS, drawn: true }) : undefined;
  const same = kdim === d && vdim === d;
  const joined = same ? cx.param('in_proj_weight', [3 * d, d], xavier(3 * d, d)) : undefined;
  const each = [
    ['q', d],
    ['k', kdim],
    ['v', vdim],
  ] as const;
  const own = same ? [] : each.map(([key, size]) => cx.param(`${key}_proj_weight`, [d, size], xavier(d, size)));
  const normal = { kind: 'normal', mean: 0, std: 1 / Math.sqrt(d) } as const;
  return {
    out: [out, outBias],
    joined,
    own,
    bias: bias ? cx.param('in_proj_bias', [3 * d], ZEROS) : undefined,
    extra: addBias ? ['bias_k', 'bias_v'].map((key) => cx.param(key, [1, 1, d], normal)) : [],
  };
}

/** Queries, keys and values: a single product if all come from one sequence. */
function projections(b: GraphBuilder, w: Weights, xs: readonly [NodeId, NodeId, NodeId], d: number): [NodeId, NodeId, NodeId] {
  const [x, k, v] = xs;
  const places = [0, 1, 2] as const;
  const make = (f: (i: 0 | 1 | 2) => NodeId): [NodeId, NodeId, NodeId] => [f(0), f(1), f(2)];
  if (w.joined !== undefined && x === k && x === v) {
    const all = linear(b, x, w.joined, w.bias);
    return make((i) => part(b, all, 2, i * d, d));
  }
  const rows = (y: NodeId, i: number): NodeId => part(b, y, 0, i * d, d);
  const own = places.map((i) => (w.joined === undefined ? w.own[i] : rows(w.joined, i)) ?? -1);
  return make((i) => linear(b, xs[i], own[i] ?? -1, w.bias === undefined ? undefined : rows(w.bias, i)));
}

/** Extends a mask for `extra` visible keys in front. */
function widened(b: GraphBuilder, mask: NodeId, scores: Shape, extra: number): NodeId {
  const shape = [1, 1, 1, 1, ...b.shape(mask)].slice(-4);
  const truth = b.type(mask).dtype === 'bool';
  const all = [...shape.slice(0, -1), scores[3] as Dim];
  const numbers = b.reshape(b.cast(mask, 'f32'), shape);
  const wide = shape[3] === 1 ? b.broadcast(b.reshape(numbers, shape.slice(0, -1)), all, [0, 1, 2]) : numbers;
  const padded = b.add('pad', [wide], { low: [0, 0, 0, extra], high: [0, 0, 0, 0], value: truth ? 1 : 0 });
  return truth ? b.cast(padded, 'bool') : padded;
}

/** The masks of the call, for scores of [B, heads, T, S] with `extra` keys in front. */
function masks(cx: LayerContext, scores: Shape, extra: number): readonly NodeId[] | Problem {
  const { b } = cx;
  const out: NodeId[] = [];
  const { mask, key_padding_mask: padding } = cx.named;
  if (padding !== undefined) {
    const [batch = 1, places] = b.shape(padding);
    const fits = b.shape(padding).length === 2 && sameDim(places ?? 1, scores[3] ?? 1) && (batch === 1 || sameDim(batch, scores[0] ?? 1));
    if (!fits)
      return problem(
        'NN203',
        `key_padding_mask is [B, S], here ${showShape([scores[0] ?? 1, scores[3] ?? 1])}, and ${showShape(b.shape(padding))} is given`,
        'as truth values it says which keys may be seen',
      );
    out.push(b.reshape(padding, [batch, 1, 1, scores[3] ?? 1]));
  }
  for (const m of masksOf(mask)) {
    const fitted = fitMask(cx, m, scores);
    if (isProblem(fitted)) return fitted;
    out.push(fitted);
  }
  return extra === 0 ? out : out.map((m) => widened(b, m, scores, extra));
}

export const MultiheadAttention = layer({
  doc: 'multi-head attention with trainable projections: self-attention, or cross-attention with key= (and value=); boolean masks, key_padding_mask [B, S] too, are true where attention is allowed, the opposite of PyTorch; float masks are added to the scores',
  torch: 'torch.nn.MultiheadAttention(batch_first=True)',
  shape: '[B, T, embed_dim] -> [B, T, embed_dim]',
  named: ['key', 'value', 'mask', 'key_padding_mask'],
  parameters: {
    embed_dim: { type: 'int', min: 1, doc: 'embedding size' },
    num_heads: { type: 'int', min: 1, doc: 'number of heads' },
    bias: { type: 'bool', default: true, doc: 'adds trainable biases to the projections' },
    causal: { type: 'bool', default: false, doc: 'applies a causal mask: each position attends only to itself and earlier positions' },
    dropout: { type: 'number', default: 0, min: 0, below: 1, doc: 'dropout probability of the attention weights, while training' },
    kdim: { type: 'int', min: 1, doc: 'size of the keys; default: embed_dim' },
    vdim: { type: 'int', min: 1, doc: 'size of the values; default: embed_dim' },
    add_bias_kv: { type: 'bool', default: false, doc: 'adds a trainable key and value to the sequence' },
    add_zero_attn: { type: 'bool', default: false, doc: 'adds a key and value of zeros to the sequence' },
  },
  optional: ['kdim', 'vdim'],
  build(cx, args, x) {
    const { b } = cx;
    const { embed_dim: d, num_heads: heads } = args;
    const given: { readonly kdim?: number; readonly vdim?: number } = args;
    const [kdim, vdim] = [given.kdim ?? d, given.vdim ?? d];
    const key = cx.named['key'] ?? x;
    const value = cx.named['value'] ?? key;
    const wrong = [
      ['', x, d],
      ['key of ', key, kdim],
      ['value of ', value, vdim],
    ] as const;
    for (const [what, id, size] of wrong) {
      const shape = b.shape(id);
      if (shape.length !== 3 || shape[2] !== size || !sameDim(shape[0] ?? 1, b.shape(x)[0] ?? 1) || b.type(id).dtype !== 'f32')
        return problem('NN203', `${cx.text} takes ${what}[B, ${what ? 'S' : 'T'}, ${size}], and ${showShape(shape)} flows in`);
    }
    if (d % heads !== 0) return problem('NN203', `${cx.text} has vectors of ${d}, which are not ${heads} equal heads`);
    const [batch, t, s] = [b.shape(x)[0] as Dim, b.shape(x)[1] as Dim, b.shape(key)[1] as Dim];
    const extra = Number(args.add_bias_kv) + Number(args.add_zero_attn);
    const found = masks(cx, [batch, heads, t, s], extra);
    if ('code' in found) return found;
    const w = weightsOf(cx, { embed_dim: d, kdim, vdim, bias: args.bias }, args.add_bias_kv);
    const [q, ...kv] = projections(b, w, [x, key, value], d);
    // Extra keys go in front, where no causal mask hides them; the softmax does not depend on their position.
    const [k, v] = kv.map((y, i) => {
      const zeros = args.add_zero_attn ? [b.full(0, { dtype: 'f32', shape: [batch, 1, d] })] : [];
      const trained = masksOf(w.extra[i]).map((e) => b.broadcast(b.reshape(e, [d]), [batch, 1, d], [2]));
      return extra === 0 ? y : b.add('concat', [...zeros, ...trained, y], { axis: 1 });
    }) as [NodeId, NodeId];
    const out = inHeads(cx, q, k, v, heads, heads, { causal: args.causal, masks: found, extra, ...dropping(cx, args.dropout) });
    return typeof out === 'number' ? linear(b, out, ...w.out) : out;
  },
});
