"""Reads safetensors, so that nothing besides torch has to be installed."""
import json
import os

import torch

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "data")
TYPES = {"F32": torch.float32, "I32": torch.int32}


def read_tensors(name):
    with open(os.path.join(DATA, f"{name}.safetensors"), "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        body = bytearray(file.read())
    return {
        key: torch.frombuffer(body, dtype=TYPES[t["dtype"]], offset=t["data_offsets"][0], count=product(t["shape"])).reshape(t["shape"])
        for key, t in header.items()
    }


def product(shape):
    total = 1
    for size in shape:
        total *= size
    return total
