"""Writes test/parity/torch-names.json: what PyTorch has, for the page that tells what each name is called in nnc.

Public classes of torch.nn, functions of torch.nn.functional, optimizers and schedules; from the PyTorch that is installed, and
from the list below of what later versions added. `python3 scripts/parity/names.py`
"""
import inspect
import json
import pathlib

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
import torch.optim.lr_scheduler as lr_scheduler

OUT = pathlib.Path(__file__).resolve().parents[2] / "test" / "parity" / "torch-names.json"

# What others are made of, and is of no use by itself.
BASES = {"Module", "Parameter", "UninitializedBuffer", "UninitializedParameter", "Container", "RNNBase", "RNNCellBase", "Optimizer",
         "Counter"}
# Helpers that torch.nn.functional imports or keeps for itself.
HELPERS = {"assert_int_or_pair", "boolean_dispatch", "handle_torch_function", "has_torch_function", "has_torch_function_unary",
           "has_torch_function_variadic"}

# From the documentation of PyTorch 2.0 to 2.9.
NEWER = {
    "torch.nn": ["CircularPad1d", "CircularPad2d", "CircularPad3d", "LPPool3d", "RMSNorm", "ZeroPad1d", "ZeroPad3d"],
    "torch.nn.functional": ["lp_pool3d", "rms_norm", "scaled_dot_product_attention"],
    "torch.optim": ["Adafactor", "Muon"],
    "torch.optim.lr_scheduler": [],
}


def classes(module):
    return [n for n, v in vars(module).items() if inspect.isclass(v) and not n.startswith("_") and n not in BASES]


def functions(module):
    """Lower case, without what computes in place: `relu_`. Some are built in, and some are objects that dispatch."""
    return [n for n, v in vars(module).items()
            if callable(v) and n.islower() and not n.startswith("_") and not n.endswith("_") and n not in HELPERS
            and not inspect.isclass(v)]


def names():
    found = {"torch.nn": classes(nn), "torch.nn.functional": functions(F), "torch.optim": classes(optim),
             "torch.optim.lr_scheduler": classes(lr_scheduler)}
    return {module: sorted({*own, *NEWER[module]}) for module, own in found.items()}


if __name__ == "__main__":
    text = json.dumps({"from": f"PyTorch {torch.__version__.split('a')[0]}, and what is newer up to 2.9", **names()}, indent=2)
    OUT.write_text(f"{text}\n")
    print(text)
