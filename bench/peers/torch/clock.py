import math
import time


def milliseconds():
    return time.perf_counter() * 1e3


def windows_in(duration, task):
    """How many of a window of so many milliseconds make one that is long enough."""
    return max(1, math.ceil(task["window"] / duration))
