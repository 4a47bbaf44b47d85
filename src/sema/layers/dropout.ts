import { showShape } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { layer, problem, type Layer, type LayerContext, type Problem } from './layer.ts';
import { PLACES, type Axes } from './windows.ts';

/** Dropout layers: random while training, the identity otherwise. */

const p = { type: 'number', default: 0.5, min: 0, below: 1, doc: 'dropout probability' } as const;

/**
 * Which elements of x are kept; the axes from `shared` on share one draw. The mask is a function of (seed, step, element) and never stored.
 */
function kept(cx: LayerContext, x: NodeId, p: number, shared?: number): NodeId {
  const { b } = cx;
  const shape = b.shape(x);
  const own = shape.slice(0, shared);
  const u = cx.random(own);
  return b.broadcast(
    b.op('le', b.like(p, u), u),
    shape,
    own.map((_, i) => i),
  );
}

/** Dropped elements become 0; the others are scaled by 1/(1-p), which keeps the mean. */
function drop(b: GraphBuilder, x: NodeId, keep: NodeId, p: number): NodeId {
  return b.op('select', keep, b.op('mul', x, b.like(1 / (1 - p), x)), b.like(0, x));
}

export const Dropout = layer({
  doc: 'zeroes elements at random while training',
  torch: 'torch.nn.Dropout',
  parameters: { p },
  keepsShape: true,
  build: (cx, { p }, x) => (cx.training && p > 0 ? drop(cx.b, x, kept(cx, x, p), p) : x),
});

const channels = (axes: Axes): Layer =>
  layer({
    doc: 'zeroes whole channels at random while training',
    torch: `torch.nn.Dropout${axes}d`,
    shape: `[B, channels, ${PLACES[axes]}], which stays`,
    parameters: { p },
    keepsShape: true,
    build(cx, { p }, x) {
      const shape = cx.b.shape(x);
      if (shape.length !== axes + 2)
        return problem('NN203', `${cx.text} takes [B, channels, ${PLACES[axes]}], and ${showShape(shape)} flows in`);
      return cx.training && p > 0 ? drop(cx.b, x, kept(cx, x, p, 2), p) : x;
    },
  });

export const Dropout1d = channels(1);
export const Dropout2d = channels(2);
export const Dropout3d = channels(3);

/** The limit of selu at minus infinity. */
const FLOOR = -1.7580993408473766;

/** Klambauer et al., 2017: dropped elements become selu's lowest value, and a x + c restores mean 0 and variance 1. */
function dropToFloor(b: GraphBuilder, x: NodeId, keep: NodeId, p: number): NodeId {
  const a = 1 / Math.sqrt((1 - p) * (1 + p * FLOOR * FLOOR));
  const c = -a * p * FLOOR;
  return b.op('select', keep, b.op('add', b.op('mul', x, b.like(a, x)), b.like(c, x)), b.like(a * FLOOR + c, x));
}

export const AlphaDropout = layer({
  doc: 'dropout for selu: sets random elements to its lower limit while training, and keeps mean 0 and variance 1',
  torch: 'torch.nn.AlphaDropout',
  parameters: { p },
  keepsShape: true,
  build: (cx, { p }, x) => (cx.training && p > 0 ? dropToFloor(cx.b, x, kept(cx, x, p), p) : x),
});

const noChannels = (cx: LayerContext, x: NodeId): Problem | undefined =>
  cx.b.shape(x).length >= 2 ? undefined : problem('NN203', `${cx.text} takes [B, channels, ...], and ${showShape(cx.b.shape(x))} flows in`);

export const FeatureAlphaDropout = layer({
  doc: 'AlphaDropout of whole channels while training',
  torch: 'torch.nn.FeatureAlphaDropout',
  shape: '[B, channels, ...], which stays',
  parameters: { p },
  keepsShape: true,
  build: (cx, { p }, x) => noChannels(cx, x) ?? (cx.training && p > 0 ? dropToFloor(cx.b, x, kept(cx, x, p, 2), p) : x),
});
