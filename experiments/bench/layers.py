"""Measures single layers of runner beside PyTorch's: forward and backward, batches of 64.

    experiments/bench/.venv/bin/python experiments/bench/layers.py --threads 2 --rounds 5

Ours is what `runner bench` says of the layer within a small network on synthetic digits; PyTorch's
(channels_last, the fastest that it has for these) is the layer alone on a batch that is in memory.
Both get an input gradient. Microseconds of wall time per image, of 40 steps; medians over the
rounds, in which the two take turns; written to --output as CSV too.
"""

import time

import torch
from torch import nn

from pairs import BATCH, bench, race


def depthwise(c, _):
    return [{"layer": "depthwise_conv2d", "kernel": 3, "padding": "same"}], [
        nn.Conv2d(c, c, 3, padding=1, groups=c)
    ]


def pointwise(c, f):
    return [{"layer": "conv2d", "filters": f, "kernel": 1}], [nn.Conv2d(c, f, 1)]


def separable(c, f):
    first, second = depthwise(c, f), pointwise(c, f)
    return first[0] + second[0], first[1] + second[1]


def grouped(count):
    return lambda c, f: (
        [{"layer": "conv2d", "filters": f, "kernel": 3, "padding": "same", "groups": count(c)}],
        [nn.Conv2d(c, f, 3, padding=1, groups=count(c))],
    )


def strided(c, f):
    return [{"layer": "conv2d", "filters": f, "kernel": 3, "padding": 1, "stride": 2}], [
        nn.Conv2d(c, f, 3, padding=1, stride=2)
    ]


def strided_depthwise(c, _):
    return [{"layer": "depthwise_conv2d", "kernel": 3, "padding": 1, "stride": 2}], [
        nn.Conv2d(c, c, 3, padding=1, stride=2, groups=c)
    ]


def batch_norm(c, _):
    return [{"layer": "batch_norm"}], [nn.BatchNorm2d(c)]


# A layer, and its sizes: side of the image, channels, filters.
LAYERS = {
    "depthwise 3x3": (depthwise, [(28, 32, 32), (14, 96, 96), (7, 384, 384)]),
    "depthwise 3x3, stride 2": (strided_depthwise, [(28, 32, 32), (14, 96, 96), (7, 384, 384)]),
    "separable 3x3": (separable, [(28, 32, 64), (14, 96, 96), (7, 384, 192)]),
    "1x1": (pointwise, [(28, 32, 64), (14, 96, 96), (7, 384, 192)]),
    "grouped 3x3, 4 groups": (grouped(lambda c: 4), [(28, 32, 32), (14, 64, 128), (7, 128, 128)]),
    "grouped 3x3, 2 channels each": (grouped(lambda c: c // 2), [(28, 32, 32), (14, 64, 64), (7, 128, 128)]),
    "grouped 3x3, 4 channels each": (grouped(lambda c: c // 4), [(28, 32, 32), (14, 64, 64), (7, 128, 128)]),
    "grouped 3x3, 8 channels each": (grouped(lambda c: c // 8), [(28, 32, 32), (14, 64, 64), (7, 128, 128)]),
    "3x3, stride 2": (strided, [(28, 32, 64), (14, 64, 128), (7, 128, 128)]),
    "batch_norm": (batch_norm, [(28, 32, 32), (14, 96, 96), (7, 384, 384)]),
}


def ours(runner, threads, side, channels, layers):
    found = bench(runner, threads, {
        "name": "layer", "dataset": {"name": "synthetic_digits", "train_count": 2560, "test_count": 64},
        "model": [
            {"layer": "conv2d", "filters": channels, "kernel": 1, "stride": 28 // side},
            *layers, {"layer": "global_average_pool"}, {"layer": "dense", "units": 10},
        ],
    })
    measured = found["layers"][1 : 1 + len(layers)]
    parts = [row[k] or 0 for row in measured for k in ("forward", "backward", "gradients")]
    return sum(parts) / threads


def theirs(threads, side, channels, modules):
    torch.set_num_threads(threads)
    model = nn.Sequential(*modules).to(memory_format=torch.channels_last)
    x = torch.randn(BATCH, channels, side, side).to(memory_format=torch.channels_last)
    x.requires_grad_()
    g = torch.randn_like(model(x)).to(memory_format=torch.channels_last)

    def steps(count):
        start = time.perf_counter()
        for _ in range(count):
            x.grad = None
            model.zero_grad(set_to_none=True)
            model(x).backward(g)
        return time.perf_counter() - start

    steps(10)
    return steps(40) / (40 * BATCH) * 1e6


def cases():
    for name, (make, sizes) in LAYERS.items():
        for side, channels, filters in sizes:
            yield (
                name, f"{side}x{side}x{channels}" + (f" to {filters}" if filters != channels else ""),
                lambda runner, threads: ours(runner, threads, side, channels, make(channels, filters)[0]),
                lambda threads: theirs(threads, side, channels, make(channels, filters)[1]),
            )


def about(threads):
    capability = torch.backends.cpu.get_cpu_capability()
    return f"{torch.__version__}, {threads} thread(s), oneDNN {capability}, channels_last"


if __name__ == "__main__":
    race("layer", "PyTorch", "torch", about, cases())
