import { at } from '../../base/errors.ts';
import { sameDim, sameShape, showShape, type Dim, type Shape } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { broadcastShapes, broadcastTo } from '../arithmetic.ts';
import { LOWEST, part, softmax } from '../functions.ts';
import { dropped } from './dropped.ts';
import { layer, problem, type LayerContext, type Problem } from './layer.ts';

export interface Attending {
  /** Queries do not see later keys. */
  readonly causal: boolean;
  /** Float masks are added to the scores, boolean masks say which keys are visible; each broadcasts to the scores. */
  readonly masks?: readonly NodeId[];
  /** The number of keys in front of the sequence that every query sees. */
  readonly extra?: number;
  /** The factor of the scores, if it is not 1/sqrt(d). */
  readonly scale?: number | undefined;
  /** Dropout on the attention weights. */
  readonly drop?: (weights: NodeId) => NodeId;
}

/** Up to this length all queries attend to all keys at once. */
const LONGEST = 512;
/** Queries per block in longer sequences: only this many rows of scores are alive at once. */
const BLOCK = 256;

/**
 * softmax(q k^T / sqrt(d)) v for heads of [..., T, d]; with `causal` each position sees only itself and earlier ones. Long sequences go in
 * blocks of queries, so that the T x S scores never exist as a whole, and a causal block skips the keys it does not see. The backward pass
 * recomputes the scores (`passes/graph/rematerialize.ts`).
 */
export function scaledDotProduct(b: GraphBuilder, q: NodeId, k: NodeId, v: NodeId, a: Attending): NodeId {
  const axis = b.shape(q).length - 2;
  const [t, s] = [b.shape(q)[axis], b.shape(k)[axis]];
  if (typeof t !== 'number' || typeof s !== 'number' || t <= LONGEST) return block(b, q, k, v, a, 0);
  const wide: Shape = [...b.shape(q).slice(0, axis), t, s];
  const masks = (a.masks ?? []).map((m) => spread(b, m, wide));
  const blocks = Array.from({ length: Math.ceil(t / BLOCK) }, (_, i) => {
    const [from, count] = [i * BLOCK, Math.min(BLOCK, t - i * BLOCK)];
    const seen = a.causal ? Math.min(s, from + count + (a.extra ?? 0)) : s;
    const own = masks.map((m) => part(b, part(b, m, axis, from, count), axis + 1, 0, seen));
    return block(b, part(b, q, axis, from, count), part(b, k, axis, 0, seen), part(b, v, axis, 0, seen), { ...a, masks: own }, from);
  });
  return b.add('concat', blocks, { axis });
}

/** Broadcasts a mask to a shape. */
function spread(b: GraphBuilder, mask: NodeId, shape: Shape): NodeId {
  const wide = broadcastTo(b, b.cast(mask, 'f32'), shape);
  return b.type(mask).dtype === 'bool' ? b.cast(wide, 'bool') : wide;
}

/** Attention of the queries from place `first` on over all keys. */
function block(b: GraphBuilder, q: NodeId, k: NodeId, v: NodeId, a: Attending, first: number): NodeId {
  const shape = b.shape(q);
  const rank = shape.length;
  const lead = 'abcdef'.slice(0, rank - 2);
  const scores = b.contract(`${lead}tz,${lead}sz->${lead}ts`, q, k);
  const type = { dtype: 'i32', shape: b.shape(scores) } as const;
  let masked = b.op('mul', scores, b.like(a.scale ?? 1 / Math.sqrt(at(shape, rank - 1) as number), scores));
  const masks = (a.masks ?? []).map((m) => spread(b, m, type.shape));
  const isTruth = (m: NodeId): boolean => b.type(m).dtype === 'bool';
  // Float masks are added first, so that they cannot unhide anything.
  for (const m of masks.filter((m) => !isTruth(m))) masked = b.op('add', masked, m);
  // A very low number instead of infinity, which drivers may assume does not occur. A query that sees no key attends to all equally.
  const low = b.like(LOWEST, scores);
  for (const m of masks.filter(isTruth)) masked = b.op('select', m, masked, low);
  if (a.causal) {
    const place = b.add('iota', [], { axis: rank - 2 }, type);
    const before = first + (a.extra ?? 0);
    const query = before === 0 ? place : b.op('add', place, b.like(before, place));
    masked = b.op('select', b.op('lt', query, b.add('iota', [], { axis: rank - 1 }, type)), low, masked);
  }
  const weights = softmax(b, masked, rank - 1);
  return b.contract(`${lead}ts,${lead}sz->${lead}tz`, a.drop ? a.drop(weights) : weights, v);
}

/**
 * Reshapes a mask so that it broadcasts to the scores [B, heads, T, S]. Three axes are [B, T, S], or [heads, T, S] if the first is not the
 * batch.
 */
export function fitMask(cx: LayerContext, mask: NodeId, scores: Shape): NodeId | Problem {
  const { b } = cx;
  const found = b.shape(mask);
  const [batch, ...places] = found;
  const shape = batch !== undefined && places.length === 2 && sameDim(batch, at(scores, 0)) ? [batch, 1, ...places] : found;
  return sameShape(broadcastShapes(shape, scores) ?? [], scores)
    ? b.reshape(mask, shape)
    : problem(
        'NN203',
        `the mask ${showShape(found)} does not broadcast to ${showShape(scores)}`,
        'it is [T, S], [B, T, S] or [B, heads, T, S]',
      );
}

/** Attention of [B, T, heads * d] over [B, S, kv_heads * d]. With fewer kv_heads, groups of heads share keys and values. */
export function inHeads(
  cx: LayerContext,
  q: NodeId,
  k: NodeId,
  v: NodeId,
  heads: number,
  kvHeads: number,
  attending: Attending,
): NodeId | Problem {
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
  const masks: NodeId[] = [];
  for (const mask of attending.masks ?? []) {
    const fitted = fitMask(cx, mask, scores);
    if (typeof fitted !== 'number') return fitted;
    masks.push(fitted);
  }
  const apart = (x: NodeId, n: number): NodeId => {
    const [batch, t] = b.shape(x) as [Dim, Dim];
    const split = b.permute(b.reshape(x, [batch, t, n, size]), [0, 2, 1, 3]);
    if (n === heads) return split;
    // Each key head serves heads / kv_heads neighbouring query heads.
    const repeated = b.broadcast(split, [batch, n, heads / n, t, size], [0, 1, 3, 4]);
    return b.reshape(repeated, [batch, heads, t, size]);
  };
  const out = scaledDotProduct(b, apart(q, heads), apart(k, kvHeads), apart(v, kvHeads), { ...attending, masks });
  return b.reshape(b.permute(out, [0, 2, 1, 3]), shape);
}

/** Dropout on the attention weights, if p is not 0. */
export const dropping = (cx: LayerContext, p: number): Pick<Attending, 'drop'> => (p === 0 ? {} : { drop: (w) => dropped(cx, w, p) });

/** The masks that are given. */
export const masksOf = (...given: readonly (NodeId | undefined)[]): NodeId[] => given.filter((m) => m !== undefined);

const causal = {
  type: 'bool',
  default: false,
  doc: 'applies a causal mask: each position attends only to itself and earlier positions',
} as const;
const kv_heads = { type: 'int', min: 1, doc: 'number of key/value heads; default: heads' } as const;

export const attention = layer({
  doc: 'scaled dot-product attention with several heads; mask is [T, S], [B, T, S] or [B, heads, T, S]: a float mask is added to the scores, a boolean mask is true where attention is allowed',
  torch: 'torch.nn.functional.scaled_dot_product_attention',
  shape: '[B, T, d], [B, S, d], [B, S, d] -> [B, T, d]',
  anyType: true,
  inputs: ['q', 'k', 'v'],
  named: ['mask'],
  parameters: {
    heads: { type: 'int', default: 1, min: 1, doc: 'number of heads' },
    causal,
    kv_heads,
    dropout: { type: 'number', default: 0, min: 0, below: 1, doc: 'dropout probability of the attention weights, while training' },
    scale: { type: 'number', doc: 'scale factor of the scores; default: 1/sqrt(d/heads)' },
  },
  optional: ['kv_heads', 'scale'],
  build(cx, args, q, k = q, v = q) {
    if ([q, k, v].some((x) => cx.b.type(x).dtype !== 'f32')) return problem('NN204', `${cx.text} takes numbers`);
    const given: { readonly kv_heads?: number; readonly scale?: number } = args;
    return inHeads(cx, q, k, v, args.heads, given.kv_heads ?? args.heads, {
      causal: args.causal,
      masks: masksOf(cx.named['mask']),
      scale: given.scale,
      ...dropping(cx, args.dropout),
    });
  },
});
