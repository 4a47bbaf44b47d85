"""Asks PyTorch for traces of optimizers and of schedules: `npm run parity`; test/parity/optimizers.test.ts holds nnc against them.

Writes test/parity/values/optimizers.json and schedules.json. Every trace is an `optim` line and what becomes of the weights
of MODEL under the gradients that stand in the file: they do not depend on the weights, so that every sign and every size comes
up. What PyTorch 1.13 lacks, or has since mended, is written out here from the papers, in float64.
"""
import json
import math
import pathlib

import torch
from torch import optim
from torch.optim import lr_scheduler as schedulers

from generate import ROOT, Stream, seed_of

torch.set_default_dtype(torch.float64)

MODEL = "layer a: Linear(2, 3) -> b: Linear(3, 2, bias=false)"
# A tall matrix, a vector that starts at zero, a wide matrix.
SHAPES = {"a.weight": [3, 2], "a.bias": [3], "b.weight": [2, 3]}
STEPS = 8
# After which steps the weights are written down.
SEEN = [0, 1, 2, 4, 7]


class Hand(optim.Optimizer):
    """An update written out: `rule(p, g, s, t, o)` changes the parameter p by its gradient g, with its state s, in step t from 1."""

    def __init__(self, params, rule, **defaults):
        super().__init__(params, {"weight_decay": 0, **defaults})
        self.rule, self.t = rule, 0

    @torch.no_grad()
    def step(self):
        self.t += 1
        for group in self.param_groups:
            for p in group["params"]:
                self.rule(p, p.grad.clone(), self.state[p], self.t, group)


def slot(s, name, like, start=0.0):
    return s.setdefault(name, torch.full_like(like, start))


def shrink(p, o):
    p.mul_(1 - o["lr"] * o["weight_decay"])


def nadam(old):
    """Dozat, 2016. PyTorch 1.13 multiplied the next momentum by the present one twice, and kept the product in float32."""

    def rule(p, g, s, t, o):
        beta1, beta2 = o["betas"]
        if o.get("decoupled"):
            shrink(p, o)
        else:
            g += o["weight_decay"] * p
        mu = lambda step: beta1 * (1 - 0.5 * 0.96 ** (step * o["momentum_decay"]))
        f32 = (lambda x: float(torch.tensor(x, dtype=torch.float32))) if old else (lambda x: x)
        product = s["product"] = f32(s.get("product", 1.0) * mu(t))
        following = f32(f32(product * mu(t)) * mu(t + 1)) if old else product * mu(t + 1)
        m = slot(s, "m", p).mul_(beta1).add_((1 - beta1) * g)
        v = slot(s, "v", p).mul_(beta2).add_((1 - beta2) * g * g)
        root = (v / (1 - beta2**t)).sqrt() + o["eps"]
        p.sub_(o["lr"] * (1 - mu(t)) / (1 - product) * g / root + o["lr"] * mu(t + 1) / (1 - following) * m / root)

    return rule


def decoupled(make):
    """An optimizer of PyTorch without weight decay, after the decay has acted on the parameters."""

    class Decoupled:
        def __init__(self, params, weight_decay=0.0, **o):
            self.inner, self.decay = make(params, **o), weight_decay
            self.param_groups = self.inner.param_groups

        @torch.no_grad()
        def step(self):
            for group in self.param_groups:
                for p in group["params"]:
                    p.mul_(1 - group["lr"] * group.get("decay", self.decay))
            self.inner.step()

    return Decoupled


def lion(p, g, s, t, o):
    """Chen et al., 2023, algorithm 2."""
    beta1, beta2 = o["betas"]
    shrink(p, o)
    m = slot(s, "m", p)
    p.sub_(o["lr"] * torch.sign(beta1 * m + (1 - beta1) * g))
    m.mul_(beta2).add_((1 - beta2) * g)


def lamb(p, g, s, t, o):
    """You et al., 2020, algorithm 2, with the trust ratio 1 where a norm is 0."""
    beta1, beta2 = o["betas"]
    m = slot(s, "m", p).mul_(beta1).add_((1 - beta1) * g)
    v = slot(s, "v", p).mul_(beta2).add_((1 - beta2) * g * g)
    r = (m / (1 - beta1**t)) / ((v / (1 - beta2**t)).sqrt() + o["eps"]) + o["weight_decay"] * p
    size, length = p.norm(), r.norm()
    p.sub_(o["lr"] * (size / length if size > 0 and length > 0 else 1.0) * r)


def muon(p, g, s, t, o):
    """Jordan et al., 2024, as torch.optim.Muon has it; vectors go by AdamW."""
    shrink(p, o)
    if p.dim() != 2:
        beta1, beta2 = o["betas"]
        m = slot(s, "m", p).mul_(beta1).add_((1 - beta1) * g)
        v = slot(s, "v", p).mul_(beta2).add_((1 - beta2) * g * g)
        p.sub_(o["lr"] * (m / (1 - beta1**t)) / ((v / (1 - beta2**t)).sqrt() + o["eps"]))
        return
    buffer = slot(s, "buffer", p).mul_(o["momentum"]).add_((1 - o["momentum"]) * g)
    x = (1 - o["momentum"]) * g + o["momentum"] * buffer if o["nesterov"] else buffer.clone()
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    x = x.T if tall else x
    p.sub_(o["lr"] * math.sqrt(max(1, p.shape[0] / p.shape[1])) * x)


def adafactor(p, g, s, t, o):
    """Shazeer and Stern, 2018, as torch.optim.Adafactor has it since 2.5."""
    eps1, eps2 = o["eps"]
    share = t ** o["beta2_decay"]
    alpha = max(eps2, p.norm().item() / math.sqrt(p.numel())) * min(o["lr"], 1 / math.sqrt(t))
    shrink(p, o)
    square = g * g
    if p.dim() > 1:
        row, column = square.mean(-1, keepdim=True), square.mean(-2, keepdim=True)
        row = slot(s, "row", row).lerp_(row, share)
        column = slot(s, "column", column).lerp_(column, share)
        v = row @ column / row.mean(-2, keepdim=True).clamp(min=eps1)
    else:
        v = slot(s, "v", p).lerp_(square, share)
    u = g / v.clamp(min=eps1 * eps1).sqrt()
    p.sub_(alpha / max(1.0, u.norm().item() / (math.sqrt(u.numel()) * o["d"])) * u)




class Lookahead:
    """Zhang et al., 2019, algorithm 1, around another optimizer."""

    def __init__(self, inner, k, alpha):
        self.inner, self.k, self.alpha, self.t = inner, k, alpha, 0
        self.param_groups = inner.param_groups
        self.slow = {p: p.detach().clone() for group in self.param_groups for p in group["params"]}

    @torch.no_grad()
    def step(self):
        self.inner.step()
        self.t += 1
        if self.t % self.k == 0:
            for p, slow in self.slow.items():
                slow.add_(self.alpha * (p - slow))
                p.copy_(slow)


def hand(rule, **defaults):
    return lambda params, **o: Hand(params, rule, **{**defaults, **o})


NADAM = {"lr": 2e-3, "betas": (0.9, 0.999), "eps": 1e-8, "momentum_decay": 4e-3}
NAdam = hand(nadam(False), **NADAM)
Lion = hand(lion, lr=1e-4, betas=(0.9, 0.99))
Lamb = hand(lamb, lr=1e-3, betas=(0.9, 0.999), eps=1e-6)
Muon = hand(muon, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, momentum=0.95, nesterov=True, weight_decay=0.1)
Adafactor = hand(adafactor, lr=1e-2, beta2_decay=-0.8, eps=(2.0**-23, 1e-3), d=1.0)
SGD, Adam, AdamW, RAdam, Adamax = optim.SGD, optim.Adam, optim.AdamW, optim.RAdam, optim.Adamax
RMSprop, Adagrad, Adadelta, Rprop, ASGD = optim.RMSprop, optim.Adagrad, optim.Adadelta, optim.Rprop, optim.ASGD

# Settings around an optimizer: what clips, freezes and groups. `only` trains these, `groups` gives some settings of their own.
TRACES = [
    ("sgd lr=0.1", SGD, {"lr": 0.1}),
    ("sgd lr=0.1 momentum=0.9", SGD, {"lr": 0.1, "momentum": 0.9}),
    ("sgd lr=0.1 momentum=0.8 dampening=0.5", SGD, {"lr": 0.1, "momentum": 0.8, "dampening": 0.5}),
    ("sgd lr=0.1 momentum=0.9 weight_decay=0.3 nesterov", SGD, {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.3, "nesterov": True}),
    ("sgd lr=0.1 momentum=0.5 weight_decay=0.3 maximize", SGD, {"lr": 0.1, "momentum": 0.5, "weight_decay": 0.3, "maximize": True}),
    ("adam", Adam, {}),
    ("adam lr=0.1 betas=(0.8, 0.9) eps=0.1", Adam, {"lr": 0.1, "betas": (0.8, 0.9), "eps": 0.1}),
    ("adam lr=0.1 weight_decay=0.3 betas=(0.5, 0.7) amsgrad", Adam, {"lr": 0.1, "weight_decay": 0.3, "betas": (0.5, 0.7), "amsgrad": True}),
    ("adam lr=0.1 weight_decay=0.2 maximize", Adam, {"lr": 0.1, "weight_decay": 0.2, "maximize": True}),
    ("adamw lr=0.1", AdamW, {"lr": 0.1}),
    ("adamw lr=0.1 weight_decay=0.5 eps=1e-3 betas=(0.5, 0.6) amsgrad", AdamW, {"lr": 0.1, "weight_decay": 0.5, "eps": 1e-3, "betas": (0.5, 0.6), "amsgrad": True}),
    ("nadam", NAdam, {}),
    ("nadam lr=0.1 momentum_decay=0.4 betas=(0.8, 0.9) eps=0.01 weight_decay=0.3", NAdam, {"lr": 0.1, "momentum_decay": 0.4, "betas": (0.8, 0.9), "eps": 0.01, "weight_decay": 0.3}),
    ("nadam lr=0.1 weight_decay=0.3 decoupled_weight_decay", NAdam, {"lr": 0.1, "weight_decay": 0.3, "decoupled": True}),
    ("radam lr=0.1", RAdam, {"lr": 0.1}),
    ("radam lr=0.1 betas=(0.8, 0.9) eps=0.01 weight_decay=0.3", RAdam, {"lr": 0.1, "betas": (0.8, 0.9), "eps": 0.01, "weight_decay": 0.3}),
    ("radam lr=0.1 weight_decay=0.3 decoupled_weight_decay", decoupled(RAdam), {"lr": 0.1, "weight_decay": 0.3}),
    ("adamax", Adamax, {}),
    ("adamax lr=0.1 betas=(0.8, 0.5) eps=0.1 weight_decay=0.3", Adamax, {"lr": 0.1, "betas": (0.8, 0.5), "eps": 0.1, "weight_decay": 0.3}),
    ("rmsprop", RMSprop, {}),
    ("rmsprop lr=0.1 alpha=0.7 eps=0.01 weight_decay=0.3 momentum=0.6", RMSprop, {"lr": 0.1, "alpha": 0.7, "eps": 0.01, "weight_decay": 0.3, "momentum": 0.6}),
    ("rmsprop lr=0.1 alpha=0.8 centered", RMSprop, {"lr": 0.1, "alpha": 0.8, "centered": True}),
    ("rmsprop lr=0.1 alpha=0.8 centered momentum=0.6", RMSprop, {"lr": 0.1, "alpha": 0.8, "centered": True, "momentum": 0.6}),
    ("adagrad", Adagrad, {}),
    ("adagrad lr=0.1 lr_decay=0.5 weight_decay=0.3 eps=0.1", Adagrad, {"lr": 0.1, "lr_decay": 0.5, "weight_decay": 0.3, "eps": 0.1}),
    ("adagrad lr=0.1 initial_accumulator_value=0.7", Adagrad, {"lr": 0.1, "initial_accumulator_value": 0.7}),
    ("adadelta", Adadelta, {}),
    ("adadelta lr=0.5 rho=0.6 eps=0.01 weight_decay=0.3", Adadelta, {"lr": 0.5, "rho": 0.6, "eps": 0.01, "weight_decay": 0.3}),
    ("rprop", Rprop, {}),
    ("rprop lr=0.1 etas=(0.3, 2) step_sizes=(0.02, 0.15)", Rprop, {"lr": 0.1, "etas": (0.3, 2), "step_sizes": (0.02, 0.15)}),
    ("rprop lr=0.1 maximize", Rprop, {"lr": 0.1, "maximize": True}),
    ("asgd", ASGD, {}),
    ("asgd lr=0.1 lambd=0.2 alpha=0.5 t0=3 weight_decay=0.3", ASGD, {"lr": 0.1, "lambd": 0.2, "alpha": 0.5, "t0": 3, "weight_decay": 0.3}, {"also": "ax"}),
    ("lion", Lion, {}),
    ("lion lr=0.1 betas=(0.6, 0.8) weight_decay=0.3", Lion, {"lr": 0.1, "betas": (0.6, 0.8), "weight_decay": 0.3}),
    ("lamb", Lamb, {}),
    ("lamb lr=0.1 betas=(0.8, 0.9) eps=0.01 weight_decay=0.3", Lamb, {"lr": 0.1, "betas": (0.8, 0.9), "eps": 0.01, "weight_decay": 0.3}),
    ("muon", Muon, {}),
    ("muon lr=0.1 weight_decay=0.3 momentum=0.5 nesterov=false betas=(0.8, 0.9) eps=0.01", Muon, {"lr": 0.1, "weight_decay": 0.3, "momentum": 0.5, "nesterov": False, "betas": (0.8, 0.9), "eps": 0.01}),
    ("adafactor", Adafactor, {}),
    ("adafactor lr=0.5 beta2_decay=-0.5 d=1.5 weight_decay=0.3", Adafactor, {"lr": 0.5, "beta2_decay": -0.5, "d": 1.5, "weight_decay": 0.3}),
    ("adafactor lr=0.4 eps=(0.6, 2)", Adafactor, {"lr": 0.4, "eps": (0.6, 2)}),
    ("lbfgs", optim.LBFGS, {"max_iter": 1, "history_size": 10}, {"objective": True}),
    ("lbfgs lr=0.4 history_size=2", optim.LBFGS, {"lr": 0.4, "max_iter": 1, "history_size": 2}, {"objective": True}),
    ("lbfgs lr=0.4 history_size=1", optim.LBFGS, {"lr": 0.4, "max_iter": 1, "history_size": 1}, {"objective": True}),
    ("lbfgs lr=0.3 tolerance_grad=0.9", optim.LBFGS, {"lr": 0.3, "max_iter": 1, "history_size": 10, "tolerance_grad": 0.9}, {"shrinking": 2}),
    ("lbfgs lr=0.2 tolerance_grad=0.9", optim.LBFGS, {"lr": 0.2, "max_iter": 1, "history_size": 10, "tolerance_grad": 0.9}, {"shrinking": 0}),
    ("lbfgs lr=0.3 tolerance_change=1", optim.LBFGS, {"lr": 0.3, "max_iter": 1, "history_size": 10, "tolerance_change": 1}, {"objective": True}),
    ("sgd lr=0.1 clip=0.7", SGD, {"lr": 0.1}, {"clip": 0.7}),
    ("adam lr=0.1 clip=0.9 maximize", Adam, {"lr": 0.1, "maximize": True}, {"clip": 0.9}),
    ("sgd lr=0.1 clip_value=0.4", SGD, {"lr": 0.1}, {"clip_value": 0.4}),
    ("sgd lr=0.1 clip_value=0.4 clip=0.8", SGD, {"lr": 0.1}, {"clip_value": 0.4, "clip": 0.8}),
    ("sgd lr=0.1 momentum=0.9 freeze=a clip=0.7", SGD, {"lr": 0.1, "momentum": 0.9}, {"only": ["b.weight"], "clip": 0.7}),
    ("adamw lr=0.1 weight_decay=0.5 freeze=[bias, b]", AdamW, {"lr": 0.1, "weight_decay": 0.5}, {"only": ["a.weight"]}),
    ("lamb lr=0.1 weight_decay=0.3 freeze=a.weight".replace("a.weight", '["a.weight"]'), Lamb, {"lr": 0.1, "weight_decay": 0.3}, {"only": ["a.bias", "b.weight"]}),
    ("sgd lr=0.1 weight_decay=0.5 no_decay=bias", SGD, {"lr": 0.1, "weight_decay": 0.5}, {"groups": {"a.bias": {"weight_decay": 0}}}),
    ("adamw lr=0.1 weight_decay=0.5 no_decay=[a]", AdamW, {"lr": 0.1, "weight_decay": 0.5}, {"groups": {"a.bias": {"weight_decay": 0}, "a.weight": {"weight_decay": 0}}}),
    ("lamb lr=0.1 weight_decay=0.5 no_decay=b", Lamb, {"lr": 0.1, "weight_decay": 0.5}, {"groups": {"b.weight": {"weight_decay": 0}}}),
    ("adafactor lr=0.1 weight_decay=0.5 no_decay=b", Adafactor, {"lr": 0.1, "weight_decay": 0.5}, {"groups": {"b.weight": {"weight_decay": 0}}}),
    ("sgd lr=0.1 lr[b]=0.3", SGD, {"lr": 0.1}, {"groups": {"b.weight": {"lr": 0.3}}}),
    ("adam lr=0.1 lr[bias]=0.02 lr[b]=0.3 weight_decay[b]=0.4", Adam, {"lr": 0.1}, {"groups": {"a.bias": {"lr": 0.02}, "b.weight": {"lr": 0.3, "weight_decay": 0.4}}}),
    ("adamw lr=0.1 weight_decay=0.2 weight_decay[bias]=0 weight_decay[b]=0.6 lr[a]=0.3", AdamW, {"lr": 0.1, "weight_decay": 0.2}, {"groups": {"a.bias": {"lr": 0.3, "weight_decay": 0}, "a.weight": {"lr": 0.3}, "b.weight": {"weight_decay": 0.6}}}),
    ("adamw lr=0.1 weight_decay=0.4 no_decay=bias lr[a, b]=0.2 lr[bias]=0.3", AdamW, {"lr": 0.1, "weight_decay": 0.4}, {"groups": {"a.bias": {"lr": 0.3, "weight_decay": 0}, "a.weight": {"lr": 0.2}, "b.weight": {"lr": 0.2}}}),
    ("sgd lr=0.1 lr[b]=0.3 lr[bias]=0.4 freeze=[\"a.weight\"] momentum=0.5", SGD, {"lr": 0.1, "momentum": 0.5}, {"only": ["a.bias", "b.weight"], "groups": {"b.weight": {"lr": 0.3}, "a.bias": {"lr": 0.4}}}),
    ("nadam lr=0.1 lr[b]=0.3", NAdam, {"lr": 0.1}, {"groups": {"b.weight": {"lr": 0.3}}}),
    ("radam lr=0.1 lr[b]=0.3 weight_decay=0.2 weight_decay[b]=0.4 decoupled_weight_decay", decoupled(RAdam), {"lr": 0.1, "weight_decay": 0.2}, {"groups": {"b.weight": {"lr": 0.3, "decay": 0.4}}}),
    ("adagrad lr=0.1 lr[b]=0.3 lr_decay=0.2", Adagrad, {"lr": 0.1, "lr_decay": 0.2}, {"groups": {"b.weight": {"lr": 0.3}}}),
    ("rprop lr=0.1 lr[b]=0.3", Rprop, {"lr": 0.1}, {"groups": {"b.weight": {"lr": 0.3}}}),
    ("asgd lr=0.1 lambd=0.2 lr[b]=0.3", ASGD, {"lr": 0.1, "lambd": 0.2}, {"groups": {"b.weight": {"lr": 0.3}}}),
    ("lamb lr=0.1 lr[b]=0.3 weight_decay[bias]=0.5", Lamb, {"lr": 0.1}, {"groups": {"b.weight": {"lr": 0.3}, "a.bias": {"weight_decay": 0.5}}}),
    ("muon lr=0.1 lr[b]=0.3 weight_decay[bias]=0.6", Muon, {"lr": 0.1}, {"groups": {"b.weight": {"lr": 0.3}, "a.bias": {"weight_decay": 0.6}}}),
    ("adafactor lr=0.4 lr[b]=0.2 weight_decay=0.1 weight_decay[bias]=0.6", Adafactor, {"lr": 0.4, "weight_decay": 0.1}, {"groups": {"b.weight": {"lr": 0.2}, "a.bias": {"weight_decay": 0.6}}}),
    ("sgd lr=0.1 momentum=0.5 lookahead=(3, 0.5)", SGD, {"lr": 0.1, "momentum": 0.5}, {"lookahead": (3, 0.5)}),
    ("adam lr=0.1 lookahead=(2, 0.8) freeze=bias", Adam, {"lr": 0.1}, {"lookahead": (2, 0.8), "only": ["a.weight", "b.weight"]}),
    ("adam lr=0.1 params=[b, \"a.bias\"]", Adam, {"lr": 0.1}, {"only": ["a.bias", "b.weight"]}),
    ("muon lr=0.1 lookahead=(1, 0.3)", Muon, {"lr": 0.1}, {"lookahead": (1, 0.3)}),
    ("sgd lr=one_cycle(0.4) momentum=one_cycle_momentum(0.85, 0.95)", SGD, {"lr": 0.1, "momentum": 0.9}, {"schedule": lambda o: schedulers.OneCycleLR(o, 0.4, total_steps=STEPS)}),
    ("adam lr=one_cycle(0.4) betas=(one_cycle_momentum(0.7, 0.9), 0.9)", Adam, {"betas": (0.9, 0.9)}, {"schedule": lambda o: schedulers.OneCycleLR(o, 0.4, total_steps=STEPS, base_momentum=0.7, max_momentum=0.9)}),
    ("lion lr=0.1 betas=(0.9 - 0.1*step/total, 0.9)", Lion, {"lr": 0.1, "betas": (0.9, 0.9)}, {"betas": lambda t: (0.9 - 0.1 * t / STEPS, 0.9)}),
    ("radam lr=0.1 betas=(0.9, 0.9 - 0.1*step/total)", RAdam, {"lr": 0.1, "betas": (0.9, 0.9)}, {"betas": lambda t: (0.9, 0.9 - 0.1 * t / STEPS)}),
    ("adamax lr=0.1 betas=(0.9, 0.9 - 0.1*step/total)", Adamax, {"lr": 0.1, "betas": (0.9, 0.9)}, {"betas": lambda t: (0.9, 0.9 - 0.1 * t / STEPS)}),
    ("sgd lr=plateau(0.1, factor=0.5, patience=1, every=1)", SGD, {"lr": 0.1}, {"plateau": ({"factor": 0.5, "patience": 1}, 1)}),
    ("adamw lr=plateau(0.1, factor=0.3, patience=0, threshold=0.3, cooldown=1, every=2) lr[b]=0.2 weight_decay=0.5", AdamW, {"lr": 0.1, "weight_decay": 0.5}, {"groups": {"b.weight": {"lr": 0.2}}, "plateau": ({"factor": 0.3, "patience": 0, "threshold": 0.3, "cooldown": 1}, 2)}),
    ("sgd lr=plateau(0.1, factor=0.3, patience=0, threshold=0.2, threshold_mode=abs, min_lr=0.02, eps=0.015, every=1) momentum=0.5", SGD, {"lr": 0.1, "momentum": 0.5}, {"plateau": ({"factor": 0.3, "patience": 0, "threshold": 0.2, "threshold_mode": "abs", "min_lr": 0.02, "eps": 0.015}, 1)}),
    ("rmsprop lr=plateau(0.1, factor=0.4, patience=0, threshold=0.5, min_lr=0.03)", RMSprop, {"lr": 0.1}, {"plateau": ({"factor": 0.4, "patience": 0, "threshold": 0.5, "min_lr": 0.03}, 2)}),
    ("sgd lr=plateau(0.1, factor=0.4, patience=0, threshold=0.5, min_lr=0.03, every=1) lr[b]=0.4", SGD, {"lr": 0.1}, {"groups": {"b.weight": {"lr": 0.4}}, "plateau": ({"factor": 0.4, "patience": 0, "threshold": 0.5, "min_lr": 0.03}, 1)}),
    ("adam lr=plateau(0.1, factor=0.5, patience=0, threshold=0.5, eps=0.03, every=1) lr[b]=0.4 lr[bias]=0.02", Adam, {"lr": 0.1}, {"groups": {"b.weight": {"lr": 0.4}, "a.bias": {"lr": 0.02}}, "plateau": ({"factor": 0.5, "patience": 0, "threshold": 0.5, "eps": 0.03}, 1)}),
]

# Losses for plateau: it falls, stands, rises, falls again.
LOSSES = [2.0, 1.5, 1.5, 1.6, 1.4, 1.39, 1.9, 1.7]


def start():
    """Weights and gradients that are exact in float32; some of them are zero, and sizes and signs change."""
    stream = Stream(seed_of("optimizers"))
    n = sum(math.prod(s) for s in SHAPES.values())
    weights = stream.floats(n, -1, 1)
    weights[6:9] = [0.0, 0.0, 0.0]
    gradients = []
    for step in range(STEPS):
        g = stream.floats(n, -1, 1)
        for i in range(n):
            if (i + step) % 11 == 0:
                g[i] = 0.0
            if i % 4 == 1:
                # Many of one sign, so that steps of rprop grow.
                g[i] = abs(g[i])
        gradients.append(g)
    return weights, gradients


def split(flat):
    parts, at = {}, 0
    for name, shape in SHAPES.items():
        n = math.prod(shape)
        parts[name] = torch.tensor(flat[at:at + n]).reshape(shape)
        at += n
    return parts


def joined(parts):
    return [float(f"{x:.12g}") for p in parts.values() for x in p.detach().reshape(-1).tolist()]


def objective(params):
    """A bowl that is steeper in some directions than in others, and not a parabola."""
    return sum(((1 + 0.3 * i) * (p - 0.2).square().sum() + (p * (1 + i)).cos().sum()) for i, p in enumerate(params.values()))


def trace(nn, make, settings, more, weights, gradients):
    params = {name: p.requires_grad_() for name, p in split(weights).items()}
    trained = {name: p for name, p in params.items() if name in more.get("only", SHAPES)}
    own = more.get("groups", {})
    groups = [{"params": [p], **own.get(name, {})} for name, p in trained.items()] if own else list(trained.values())
    o = make(groups, **settings)
    if "lookahead" in more:
        o = Lookahead(o, *more["lookahead"])
    schedule = more["schedule"](o) if "schedule" in more else None
    plateau, every = more.get("plateau", (None, 1))
    if plateau:
        outer = schedulers.ReduceLROnPlateau(o, **plateau)
    result = {"nn": f"optim {nn}", "w": []}
    given = []
    for step in range(STEPS):
        if "objective" in more:
            total = objective(params)
            grads = dict(zip(params, torch.autograd.grad(total, list(params.values()))))
            given.append(joined(grads))
        elif "shrinking" in more:
            # Every third gradient is small.
            grads = {name: (0.5 if step % 3 == more["shrinking"] else 1.0) * g for name, g in split(gradients[step]).items()}
            given.append(joined(grads))
        else:
            grads = split(gradients[step])
        for name, p in trained.items():
            p.grad = grads[name].clone()
        if "clip_value" in more:
            torch.nn.utils.clip_grad_value_(list(trained.values()), more["clip_value"])
        if "clip" in more:
            torch.nn.utils.clip_grad_norm_(list(trained.values()), more["clip"])
        if "betas" in more:
            for group in o.param_groups:
                group["betas"] = more["betas"](step)
        if isinstance(o, optim.LBFGS):
            o.step(lambda: torch.tensor(0.0))
        else:
            o.step()
        if schedule and step < STEPS - 1:
            schedule.step()
        if plateau and (step + 1) % every == 0:
            outer.step(sum(LOSSES[step + 1 - every:step + 1]) / every)
        if step in SEEN:
            result["w"].append(joined(params))
    if given:
        result["g"] = given
    if "also" in more:
        key = more["also"]
        result["state"] = {key: joined({name: o.state[p][key] for name, p in trained.items()})}
    return result


def check_nadam(weights, gradients):
    """PyTorch's NAdam is the one above with what was mended since."""
    for settings in [{}, {"lr": 0.1, "weight_decay": 0.3, "momentum_decay": 0.4}]:
        ours = trace("", hand(nadam(True), **NADAM), settings, {}, weights, gradients)
        theirs = trace("", optim.NAdam, settings, {}, weights, gradients)
        worst = max(abs(a - b) for x, y in zip(ours["w"], theirs["w"]) for a, b in zip(x, y))
        assert worst < 1e-7, worst


def rates(make, steps, start=0.1, key="lr", momentum=0.9):
    """What a scheduler of PyTorch makes of a setting, step by step."""
    o = optim.SGD([torch.zeros(1)], lr=start, momentum=momentum)
    scheduler = make(o)
    values = []
    for _ in range(steps):
        values.append(float(f"{o.param_groups[0][key]:.14g}"))
        o.step()
        scheduler.step()
    return values


def one(steps, key, **settings):
    return lambda: rates(lambda o: schedulers.OneCycleLR(o, 0.3, total_steps=steps + 1, **settings), steps, key=key)


def simple(steps, make, key="lr", start=0.1):
    return lambda: rates(make, steps, start=start, key=key)


def formula(steps, f):
    return lambda: [float(f"{f(t):.14g}") for t in range(steps)]


S = schedulers
# The setting, its steps (of which `total` is the number, or one more), and what it should be.
SCHEDULES = [
    ("0.1*constant(2)", 5, formula(5, lambda t: 0.2)),
    ("linear(0.1, 0.02)", 9, simple(9, lambda o: S.LinearLR(o, 1.0, 0.2, total_iters=9))),
    ("linear(0.1, 0.02, steps=4)", 9, simple(9, lambda o: S.LinearLR(o, 1.0, 0.2, total_iters=4))),
    ("linear(0.1, warmup=3)", 9, formula(9, lambda t: 0.1 * (t + 1) / 3 if t < 3 else 0.1 * (1 - (t - 3) / 6))),
    ("cosine(0.1, 0.02)", 11, simple(11, lambda o: S.CosineAnnealingLR(o, 11, 0.02))),
    ("cosine(0.1, steps=5)", 6, simple(6, lambda o: S.CosineAnnealingLR(o, 5))),
    ("cosine(0.1, warmup=4)", 10, formula(10, lambda t: 0.1 * (t + 1) / 4 if t < 4 else 0.05 * (1 + math.cos(math.pi * (t - 4) / 6)))),
    ("polynomial(0.1)", 7, simple(7, lambda o: S.PolynomialLR(o, 7))),
    ("polynomial(0.1, power=2.5, steps=5)", 9, simple(9, lambda o: S.PolynomialLR(o, 5, 2.5))),
    ("polynomial(0.1, 0.04, power=2, warmup=2)", 8, formula(8, lambda t: 0.1 * (t + 1) / 2 if t < 2 else 0.04 + 0.06 * (1 - (t - 2) / 6) ** 2)),
    ("exponential(0.1, 0.8)", 8, simple(8, lambda o: S.ExponentialLR(o, 0.8))),
    ("step(0.1, 3)", 10, simple(10, lambda o: S.StepLR(o, 3))),
    ("step(0.1, every=4, gamma=0.5)", 10, simple(10, lambda o: S.StepLR(o, 4, 0.5))),
    ("multi_step(0.1, [2, 3, 7])", 10, simple(10, lambda o: S.MultiStepLR(o, [2, 3, 7]))),
    ("multi_step(0.1, milestones=[3, 3, 5], gamma=0.6)", 8, simple(8, lambda o: S.MultiStepLR(o, [3, 3, 5], 0.6))),
    ("multi_step(0.1, 4, gamma=2)", 6, simple(6, lambda o: S.MultiStepLR(o, [4], 2))),
    ("multi_step(0.1, [1, 4], warmup=3)", 6, formula(6, lambda t: 0.1 * (t + 1) / 3 if t < 3 else 0.1 * 0.1 ** (1 + (t >= 4)))),
    ("cosine_restarts(0.1, 4)", 13, simple(13, lambda o: S.CosineAnnealingWarmRestarts(o, 4))),
    ("cosine_restarts(0.1, T_0=3, T_mult=2, end=0.02)", 24, simple(24, lambda o: S.CosineAnnealingWarmRestarts(o, 3, 2, 0.02))),
    ("cosine_restarts(0.1, 1, 3)", 16, simple(16, lambda o: S.CosineAnnealingWarmRestarts(o, 1, 3))),
    ("cosine_restarts(0.1, 3, warmup=2)", 9, formula(9, lambda t: 0.1 * (t + 1) / 2 if t < 2 else 0.05 * (1 + math.cos(math.pi * ((t - 2) % 3) / 3)))),
    ("cyclic(0.02, 0.1, 3)", 14, simple(14, lambda o: S.CyclicLR(o, 0.02, 0.1, 3))),
    ("cyclic(0.02, 0.1, step_size_up=2, step_size_down=5)", 16, simple(16, lambda o: S.CyclicLR(o, 0.02, 0.1, 2, 5))),
    ("cyclic(0.02, 0.1, 2, mode=triangular2)", 14, simple(14, lambda o: S.CyclicLR(o, 0.02, 0.1, 2, mode="triangular2"))),
    ("cyclic(0.02, 0.1, 2, 3, mode=exp_range, gamma=0.9)", 14, simple(14, lambda o: S.CyclicLR(o, 0.02, 0.1, 2, 3, mode="exp_range", gamma=0.9))),
    ("cyclic(0.9, 0.8, 3)", 9, simple(9, lambda o: S.CyclicLR(o, 0.02, 0.1, 3), key="momentum")),
    ("one_cycle(0.3)", 15, one(15, "lr")),
    ("one_cycle(0.3, pct_start=0.45, div_factor=5, final_div_factor=20)", 15, one(15, "lr", pct_start=0.45, div_factor=5, final_div_factor=20)),
    ("one_cycle(0.3, anneal_strategy=linear)", 15, one(15, "lr", anneal_strategy="linear")),
    ("one_cycle(0.3, three_phase=true)", 20, one(20, "lr", three_phase=True)),
    ("one_cycle(0.3, pct_start=0.2, three_phase=true, anneal_strategy=linear, final_div_factor=8)", 20, one(20, "lr", pct_start=0.2, three_phase=True, anneal_strategy="linear", final_div_factor=8)),
    ("one_cycle_momentum()", 15, one(15, "momentum")),
    ("one_cycle_momentum(0.6, 0.8, anneal_strategy=linear, pct_start=0.4)", 15, one(15, "momentum", base_momentum=0.6, max_momentum=0.8, anneal_strategy="linear", pct_start=0.4)),
    ("one_cycle_momentum(three_phase=true)", 20, one(20, "momentum", three_phase=True)),
    ("0.1 * cosine(1, warmup=5)", 12, formula(12, lambda t: 0.1 * ((t + 1) / 5 if t < 5 else 0.5 * (1 + math.cos(math.pi * (t - 5) / 7))))),
    ("constant(0.1) + cyclic(0, 0.2, 2)/2 - 0.01*1", 8, formula(8, lambda t: 0.1 + 0.1 * [0, 0.5, 1, 0.5][t % 4] - 0.01)),
    ("min(0.07, linear(0.1), 0.2)", 9, formula(9, lambda t: min(0.07, 0.1 * (1 - t / 9)))),
    ("max(base/10, exponential(base, 0.5))", 7, formula(7, lambda t: max(0.05, 0.5 * 0.5**t))),
    ("base / sqrt(1 + step)", 6, formula(6, lambda t: 0.5 / math.sqrt(1 + t))),
    ("base * (1 - step/total)^2 + (step % 3)/100", 7, formula(7, lambda t: 0.5 * (1 - t / 7) ** 2 + (t % 3) / 100)),
    ("1 - -cos(3*step/total)/2", 7, formula(7, lambda t: 1 + math.cos(3 * t / 7) / 2)),
]


def rows(items):
    return ",\n".join(json.dumps(x, separators=(",", ":")) for x in items)


def main():
    weights, gradients = start()
    check_nadam(weights, gradients)
    traces = [trace(nn, make, settings, more[0] if more else {}, weights, gradients) for nn, make, settings, *more in TRACES]
    head = {"model": MODEL, "names": list(SHAPES), "seen": SEEN, "losses": LOSSES, "w0": weights, "g": gradients}
    text = ",\n".join(f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}" for k, v in head.items())
    (ROOT / "values" / "optimizers.json").write_text(f'{{\n{text},\n"traces":[\n{rows(traces)}\n]\n}}\n')
    # OneCycleLR needs to know of one step more than is taken.
    found = [{"nn": nn, "total": steps + (1 if "one_cycle" in nn else 0), "values": make()} for nn, steps, make in SCHEDULES]
    (ROOT / "values" / "schedules.json").write_text(f"[\n{rows(found)}\n]\n")
    print(f"optimizers: {len(traces)} traces, {len(found)} schedules")


if __name__ == "__main__":
    main()
