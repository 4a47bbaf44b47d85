import { at } from '../../base/errors.ts';
import { showShape, type Dim, type Shape } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { broadcastShapes, broadcastTo } from '../arithmetic.ts';
import { LOWEST, softmax } from '../functions.ts';
import { layer, problem, type LayerContext, type Problem } from './layer.ts';
import { linear } from './linear.ts';

interface Masking {
  readonly causal: boolean;
  /** Added to the scores, or, as truth values, says what may be seen; broadcasts to [B, heads, T, S]. */
  readonly mask?: NodeId | undefined;
}

/** Places up to which all queries look at all keys at once. */
const LONGEST = 512;
/** Queries of a block where there are more: as many rows of scores are alive at once. */
const BLOCK = 256;

/**
 * softmax(q k^T / sqrt(d)) v for heads of [..., T, d]; with `causal` a place sees only itself and what is before it. Long
 * sequences go block by block of queries, so that nobody ever holds T x S scores, and without the keys that a causal block does
 * not see; the backward pass computes scores again (`passes/graph/rematerialize.ts`).
 */
export function scaledDotProduct(b: GraphBuilder, q: NodeId, k: NodeId, v: NodeId, masking: Masking): NodeId {
  const axis = b.shape(q).length - 2;
  const [t, s] = [b.shape(q)[axis], b.shape(k)[axis]];
  if (typeof t !== 'number' || typeof s !== 'number' || t <= LONGEST) return block(b, q, k, v, masking, 0);
  const wide: Shape = [...b.shape(q).slice(0, axis), t, s];
  const mask = masking.mask === undefined ? undefined : broadcastTo(b, masking.mask, wide);
  const rows = (x: NodeId, from: number, count: number, along = axis): NodeId => part(b, x, along, from, count);
  const blocks = Array.from({ length: Math.ceil(t / BLOCK) }, (_, i) => {
    const [from, count] = [i * BLOCK, Math.min(BLOCK, t - i * BLOCK)];
    const seen = masking.causal ? Math.min(s, from + count) : s;
    const own = mask === undefined ? undefined : rows(rows(mask, from, count), 0, seen, axis + 1);
    return block(b, rows(q, from, count), rows(k, 0, seen), rows(v, 0, seen), { causal: masking.causal, mask: own }, from);
  });
  return b.add('concat', blocks, { axis });
}

/** Some places along one axis. */
function part(b: GraphBuilder, x: NodeId, axis: number, from: number, count: number): NodeId {
  const shape = b.shape(x);
  return b.add('slice', [x], {
    start: shape.map((_, i) => (i === axis ? from : 0)),
    size: shape.map((d, i) => (i === axis ? count : d)),
  });
}

/** Queries from place `first` on over all keys. */
function block(b: GraphBuilder, q: NodeId, k: NodeId, v: NodeId, { causal, mask }: Masking, first: number): NodeId {
  const shape = b.shape(q);
  const rank = shape.length;
  const lead = 'abcdef'.slice(0, rank - 2);
  const scores = b.contract(`${lead}tz,${lead}sz->${lead}ts`, q, k);
  let masked = b.op('mul', scores, b.like(1 / Math.sqrt(at(shape, rank - 1) as number), scores));
  const type = { dtype: 'i32', shape: b.shape(scores) } as const;
  // A very low number instead of infinity: drivers may assume that there is none.
  const low = b.like(LOWEST, scores);
  if (causal) {
    const place = b.add('iota', [], { axis: rank - 2 }, type);
    const query = first === 0 ? place : b.op('add', place, b.like(first, place));
    masked = b.op('select', b.op('lt', query, b.add('iota', [], { axis: rank - 1 }, type)), low, masked);
  }
  if (mask !== undefined) {
    const truth = b.type(mask).dtype === 'bool';
    const wide = broadcastTo(b, b.cast(mask, 'f32'), b.shape(scores));
    masked = truth ? b.op('select', b.cast(wide, 'bool'), masked, low) : b.op('add', masked, wide);
  }
  return b.contract(`${lead}ts,${lead}sz->${lead}tz`, softmax(b, masked, rank - 1), v);
}

/** Attention of [B, T, heads * d] over [B, S, kv_heads * d]: groups of heads share keys and values where there are fewer. */
function inHeads(cx: LayerContext, q: NodeId, k: NodeId, v: NodeId, heads: number, kvHeads: number, masking: Masking): NodeId | Problem {
  const { b } = cx;
  const shape = b.shape(q);
  const width = shape.at(-1);
  if (shape.length !== 3 || typeof width !== 'number' || width % heads !== 0)
    return problem('NN203', `${cx.text} takes [B, T, d] with d in ${heads} equal heads, and ${showShape(shape)} flows in`);
  if (heads % kvHeads !== 0) return problem('NN206', `${heads} heads cannot share ${kvHeads} heads of keys`);
  const size = width / heads;
  const [ks, vs] = [b.shape(k), b.shape(v)];
  const fits = ks.length === 3 && vs.length === 3 && ks[1] === vs[1] && ks[2] === size * kvHeads && vs[2] === size * kvHeads;
  if (!fits) return problem('NN203', `keys ${showShape(ks)} and values ${showShape(vs)} do not fit queries ${showShape(shape)}`);
  const scores: Shape = [at(shape, 0), heads, at(shape, 1), at(ks, 1)];
  if (masking.mask !== undefined) {
    const found = b.shape(masking.mask);
    if (showShape(broadcastShapes(found, scores) ?? []) !== showShape(scores))
      return problem('NN203', `the mask ${showShape(found)} does not broadcast to ${showShape(scores)}`);
  }
  const apart = (x: NodeId, n: number): NodeId => {
    const [batch, t] = b.shape(x) as [Dim, Dim];
    const split = b.permute(b.reshape(x, [batch, t, n, size]), [0, 2, 1, 3]);
    if (n === heads) return split;
    // Each head of keys serves heads / kv_heads heads of queries, side by side.
    const repeated = b.broadcast(split, [batch, n, heads / n, t, size], [0, 1, 3, 4]);
    return b.reshape(repeated, [batch, heads, t, size]);
  };
  const out = scaledDotProduct(b, apart(q, heads), apart(k, kvHeads), apart(v, kvHeads), masking);
  return b.reshape(b.permute(out, [0, 2, 1, 3]), shape);
}

const causal = { type: 'bool', default: false, doc: 'no place sees what comes after it' } as const;
const kv_heads = { type: 'int', min: 1, doc: 'heads of keys and values; as many as heads where it is not said' } as const;

export const attention = layer({
  doc: 'scaled dot-product attention in equal heads; mask is added, or says what may be seen',
  torch: 'torch.nn.functional.scaled_dot_product_attention',
  shape: '[B, T, d], [B, S, d], [B, S, d] -> [B, T, d]',
  anyType: true,
  inputs: ['q', 'k', 'v'],
  named: ['mask'],
  parameters: { heads: { type: 'int', default: 1, min: 1, doc: 'number of heads' }, causal, kv_heads },
  optional: ['kv_heads'],
  build(cx, args, q, k = q, v = q) {
    if ([q, k, v].some((x) => cx.b.type(x).dtype !== 'f32')) return problem('NN204', `${cx.text} takes numbers`);
    const kv = (args as { readonly kv_heads?: number }).kv_heads ?? args.heads;
    return inHeads(cx, q, k, v, args.heads, kv, { causal: args.causal, mask: cx.named['mask'] });
  },
});

export const MultiheadAttention = layer({
  doc: 'attention of a sequence over itself with trained projections in and out',
  torch: 'torch.nn.MultiheadAttention(batch_first=True)',
  shape: '[B, T, embed_dim] -> [B, T, embed_dim]',
  named: ['mask'],
  parameters: {
    embed_dim: { type: 'int', min: 1, doc: 'size of a vector' },
    num_heads: { type: 'int', min: 1, doc: 'number of heads' },
    bias: { type: 'bool', default: true, doc: 'adds trainable numbers' },
    causal,
  },
  build(cx, { embed_dim: d, num_heads, bias, causal }, x) {
    const { b } = cx;
    const shape = b.shape(x);
    if (shape.length !== 3 || shape[2] !== d) return problem('NN203', `${cx.text} takes [B, T, ${d}], and ${showShape(shape)} flows in`);
    // xavier_uniform over the joined matrix, zeros for biases, as torch.nn.MultiheadAttention starts.
    const bound = Math.sqrt(6 / (d + 3 * d));
    const zeros = { kind: 'constant', value: 0 } as const;
    const w = cx.param('in_proj_weight', [3 * d, d], { kind: 'uniform', low: -bound, high: bound });
    const qkv = linear(b, x, w, bias ? cx.param('in_proj_bias', [3 * d], zeros) : undefined);
    const part = (i: number): NodeId => b.add('slice', [qkv], { start: [0, 0, i * d], size: shape });
    const out = inHeads(cx, part(0), part(1), part(2), num_heads, num_heads, { causal, mask: cx.named['mask'] });
    if (typeof out !== 'number') return out;
    const own = 1 / Math.sqrt(d);
    const wo = cx.param('out_proj.weight', [d, d], { kind: 'uniform', low: -own, high: own });
    return linear(b, out, wo, bias ? cx.param('out_proj.bias', [d], zeros) : undefined);
  },
});
