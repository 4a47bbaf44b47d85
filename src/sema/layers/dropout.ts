import { layer } from './layer.ts';

/** Zeroes elements with probability p while training and scales the rest by 1/(1-p); nothing else otherwise. */
export const Dropout = layer({
  doc: 'zeroes elements at random while training',
  torch: 'torch.nn.Dropout',
  parameters: { p: { type: 'number', default: 0.5, min: 0, below: 1, doc: 'the probability of zero' } },
  keepsShape: true,
  build(cx, { p }, x) {
    if (!cx.training || p === 0) return x;
    const { b } = cx;
    // The mask is a function of (seed, step, element): recomputed wherever it is needed, never stored.
    const u = cx.random(b.shape(x));
    const keep = b.op('le', b.like(p, u), u);
    return b.op('select', keep, b.op('mul', x, b.like(1 / (1 - p), x)), b.like(0, x));
  },
});
