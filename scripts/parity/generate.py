"""Asks PyTorch for the numbers that test/parity/catalogue.test.ts holds nnc against: `npm run parity`.

Reads every test/parity/cases/*.json and writes test/parity/values/ with the same names: for each case its inputs, its value, its
first derivative (of sum(y * c)) and its second (of sum(g * c), where g is the first), all in float64. A case with "edge" is a
function of one or two numbers, tried at a table of edge places in float64 and in float32; derivatives are by element there.
Where a case cannot be computed, its name and PyTorch's reason are printed, and the exit status is 1.
"""
import json
import math
import pathlib
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.stateless import functional_call

from sequence import HELPERS

ROOT = pathlib.Path(__file__).resolve().parents[2] / "test" / "parity"
INF, NAN = math.inf, math.nan

# Zeros of both signs, ties, borders of activations, what overflows, and what is no number.
EDGES = [0.0, -0.0, 1e-30, -1e-30, 1e-6, -1e-6, 0.5, -0.5, 1.0, -1.0, 1.5, -2.5, 2.0, -2.0, 3.0, -3.0, 6.0, -6.0, 20.0, -20.0,
         100.0, -100.0, 1e6, -1e7, 1e30, -1e30, INF, -INF, NAN]
PAIR = [0.0, -0.0, 0.5, 1.0, -1.0, 2.0, -2.5, 3.0, INF, -INF, NAN]


class Stream:
    """Numbers that are exact in float32: multiples of 1/1024 from a linear congruential generator."""

    def __init__(self, seed):
        self.state = seed & 0xFFFFFFFF

    def number(self):
        self.state = (self.state * 1664525 + 1013904223) & 0xFFFFFFFF
        return self.state / 2**32

    def floats(self, n, low, high):
        return [round((low + (high - low) * self.number()) * 1024) / 1024 for _ in range(n)]

    def ints(self, n, below):
        return [int(self.number() * below) for _ in range(n)]


def seed_of(text):
    seed = 2166136261
    for byte in text.encode():
        seed = ((seed ^ byte) * 16777619) & 0xFFFFFFFF
    return seed


def weights(n):
    """Every element counts differently, so that nothing cancels; the same numbers as in the test."""
    return [0.5 + ((i * 7) % 11) / 16 for i in range(n)]


def plain(x):
    """Numbers that JSON can hold, as short as float64 needs them to be for a comparison to 1e-9."""
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    if isinstance(x, bool) or isinstance(x, int):
        return int(x)
    if math.isnan(x):
        return "nan"
    if math.isinf(x):
        return "inf" if x > 0 else "-inf"
    return float(f"{x:.12g}")


def flat(t):
    # A gradient that is zero everywhere may have no storage.
    t = torch.zeros(t.shape) if t._is_zerotensor() else t
    return plain(t.detach().reshape(-1).tolist())


def scope(tensors, params):
    def call(module, *args, **kwargs):
        module = module.double() if torch.get_default_dtype() == torch.float64 else module
        module.train()
        if isinstance(module, nn.RNNBase):
            # These read a list of their weights, and not their attributes.
            module._flat_weights = [params[name] for name in module._flat_weights_names]
            return module(*args, **kwargs)
        result = functional_call(module, params, args, kwargs)
        return result

    return {"torch": torch, "F": F, "nn": nn, "math": math, "p": params, "call": call, **HELPERS, **tensors}


def derivative(total, leaves, again):
    return torch.autograd.grad(total, leaves, create_graph=again, allow_unused=True)


def elements(case, numbers, dtype):
    """Value, first and second derivative of each element of a function of one or two numbers."""
    torch.set_default_dtype(dtype)
    leaves = [torch.tensor(n, dtype=dtype, requires_grad=True) for n in numbers]
    names = ["w", "v"][: len(leaves)]
    y = eval(case["torch"], scope(dict(zip(names, leaves)), {}))
    out = {"y": flat(y)}
    if case.get("grad", True):
        zero = lambda g, x: torch.zeros_like(x) if g is None else g
        first = [zero(g, x) for g, x in zip(derivative(y.sum(), leaves, True), leaves)] if y.requires_grad else [torch.zeros_like(x) for x in leaves]
        out["first"] = {n: flat(g) for n, g in zip(names, first)}
        if case.get("second", True):
            total = sum(g.sum() for g in first)
            second = derivative(total, leaves, False) if total.requires_grad else [None] * len(leaves)
            out["second"] = {n: flat(zero(g, x)) for n, g, x in zip(names, second, leaves)}
    return out


def edges(case):
    if case["edge"] == 1:
        numbers = [case.get("places", EDGES)]
        numbers = [[float(x) for x in numbers[0]]]
    else:
        numbers = [[a for a in PAIR for _ in PAIR], [b for _ in PAIR for b in PAIR]]
    return {"places": plain(numbers), "f64": elements(case, numbers, torch.float64), "f32": elements(case, numbers, torch.float32)}


def random(case):
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    stream = Stream(seed_of(case["nn"]))
    tensors, params, given = {}, {}, {}
    for name, spec in case.get("inputs", {"w": {}}).items():
        shape = spec.get("shape", [2, 3, 2])
        n = math.prod(shape)
        if "values" in spec:
            data = spec["values"]
        else:
            data = stream.ints(n, spec["int"]) if "int" in spec else stream.floats(n, spec.get("low", -2), spec.get("high", 2))
        given[name] = {"shape": shape, "data": data}
        whole = "int" in spec
        tensors[name] = torch.tensor(data, dtype=torch.long if whole else torch.float64).reshape(shape)
    for name, shape in case.get("params", {}).items():
        data = stream.floats(math.prod(shape), -1, 1)
        given[name] = {"shape": shape, "data": data}
        params[name] = torch.tensor(data).reshape(shape)
    fixed = {k for k, spec in case.get("inputs", {}).items() if spec.get("constant")}
    leaves = {k: t for k, t in [*tensors.items(), *params.items()] if t.is_floating_point() and k not in fixed}
    for t in leaves.values():
        t.requires_grad_()
    y = eval(case["torch"], scope(tensors, params))
    out = {"given": given, "shape": list(y.shape), "y": flat(y.to(torch.float64))}
    if not case.get("grad", True):
        return out
    weigh = lambda t: (t * torch.tensor(weights(t.numel())).reshape(t.shape)).sum()
    zero = lambda g, x: torch.zeros(x.shape) if g is None or g._is_zerotensor() else g
    again = case.get("second", True)
    first = [zero(g, x) for g, x in zip(derivative(weigh(y), list(leaves.values()), again), leaves.values())]
    out["first"] = {n: flat(g) for n, g in zip(leaves, first)}
    if again:
        total = sum(weigh(g) for g in first)
        second = derivative(total, list(leaves.values()), False) if total.requires_grad else [None] * len(leaves)
        out["second"] = {n: flat(zero(g, x)) for n, g, x in zip(leaves, second, leaves.values())}
    return out


def main(only):
    failed = 0
    for path in sorted((ROOT / "cases").glob("*.json")):
        if only and path.stem not in only:
            continue
        values = []
        for case in json.loads(path.read_text()):
            try:
                result = edges(case) if "edge" in case else random(case)
            except Exception as e:
                failed += 1
                print(f"{path.name}: {case['nn']}: {type(e).__name__}: {e}", file=sys.stderr)
                continue
            values.append({"case": case, **result})
        lines = ",\n".join(json.dumps(v, separators=(",", ":")) for v in values)
        (ROOT / "values" / path.name).write_text(f"[\n{lines}\n]\n")
        print(f"{path.stem}: {len(values)} cases")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(set(sys.argv[1:])))
