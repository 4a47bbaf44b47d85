"""PyTorch on one workload: `bench.py TASK`, a workload of lib/workloads.mjs as JSON; prints its result as JSON."""
import json
import resource
import sys

import torch

from kernels import time_kernel
from training import time_training


def main():
    task = json.loads(sys.argv[1])
    device, _, mode = task["device"].partition("-")
    # Denormal numbers, which moments of Adam become, are slow on a CPU.
    torch.set_flush_denormal(True)
    measure = time_training if task["kind"] == "train" else time_kernel
    result = measure(task, device, mode)
    where = torch.cuda.get_device_name() if device == "cuda" else f"threads: {torch.get_num_threads()}"
    result["version"] = f"PyTorch {torch.__version__} ({mode or 'eager'}, {device}, {where})"
    result["rssBytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(result))


main()
