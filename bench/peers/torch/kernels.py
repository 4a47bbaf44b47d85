"""Kernel workloads: the product of two matrices and the chain of F, held against float64 first."""
import torch
import torch.nn.functional as F

from clock import milliseconds, windows_in

TOLERANCE = 1e-5


def time_kernel(task, device, mode):
    torch.manual_seed(1)
    # Products in float32 proper, as everyone else computes them.
    torch.backends.cuda.matmul.allow_tf32 = False
    compute, operands = (matrix_product if "matrix" in task else chain)(task, device)
    if mode == "compile":
        compute = torch.compile(compute)

    def run(count):
        for _ in range(count):
            result = compute(*operands)
        if device == "cuda":
            torch.cuda.synchronize()
        return result

    with torch.no_grad():
        begin = milliseconds()
        result = run(1)
        first = milliseconds() - begin
        check(compute, operands, result)
        start = milliseconds()
        run(task["repeats"])
        repeats = task["repeats"] * windows_in(milliseconds() - start, task)
        windows = []
        for _ in range(task["kernelWindows"]):
            start = milliseconds()
            run(repeats)
            windows.append((milliseconds() - start) / repeats)
    return {"windows": windows, "firstStep": first}


def matrix_product(task, device):
    n = task["matrix"]
    return torch.matmul, [torch.rand(n, n, device=device) - 0.5 for _ in range(2)]


def chain(task, device):
    c = task["chain"]
    x = torch.rand(task["vector"], device=device) * 4 - 2
    return (lambda v: F.gelu(v * c["scale"] + c["shift"]) * c["gain"] + c["offset"]), [x]


def check(compute, operands, result):
    """The whole of a small part: the first row of a product, the first numbers of a chain."""
    head = operands[0][:1] if operands[0].dim() == 2 else operands[0][:1024]
    rest = operands[1:]
    want = compute_float64(compute, [head, *rest])
    got = result[:1] if result.dim() == 2 else result[:1024]
    scale = (head.double().abs() @ rest[0].double().abs()) if rest else want.abs().clamp(min=1)
    worst = ((got.double() - want).abs() / scale).max().item()
    if not worst <= TOLERANCE:
        raise SystemExit(f"wrong result: off by {worst}")


def compute_float64(compute, operands):
    eager = getattr(compute, "_torchdynamo_orig_callable", compute)
    return eager(*[o.double() for o in operands])
