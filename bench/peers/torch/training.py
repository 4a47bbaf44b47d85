"""Training workloads: the same steps, losses and windows as those of lib/time-training.mjs."""
import time
from functools import partial

import torch
import torch.nn.functional as F

from clock import milliseconds, windows_in
from models import MODELS
from tensors import read_tensors

BATCHES = 16
GPTS = ("D", "G", "tale", "addition")


def time_training(task, device, mode):
    begin = milliseconds()
    run = trainer(task, device, mode)
    losses, step = {}, 0

    def advance(count):
        nonlocal step
        loss = run(count)
        step += count
        losses[str(step)] = loss

    advance(1)
    first_step = milliseconds() - begin
    warm = max(map(int, task["checks"])) if "checks" in task else task["warmup"]
    advance(warm - step)
    least, count = task["windows"]["quick" if task["quick"] else "full"]
    start = milliseconds()
    advance(least)
    steps = least * windows_in(milliseconds() - start, task)
    windows = []
    computed = time.process_time()
    for _ in range(count):
        start = milliseconds()
        advance(steps)
        windows.append((milliseconds() - start) / steps * task["unit"])
    cpu = (time.process_time() - computed) * 1e3 / (steps * count) * task["unit"]
    return {"windows": windows, "firstStep": first_step, "losses": losses, "cpu": cpu}


def trainer(task, device, mode):
    """A function that does some steps and gives the loss of the last; nothing is read between them."""
    name = task["name"]
    model = MODELS[name]()
    if "weights" in task:
        model.load_state_dict(read_tensors(f"{task['weights']}.weights"))
    model.to(device)
    forward = torch.compile(model) if mode == "compile" else model
    optimizer = optimizer_of(name, model, mode == "graphs")
    loss_of = F.mse_loss if name == "A" else partial(F.cross_entropy, ignore_index=-1)
    batch = batches(task, device)
    done = 0

    def step(x, y):
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(forward(x), y)
        loss.backward()
        optimizer.step()
        return loss

    take = recorded(step, model, optimizer, batch(0)) if mode == "graphs" else step

    def run(count):
        nonlocal done
        for _ in range(count):
            loss = take(*batch(done))
            done += 1
        return loss.item()

    return run


def recorded(step, model, optimizer, example):
    """A step as a CUDA graph. Recording needs steps before it, so what they changed is put back."""
    x, y = (t.clone() for t in example)
    before = [p.detach().clone() for p in model.parameters()]
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step(x, y)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss = step(x, y)
    with torch.no_grad():
        for p, old in zip(model.parameters(), before):
            p.copy_(old)
        for state in optimizer.state.values():
            for value in state.values():
                value.zero_()

    def play(next_x, next_y):
        x.copy_(next_x)
        y.copy_(next_y)
        graph.replay()
        return loss

    return play


# Learning rates, and the decay of those that have AdamW.
RATES = {"A": 0.01, "D": 1e-3, "G": 1e-4, "digits": 3e-3, "wide": 3e-4, "tale": 3e-3, "addition": 3e-3}
DECAYS = {"D": 0.01, "G": 0.01, "tale": 0.1, "addition": 0.1}


def optimizer_of(name, model, capturable):
    rate = RATES.get(name, 1e-3)
    if name in DECAYS:
        return torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=DECAYS[name], capturable=capturable)
    return torch.optim.Adam(model.parameters(), lr=rate, capturable=capturable)


def batches(task, device):
    """Gives inputs and targets of a step."""
    name, data = task["name"], read_tensors(task["data"])
    x, y = data["x"].to(device), data["y"].to(device)
    if name == "A":
        return lambda step: (x, y)
    rows = task["batch"]
    y = y.long()
    if name == "B_sampled":

        def draw(_step):
            chosen = torch.randint(len(x), (rows,), device=device)
            return x[chosen], y[chosen]

        return draw
    if name in ("C", "digits", "wide"):
        x = x.reshape(-1, 1, 28, 28)
    if name in GPTS:
        x = x.long()
    parts = [(x[i * rows : (i + 1) * rows], y[i * rows : (i + 1) * rows]) for i in range(BATCHES)]
    if name in GPTS:
        parts = [(a, b.reshape(-1)) for a, b in parts]
    return lambda step: parts[step % BATCHES]
