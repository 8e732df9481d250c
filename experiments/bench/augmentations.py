"""Measures augmentations of runner beside torchvision's: one image at a time, drawn anew for each.

    experiments/bench/.venv/bin/python experiments/bench/augmentations.py --threads 2 --rounds 3

In the environment that bench.sh makes. Ours is what `runner bench --augmentation` says of the
input of a small network: bytes become floats, distorted. torchvision's is the transform of a uint8
tensor to floats and then its op, one image after another on each of as many processes as there are
threads, which is how its loaders work; reading and batching are left out. Microseconds of wall time
per image, medians over the rounds, in which the two take turns; written to --output as CSV too.
"""

import multiprocessing
import os
import statistics
import tempfile
import time

import numpy as np
import torch
import torchvision
from torchvision.transforms import v2

from pairs import bench, race

# Height and width, channels.
SIZES = [(28, 1), (32, 3), (64, 3)]


def affine(side):
    ours = [
        {"op": "rotate", "degrees": 15}, {"op": "zoom", "fraction": 0.1},
        {"op": "shift", "fraction": 0.1},
    ]
    return ours, [
        v2.RandomAffine(15, (0.1, 0.1), (0.9, 1.1), interpolation=v2.InterpolationMode.BILINEAR)
    ]


def flip_crop(side):
    ours = [{"op": "flip"}, {"op": "crop", "padding": side // 8}]
    return ours, [v2.RandomHorizontalFlip(), v2.RandomCrop(side, side // 8)]


def perspective(side):
    return [{"op": "perspective", "p": 1}], [v2.RandomPerspective(p=1)]


def color(side):
    ours = [{"op": "brightness", "fraction": 0.3}, {"op": "contrast", "fraction": 0.3}]
    return ours, [v2.ColorJitter(brightness=0.3, contrast=0.3)]


def noise(side):
    return [{"op": "gaussian_noise", "stddev": 0.1}], [v2.GaussianNoise(sigma=0.1)]


def blur(side):
    return [{"op": "gaussian_blur", "kernel": 5}], [v2.GaussianBlur(5, (0.1, 2.0))]


def erase(side):
    return [{"op": "erase", "p": 1}], [v2.RandomErasing(p=1)]


def elastic(side):
    return [{"op": "elastic", "alpha": 34, "sigma": 4}], [v2.ElasticTransform(34.0, 4.0)]


OPS = {
    "rotate, zoom, shift": affine, "flip, crop": flip_crop, "perspective": perspective,
    "brightness, contrast": color, "gaussian noise": noise, "gaussian blur 5x5": blur,
    "erase": erase, "elastic": elastic,
}


def write_images(folder, side, channels):
    """A dataset of random images that both read."""
    rng = np.random.default_rng(1)
    shape = (2560, side, side) + ((channels,) if channels > 1 else ())
    path = os.path.join(folder, f"images-{side}x{channels}.npz")
    if not os.path.exists(path):
        images = rng.integers(0, 256, shape, np.uint8)
        labels = (np.arange(2560) % 10).astype(np.uint8)
        np.savez(
            path, x_train=images, y_train=labels, x_test=images[:64], y_test=labels[:64]
        )
    return path


def ours(runner, threads, folder, side, channels, ops):
    found = bench(runner, threads, {
        "name": "augmentation",
        "dataset": {"name": "synthetic_digits", "train_count": 2560, "test_count": 64}
        if (side, channels) == (28, 1)
        else {
            "name": "files", "path": write_images(folder, side, channels), "classes": 10,
            "shape": [side, side, channels],
        },
        "model": [
            {"layer": "conv2d", "filters": 2, "kernel": 3, "stride": 4},
            {"layer": "global_average_pool"}, {"layer": "dense", "units": 10},
        ],
        "augmentation": ops,
    }, "--augmentation")
    return next(row for row in found["layers"] if row["layer"] == "input")["forward"] / threads


def loop(side, channels, transforms, count, results):
    torch.set_num_threads(1)
    images = torch.randint(0, 256, (256, channels, side, side), dtype=torch.uint8)
    whole = v2.Compose([v2.ToDtype(torch.float32, scale=True), *transforms])
    for image in images:
        whole(image)
    start = time.perf_counter()
    for i in range(count):
        whole(images[i % 256])
    results.put((time.perf_counter() - start) / count)


def theirs(threads, side, channels, transforms):
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    workers = [
        context.Process(target=loop, args=(side, channels, transforms, 1500, results))
        for _ in range(threads)
    ]
    for worker in workers:
        worker.start()
    times = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    return statistics.mean(times) / threads * 1e6


def cases(folder):
    for name, make in OPS.items():
        for side, channels in SIZES:
            yield (
                name, f"{side}x{side}x{channels}",
                lambda runner, threads: ours(runner, threads, folder, side, channels, make(side)[0]),
                lambda threads: theirs(threads, side, channels, make(side)[1]),
            )


def about(threads):
    return f"{torchvision.__version__}, {threads} process(es) of one thread, PyTorch {torch.__version__}"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        race("ops", "torchvision", "torchvision", about, cases(folder))
