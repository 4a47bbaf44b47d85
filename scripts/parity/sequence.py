"""What the cases of attention and of positions say in PyTorch's words, where PyTorch 1.13 has no function for it."""
import math

import torch


def attend(q, k, v, heads=1, kv_heads=None, mask=None, causal=False, scale=None):
    """Scaled dot-product attention of [B, T, heads * d]; a mask is added, or says what may be seen."""
    kv_heads = kv_heads or heads
    apart = lambda x, n: x.unflatten(2, (n, -1)).transpose(1, 2).repeat_interleave(heads // n, 1)
    q, k, v = apart(q, heads), apart(k, kv_heads), apart(v, kv_heads)
    scores = q @ k.transpose(2, 3) * (1 / math.sqrt(q.shape[-1]) if scale is None else scale)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else scores + mask
    if causal:
        scores = scores.masked_fill(~torch.ones(scores.shape[-2:], dtype=torch.bool).tril(), -math.inf)
    return (torch.softmax(scores, -1) @ v).transpose(1, 2).flatten(2)


def angles(places, n, base):
    return torch.arange(places)[:, None] * base ** (-torch.arange(n) / n)[None, :]


def rotate(x, heads=1, base=10000.0):
    """Su et al., 2021: the halves of each head are the parts of complex numbers that are turned."""
    halves = x.unflatten(2, (heads, 2, -1))
    a = angles(x.shape[1], halves.shape[-1], base)[:, None, :]
    p, q = halves[:, :, :, 0], halves[:, :, :, 1]
    return torch.stack([p * a.cos() - q * a.sin(), q * a.cos() + p * a.sin()], 3).flatten(2)


def positions(x, d):
    """Vaswani et al., 2017: sines at even places of the vector, cosines at odd ones."""
    a = angles(x.shape[1], d // 2, 10000.0)
    return torch.stack([a.sin(), a.cos()], 2).flatten(1).expand(x.shape[0], -1, -1)


def unbiased(module):
    """A module whose biases are zeros, where PyTorch 1.13 cannot leave them out."""
    with torch.no_grad():
        for name, p in module.named_parameters():
            if name.endswith("bias"):
                p.zero_()
    return module


HELPERS = {"attend": attend, "rotate": rotate, "positions": positions, "unbiased": unbiased}
