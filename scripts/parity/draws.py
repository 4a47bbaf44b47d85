"""Writes test/parity/draws.json: what PyTorch's layers start with after torch.manual_seed, beside the same layer in nnc."""
import json
import pathlib

import torch
import torch.nn as nn

ROOT = pathlib.Path(__file__).resolve().parents[2] / "test" / "parity"
SEED = 5

ENCODER = "nn.TransformerEncoderLayer(4, 2, dim_feedforward=3, batch_first=True)"
DECODER = "nn.TransformerDecoderLayer(4, 2, dim_feedforward=3, batch_first=True)"

# The input, the layer in nnc, the module in PyTorch. A Linear at the end shows where the generator stands afterwards.
CASES = [
    ("[3, 4]", "MultiheadAttention(x, 4, 2)", "nn.MultiheadAttention(4, 2)"),
    ("[3, 4]", "MultiheadAttention(x, 4, 2, bias=false)", "nn.MultiheadAttention(4, 2, bias=False)"),
    ("[3, 4]", "MultiheadAttention(x, 4, 2, key=x[:, :, 0:3], value=x, kdim=3)", "nn.MultiheadAttention(4, 2, kdim=3)"),
    ("[3, 4]", "MultiheadAttention(x, 4, 2, add_bias_kv=true)", "nn.MultiheadAttention(4, 2, add_bias_kv=True)"),
    ("[3, 4]", "TransformerEncoderLayer(x, 4, 2, dim_feedforward=3)", ENCODER),
    ("[3, 4]", "TransformerEncoderLayer(x, 4, 2, dim_feedforward=3, norm_first=true)", ENCODER),
    ("[3, 4]", "TransformerDecoderLayer(x, x, 4, 2, dim_feedforward=3)", DECODER),
    # PyTorch copies the layer that it is given; ones that are made one after the other draw as nnc's do.
    ("[3, 4]", "TransformerEncoder(x, 4, 2, 2, dim_feedforward=3)", f"nn.ModuleDict({{'layers': nn.ModuleList([{ENCODER}, {ENCODER}])}})"),
    ("[3, 4]", "TransformerDecoder(x, x, 4, 2, 2, dim_feedforward=3)", f"nn.ModuleDict({{'layers': nn.ModuleList([{DECODER}, {DECODER}])}})"),
    ("[3, 4]", "LSTM(x, 4, 3, num_layers=2, bidirectional=true, proj_size=2)", "nn.LSTM(4, 3, num_layers=2, bidirectional=True, proj_size=2)"),
    ("[3, 4]", "GRU(x, 4, 4)", "nn.GRU(4, 4)"),
    ("[4]", "LSTMCell(x, zeros_like(x), zeros_like(x), 4, 4)[0]", "nn.LSTMCell(4, 4)"),
]


def main():
    out = []
    for shape, text, module in CASES:
        torch.manual_seed(SEED)
        made = eval(module)
        after = nn.Linear(4, 1)
        state = {f"made.{k}": v for k, v in made.state_dict().items()} | {f"after.{k}": v for k, v in after.state_dict().items()}
        params = {k: [float(f"{x:.9g}") for x in v.reshape(-1).tolist()] for k, v in state.items()}
        out.append({"input": shape, "nn": text, "torch": module, "seed": SEED, "params": params})
    lines = ",\n".join(json.dumps(o, separators=(",", ":")) for o in out)
    (ROOT / "draws.json").write_text(f"[\n{lines}\n]\n")
    print(f"draws: {len(out)} modules")


if __name__ == "__main__":
    main()
