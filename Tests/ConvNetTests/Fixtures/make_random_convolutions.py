"""Makes random_convolutions.json: convolution, ReLU and means over a grid of cells by PyTorch.

    python make_random_convolutions.py            # needs torch, numpy

Images are (N, H, W, C), kernels (K, K, C, F), both of multiples of 1/64; results are in float64. Cells
divide the map, for where they do not PyTorch's overlap.
"""

import json
import pathlib
import platform

import numpy as np
import torch
import torch.nn.functional as F


def numbers(rng, *shape):
    return rng.integers(-96, 97, shape) / 64


def flat(values):
    return [float(f"{v:.12g}") for v in np.asarray(values).ravel()]


def case(rng, shape, window, filters, cells):
    images = numbers(rng, 3, *shape)
    kernel = numbers(rng, *window, shape[2], filters)
    maps = F.conv2d(
        torch.tensor(images).permute(0, 3, 1, 2), torch.tensor(kernel).permute(3, 2, 0, 1)).relu()
    cells = [min(cells, length) for length in maps.shape[2:]]
    assert all(length % n == 0 for length, n in zip(maps.shape[2:], cells))
    means = F.adaptive_avg_pool2d(maps, cells).permute(0, 2, 3, 1)
    return {
        "shape": list(shape), "window": list(window), "filters": filters, "cells": max(cells),
        "images": flat(images), "kernel": flat(kernel), "features": flat(means),
    }


def main():
    rng = np.random.default_rng(8)
    cases = [
        case(rng, (10, 8, 2), (3, 3), 5, 2), case(rng, (11, 11, 1), (4, 4), 7, 4),
        # More cells than there are places.
        case(rng, (5, 6, 3), (3, 3), 4, 5),
    ]
    content = {
        "made_with": {
            "script": pathlib.Path(__file__).name, "python": platform.python_version(),
            "numpy": np.__version__, "torch": torch.__version__.split("+")[0],
        },
        "cases": cases,
    }
    path = pathlib.Path(__file__).with_name("random_convolutions.json")
    path.write_text(json.dumps(content) + "\n")
    print(f"{path.name}: {path.stat().st_size / 1000:.1f} kB")


if __name__ == "__main__":
    main()
