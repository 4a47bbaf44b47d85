import { sameDim, showShape } from '../../base/types.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import type { ArgsOf } from '../arguments.ts';
import { gelu, relu } from '../functions.ts';
import { dropped } from './dropped.ts';
import { layer, problem, type BuiltValue, type LayerContext, type Problem } from './layer.ts';
import { Linear } from './linear.ts';
import { MultiheadAttention } from './multihead.ts';
import { built, inside } from './nested.ts';
import { LayerNorm } from './norm.ts';

/**
 * The layers of Vaswani et al., 2017, composed as in torch.nn, with the weight names of its state_dict. nn.TransformerEncoder and
 * nn.TransformerDecoder copy the layer that they are given, so all of their layers start equal. Here each draws its own numbers: with --rng
 * torch the first layer starts as PyTorch's does, and the others continue the stream.
 */
const sizes = {
  d_model: { type: 'int', min: 1, doc: 'embedding size' },
  nhead: { type: 'int', min: 1, doc: 'number of heads' },
} as const;
const num_layers = { type: 'int', min: 1, doc: 'number of stacked layers' } as const;
const causal = {
  type: 'bool',
  default: false,
  doc: 'applies a causal mask: each position attends only to itself and earlier positions',
} as const;
const settings = {
  dim_feedforward: { type: 'int', default: 2048, min: 1, doc: 'hidden size of the feed-forward network' },
  dropout: { type: 'number', default: 0.1, min: 0, below: 1, doc: 'dropout probability, while training' },
  activation: { type: 'string', default: 'relu', choices: ['relu', 'gelu'], doc: 'activation of the feed-forward network' },
  layer_norm_eps: { type: 'number', default: 1e-5, min: 0, doc: 'eps of the LayerNorms' },
  norm_first: {
    type: 'bool',
    default: false,
    doc: 'applies LayerNorm before attention and feed-forward (pre-norm), not after them (post-norm)',
  },
  bias: { type: 'bool', default: true, doc: 'adds trainable biases' },
} as const;
const norm = { type: 'bool', default: false, doc: 'adds a LayerNorm at the end' } as const;
type Args = ArgsOf<typeof sizes & typeof settings> & { readonly causal: boolean };

function normalized(cx: LayerContext, name: string, args: Args, x: NodeId): NodeId {
  const { d_model, layer_norm_eps: eps, bias } = args;
  return built(LayerNorm, inside(cx, name), { normalized_shape: d_model, eps, elementwise_affine: true, bias }, x);
}

/** x + part(x), with the norm before or after. */
function residual(cx: LayerContext, name: string, args: Args, x: NodeId, part: (x: NodeId) => NodeId | Problem): NodeId | Problem {
  const y = part(args.norm_first ? normalized(cx, name, args, x) : x);
  if (typeof y !== 'number') return y;
  const sum = cx.b.op('add', x, dropped(cx, y, args.dropout));
  return args.norm_first ? sum : normalized(cx, name, args, sum);
}

interface Looking {
  readonly key?: NodeId;
  readonly causal: boolean;
  readonly mask: NodeId | undefined;
  readonly key_padding_mask: NodeId | undefined;
}

function attended(cx: LayerContext, name: string, args: Args, x: NodeId, { causal: blind, ...named }: Looking): NodeId | Problem {
  const { d_model: embed_dim, nhead: num_heads, bias, dropout } = args;
  const own = { embed_dim, num_heads, bias, dropout, causal: blind, add_bias_kv: false, add_zero_attn: false };
  return MultiheadAttention.build(inside(cx, name, named), own, x) as NodeId | Problem;
}

function feedForward(cx: LayerContext, args: Args, x: NodeId): NodeId {
  const { d_model, dim_feedforward: wide, bias } = args;
  const up = built(Linear, inside(cx, 'linear1'), { in_features: d_model, out_features: wide, bias }, x);
  const active = (args.activation === 'gelu' ? gelu : relu)(cx.b, up);
  const down = { in_features: wide, out_features: d_model, bias };
  return built(Linear, inside(cx, 'linear2'), down, dropped(cx, active, args.dropout));
}

/** Builds residual parts one after the other; the first problem is returned. */
function parts(cx: LayerContext, args: Args, x: NodeId, ...all: readonly ((x: NodeId) => NodeId | Problem)[]): NodeId | Problem {
  let y = x;
  for (const [i, part] of all.entries()) {
    const next = residual(cx, `norm${i + 1}`, args, y, part);
    if (typeof next !== 'number') return next;
    y = next;
  }
  return y;
}

/** What keeps x from being a sequence of d_model vectors, with the batch size of `like`. */
function fits(cx: LayerContext, { d_model, nhead }: Args, x: NodeId, what: string, like = x): Problem | undefined {
  const { b } = cx;
  const shape = b.shape(x);
  if (shape.length !== 3 || shape[2] !== d_model || !sameDim(shape[0] ?? 1, b.shape(like)[0] ?? 1))
    return problem('NN203', `${cx.text} takes ${what} of [B, ${what === 'memory' ? 'S' : 'T'}, ${d_model}], and it is ${showShape(shape)}`);
  if (d_model % nhead !== 0) return problem('NN203', `${cx.text} has vectors of ${d_model}, which are not ${nhead} equal heads`);
  return undefined;
}

function encoderLayer(cx: LayerContext, args: Args, x: NodeId): NodeId | Problem {
  const { src_mask: mask, src_key_padding_mask: key_padding_mask } = cx.named;
  return parts(
    cx,
    args,
    x,
    (y) => attended(cx, 'self_attn', args, y, { causal: args.causal, mask, key_padding_mask }),
    (y) => feedForward(cx, args, y),
  );
}

function decoderLayer(cx: LayerContext, args: Args, x: NodeId, memory: NodeId): NodeId | Problem {
  const given = cx.named;
  const own = { causal: args.causal, mask: given['tgt_mask'], key_padding_mask: given['tgt_key_padding_mask'] };
  const other = { key: memory, causal: false, mask: given['memory_mask'], key_padding_mask: given['memory_key_padding_mask'] };
  return parts(
    cx,
    args,
    x,
    (y) => attended(cx, 'self_attn', args, y, own),
    (y) => attended(cx, 'multihead_attn', args, y, other),
    (y) => feedForward(cx, args, y),
  );
}

/** Stacked layers, with an optional norm at the end. */
function stacked(
  cx: LayerContext,
  args: Args & { readonly num_layers: number; readonly norm: boolean },
  x: NodeId,
  named: LayerContext['named'],
  one: (cx: LayerContext, args: Args, x: NodeId) => NodeId | Problem,
): BuiltValue {
  let y = x;
  for (let i = 0; i < args.num_layers; i++) {
    const next = one(inside(cx, `layers.${i}`, named), args, y);
    if (typeof next !== 'number') return next;
    y = next;
  }
  return args.norm ? normalized(cx, 'norm', args, y) : y;
}

const TRUTH = 'boolean masks are true where attention is allowed, the opposite of PyTorch';
const DECODER_MASKS = ['tgt_mask', 'memory_mask', 'tgt_key_padding_mask', 'memory_key_padding_mask'] as const;
const encoder = { shape: '[B, T, d_model] -> [B, T, d_model]', keepsShape: true } as const;
const decoder = { shape: '[B, T, d_model], [B, S, d_model] -> [B, T, d_model]', inputs: ['tgt', 'memory'], named: DECODER_MASKS } as const;

export const TransformerEncoderLayer = layer({
  ...encoder,
  doc: `self-attention and a feed-forward network, each with a residual connection and LayerNorm; ${TRUTH}`,
  torch: 'torch.nn.TransformerEncoderLayer(batch_first=True)',
  named: ['src_mask', 'src_key_padding_mask'],
  parameters: { ...sizes, ...settings, causal },
  build: (cx, args, x) => fits(cx, args, x, 'src') ?? encoderLayer(cx, args, x),
});

export const TransformerDecoderLayer = layer({
  ...decoder,
  doc: `self-attention, cross-attention to memory and a feed-forward network, each with a residual connection and LayerNorm; ${TRUTH}`,
  torch: 'torch.nn.TransformerDecoderLayer(batch_first=True)',
  parameters: { ...sizes, ...settings, causal },
  build: (cx, args, x, memory = x) => fits(cx, args, x, 'tgt') ?? fits(cx, args, memory, 'memory', x) ?? decoderLayer(cx, args, x, memory),
});

export const TransformerEncoder = layer({
  ...encoder,
  doc: 'a stack of TransformerEncoderLayers, each with its own initial weights, while PyTorch copies those of the first',
  torch: 'torch.nn.TransformerEncoder',
  named: ['mask', 'src_key_padding_mask'],
  parameters: { ...sizes, num_layers, ...settings, causal, norm },
  build(cx, args, x) {
    const { mask: src_mask, src_key_padding_mask } = cx.named;
    return fits(cx, args, x, 'src') ?? stacked(cx, args, x, { src_mask, src_key_padding_mask }, encoderLayer);
  },
});

export const TransformerDecoder = layer({
  ...decoder,
  doc: 'a stack of TransformerDecoderLayers, each with its own initial weights, while PyTorch copies those of the first',
  torch: 'torch.nn.TransformerDecoder',
  parameters: { ...sizes, num_layers, ...settings, causal, norm },
  build: (cx, args, x, memory = x) =>
    fits(cx, args, x, 'tgt') ??
    fits(cx, args, memory, 'memory', x) ??
    stacked(cx, args, x, cx.named, (c, a, y) => decoderLayer(c, a, y, memory)),
});
