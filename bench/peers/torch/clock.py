import time


def milliseconds():
    return time.perf_counter() * 1e3
