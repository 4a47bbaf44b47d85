"""Trains the programs of test/parity/programs with PyTorch and stores what they start from and their losses: `npm run parity`.

Everything is float64. A program that draws random numbers draws those of nnc: Threefry-2x32 of (seed, stream; step, element), as
src/base/random.ts has it, so that even noise can be compared.
"""
import json
import math
import pathlib
import sys

import torch
import torch.nn.functional as F

from generate import ROOT, Stream, plain

MASK = 0xFFFFFFFF
ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24]


def threefry(key, counter):
    k = [key[0], key[1], key[0] ^ key[1] ^ 0x1BD11BDA]
    x, y = (counter[0] + k[0]) & MASK, (counter[1] + k[1]) & MASK
    for group in range(5):
        for r in range(4):
            x = (x + y) & MASK
            turn = ROTATIONS[(group % 2) * 4 + r]
            y = (((y << turn) | (y >> (32 - turn))) & MASK) ^ x
        x = (x + k[(group + 1) % 3]) & MASK
        y = (y + k[(group + 2) % 3] + group + 1) & MASK
    return x


def uniform(seed, stream, step, shape):
    n = math.prod(shape)
    return torch.tensor([(threefry((seed, stream), (step, i)) >> 8) / 2**24 for i in range(n)], dtype=torch.float64).reshape(shape)


def normal(seed, stream, step, shape):
    """Box and Muller from the streams `stream` and `stream + 1`."""
    u, v = uniform(seed, stream, step, shape), uniform(seed, stream + 1, step, shape)
    return torch.sqrt(-2 * torch.log(1 - u)) * torch.cos(2 * math.pi * v)


def linear(p, name, x):
    return F.linear(x, p[f"{name}.weight"], p.get(f"{name}.bias"))


def vae(p, data, step):
    x = data["x"]
    mu, logvar = linear(p, "vae.encode", x).chunk(2, -1)
    z = mu + torch.exp(0.5 * logvar) * normal(5, 1, step, mu.shape)
    image = linear(p, "vae.decode", torch.tanh(linear(p, "vae.hidden", z)))
    divergence = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1).mean()
    return ((image - x) ** 2).sum(1).mean() + divergence


def tied(p, data, step):
    d, heads = 8, 2
    ids = data["tokens"]
    x = p["wte.weight"][ids] + p["wpe.weight"][: ids.shape[1]]
    norm = lambda name, v: F.layer_norm(v, (d,), p[f"{name}.weight"], p[f"{name}.bias"])
    for i in range(2):
        split = lambda v: v.reshape(*v.shape[:2], heads, d // heads).transpose(1, 2)
        q, k, v = map(split, linear(p, f"h.{i}.c_attn", norm(f"h.{i}.ln_1", x)).chunk(3, -1))
        scores = q @ k.transpose(-1, -2) / math.sqrt(d // heads)
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
        seen = torch.softmax(scores.masked_fill(~mask, -math.inf), -1) @ v
        x = x + linear(p, f"h.{i}.c_proj", seen.transpose(1, 2).reshape(x.shape))
        inner = F.gelu(linear(p, f"h.{i}.c_fc", norm(f"h.{i}.ln_2", x)), approximate="tanh")
        x = x + linear(p, f"h.{i}.proj", inner)
    logits = norm("ln_f", x) @ p["wte.weight"].T
    return F.cross_entropy(logits.reshape(-1, 11), data["target"].reshape(-1))


def twins(p, data, step):
    net = lambda x: linear(p, "net.2", torch.relu(linear(p, "net.0", x)))
    apart = torch.linalg.vector_norm(net(data["a"]) - net(data["b"]), dim=1, keepdim=True)
    same = data["target"]
    return (same * apart**2 + (1 - same) * torch.relu(1 - apart) ** 2).mean()


def ctc(p, data, step):
    # Written with the function, since a module keeps its weights in a list of its own, which functional_call does not replace.
    weights = [p[f"0.{k}"] for k in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")]
    signal = data["signal"]
    seen, _ = torch._VF.gru(signal, torch.zeros(1, len(signal), 8), weights, True, 1, 0.0, True, False, True)
    said = F.log_softmax(linear(p, "1", seen), -1).transpose(0, 1)
    word = data["target"]
    return F.ctc_loss(said, word, torch.full((len(word),), 7), torch.full((len(word),), 3))


def gan(p, states, data, step):
    """The losses of both phases, each of which makes its pictures anew; the second sees what the first has made of the weights."""
    noise = normal(3, 1, step, (len(data["real"]), 3))

    def made():
        h = linear(p, "gen.0", noise)
        h = F.batch_norm(h, states["gen.1.running_mean"], states["gen.1.running_var"], p["gen.1.weight"], p["gen.1.bias"], True)
        return linear(p, "gen.3", torch.relu(h))

    judged = lambda x: linear(p, "disc.2", F.leaky_relu(linear(p, "disc.0", x), 0.2))
    told = lambda x, truth: F.binary_cross_entropy_with_logits(judged(x), torch.full((len(x), 1), float(truth)))
    yield told(data["real"], 1) + told(made().detach(), 0)
    yield told(made(), 1)


def trained_in_turn():
    stream = Stream(77)
    given = {"real": floats(stream, [6, 2])}
    shapes = {**layers({"gen.0": (3, 8), "gen.3": (8, 2), "disc.0": (2, 8), "disc.2": (8, 1)}), **norms(["gen.1"], 8)}
    # What a norm follows has no use for a bias: its gradient is nothing but rounding.
    del shapes["gen.0.bias"]
    weights = {k: floats(stream, s, -0.5, 0.5) for k, s in shapes.items()}
    states = {"gen.1.running_mean": torch.zeros(8), "gen.1.running_var": torch.ones(8)}
    starts = {k: {"shape": [8], "data": plain(v.tolist())} for k, v in states.items()}
    tensor = lambda v: torch.tensor(v["data"], dtype=torch.float64).reshape(v["shape"])
    params = {k: tensor(v).requires_grad_() for k, v in weights.items()}
    tensors = {k: tensor(v) for k, v in given.items()}
    adam = lambda name, lr: torch.optim.Adam([v for k, v in params.items() if k.startswith(name)], lr=lr, betas=(0.5, 0.999))
    turns = [adam("disc", 0.02), adam("gen", 0.01)]
    losses = []
    for i in range(STEPS):
        for turn, loss in zip(turns, gan(params, states, tensors, i)):
            turn.zero_grad()
            loss.backward()
            turn.step()
            if turn is turns[0]:
                losses.append(loss.item())
    final = {k: {"shape": list(v.shape), "data": plain(v.detach().reshape(-1).tolist())} for k, v in [*params.items(), *states.items()]}
    return {"data": given, "weights": {**weights, **starts}, "losses": plain(losses), "final": final}


def floats(stream, shape, low=-1, high=1):
    return {"shape": shape, "data": stream.floats(math.prod(shape), low, high)}


def ints(stream, shape, below):
    return {"shape": shape, "data": stream.ints(math.prod(shape), below), "int": True}


def pairs(stream):
    """Seven pairs, of which two are the same twice."""
    a, b = floats(stream, [7, 5]), floats(stream, [7, 5])
    b["data"][:5], b["data"][15:20] = a["data"][:5], a["data"][15:20]
    return {"a": a, "b": b, "target": {"shape": [7, 1], "data": [1, 0, 1, 1, 0, 0, 1]}}


def layers(names):
    """Weights and biases by the name of their layer and its sizes."""
    return {f"{n}.{k}": s for n, (i, o) in names.items() for k, s in (("weight", [o, i]), ("bias", [o]))}


def norms(names, d):
    return {f"{n}.{k}": [d] for n in names for k in ("weight", "bias")}


GPT = {f"h.{i}.{n}": size for i in range(2) for n, size in {"c_attn": (8, 24), "c_proj": (8, 8), "c_fc": (8, 32), "proj": (32, 8)}.items()}
PROGRAMS = {
    "vae": (vae, lambda s: {"x": floats(s, [5, 6])}, layers({"vae.encode": (6, 4), "vae.hidden": (2, 8), "vae.decode": (8, 6)}), lambda p: torch.optim.Adam(p, lr=0.01)),
    "tied": (
        tied,
        lambda s: {"tokens": ints(s, [4, 6], 11), "target": ints(s, [4, 6], 11)},
        {"wte.weight": [11, 8], "wpe.weight": [6, 8], **layers(GPT), **norms(["ln_f", *[f"h.{i}.ln_{k}" for i in range(2) for k in (1, 2)]], 8)},
        lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
    ),
    "ctc": (
        ctc,
        lambda s: {"signal": floats(s, [4, 7, 3]), "target": {"shape": [4, 3], "data": [1, 2, 3, 4, 4, 1, 2, 2, 2, 3, 1, 3], "int": True}},
        {"0.weight_ih_l0": [24, 3], "0.weight_hh_l0": [24, 8], "0.bias_ih_l0": [24], "0.bias_hh_l0": [24], **layers({"1": (8, 5)})},
        lambda p: torch.optim.Adam(p, lr=0.02),
    ),
    "twins": (twins, pairs, layers({"net.0": (5, 8), "net.2": (8, 3)}), lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9)),
}
STEPS = 20


def trained(name):
    loss, data, shapes, optimizer = PROGRAMS[name]
    stream = Stream(len(name) * 7919)
    given = data(stream)
    weights = {k: floats(stream, s, -0.5, 0.5) for k, s in shapes.items()}
    tensor = lambda v: torch.tensor(v["data"], dtype=torch.long if v.get("int") else torch.float64).reshape(v["shape"])
    params = {k: tensor(v).requires_grad_() for k, v in weights.items()}
    tensors = {k: tensor(v) for k, v in given.items()}
    step = optimizer(list(params.values()))
    losses = []
    for i in range(STEPS):
        step.zero_grad()
        value = loss(params, tensors, i)
        value.backward()
        step.step()
        losses.append(value.item())
    return {"data": given, "weights": weights, "losses": plain(losses)}


def main():
    torch.set_default_dtype(torch.float64)
    runs = {**{name: lambda name=name: trained(name) for name in PROGRAMS}, "gan": trained_in_turn}
    for name, run in runs.items():
        (ROOT / "programs" / f"{name}.json").write_text(json.dumps(run(), separators=(",", ":")) + "\n")
        print(f"{name}: {STEPS} steps")


if __name__ == "__main__":
    sys.exit(main())
