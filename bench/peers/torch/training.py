"""Training workloads: the same steps, losses and windows as those of lib/time-training.mjs."""
import torch
import torch.nn.functional as F

from clock import milliseconds
from models import MODELS
from tensors import read_tensors

BATCHES = 16


def time_training(task, device, compiled):
    begin = milliseconds()
    run = trainer(task, device, compiled)
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
    steps, count = task["windows"]["quick" if task["quick"] else "full"]
    windows = []
    for _ in range(count):
        start = milliseconds()
        advance(steps)
        windows.append((milliseconds() - start) / steps * task["unit"])
    return {"windows": windows, "firstStep": first_step, "losses": losses}


def trainer(task, device, compiled):
    """A function that does some steps and gives the loss of the last; nothing is read between them."""
    name = task["name"]
    model = MODELS[name]()
    model.load_state_dict(read_tensors(f"{name[0]}.weights"))
    model.to(device)
    forward = torch.compile(model) if compiled else model
    optimizer = optimizer_of(name, model)
    loss_of = F.mse_loss if name == "A" else F.cross_entropy
    batch = batches(task, device)
    done = 0

    def run(count):
        nonlocal done
        for _ in range(count):
            x, y = batch(done)
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(forward(x), y)
            loss.backward()
            optimizer.step()
            done += 1
        return loss.item()

    return run


def optimizer_of(name, model):
    if name == "D":
        return torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    return torch.optim.Adam(model.parameters(), lr=0.01 if name == "A" else 1e-3)


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
    if name == "C":
        x = x.reshape(-1, 1, 28, 28)
    if name == "D":
        x = x.long()
    parts = [(x[i * rows : (i + 1) * rows], y[i * rows : (i + 1) * rows]) for i in range(BATCHES)]
    if name == "D":
        parts = [(a, b.reshape(-1)) for a, b in parts]
    return lambda step: parts[step % BATCHES]
