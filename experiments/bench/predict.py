"""Measures `runner predict` on a folder of PNG files beside PyTorch with Pillow, on this machine.

    python experiments/bench/predict.py                      # 10,000 files, five rounds, two threads
    python experiments/bench/predict.py --output results/reference/bench/predict.csv

A network t0 is trained for an epoch, and the test images of MNIST are written as PNG files. What is
measured of runner is the whole process, from its start to its last line; of PyTorch only what comes
after all imports and the loading of the weights: opening and decoding each file with Pillow, batches,
the forward pass in inference mode, the answer as text. PyTorch decodes in the way that is the fastest
here of: one after another, a pool of threads, a DataLoader's worker processes. Both take turns. That
both give the same answers is checked, or there is nothing to be compared.

Needs PyTorch, NumPy, Pillow and safetensors, MNIST under --data DIR or $RUNNER_DATA, and a release build
of runner.
"""

import argparse
import concurrent.futures
import csv
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import PIL
import torch
from PIL import Image
from safetensors.numpy import load_file

import mnist

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def network(path):
    """t0 with the weights of a model.safetensors: kernels (K, K, C, F) become (F, C, K, K), and the first
    dense layer's rows, which follow the pixels' channels, follow the channels' pixels."""
    tensors = {name: torch.from_numpy(values) for name, values in load_file(path).items()}

    class T0(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = torch.nn.Conv2d(1, 32, 3)
            self.second = torch.nn.Conv2d(32, 64, 3)
            self.hidden = torch.nn.Linear(1600, 64)
            self.last = torch.nn.Linear(64, 10)

        def forward(self, x):
            pool = torch.nn.functional.max_pool2d
            x = pool(torch.relu(self.first(x)), 2)
            x = pool(torch.relu(self.second(x)), 2)
            return self.last(torch.relu(self.hidden(x.flatten(1))))

    net = T0()
    kernels = {"first": "conv2d_0", "second": "conv2d_1", "hidden": "dense_0", "last": "dense_1"}
    state = {}
    for ours, theirs in kernels.items():
        kernel = tensors[theirs + "/kernel"]
        if ours == "hidden":
            kernel = kernel.reshape(5, 5, 64, 64).permute(2, 0, 1, 3).reshape(1600, 64)
        state[ours + ".weight"] = kernel.permute(3, 2, 0, 1) if kernel.dim() == 4 else kernel.T
        state[ours + ".bias"] = tensors[theirs + "/bias"]
    net.load_state_dict({name: values.contiguous() for name, values in state.items()})
    return net.eval()


def decode(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("L"))


class Files(torch.utils.data.Dataset):
    def __init__(self, paths):
        self.paths = paths

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        return torch.from_numpy(decode(self.paths[i]).copy())


def batches(way, paths, threads, size=500):
    if way == "loader":
        yield from torch.utils.data.DataLoader(Files(paths), batch_size=size, num_workers=threads)
        return
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        for first in range(0, len(paths), size):
            part = paths[first:first + size]
            images = list(pool.map(decode, part)) if way == "threads" else [decode(p) for p in part]
            yield torch.from_numpy(np.stack(images))


def torch_answers(net, way, paths, threads):
    rows = []
    with torch.inference_mode():
        for batch in batches(way, paths, threads):
            images = (batch.float() / 255).unsqueeze(1)
            best = torch.softmax(net(images), 1).max(1)
            rows += zip(best.indices.tolist(), best.values.tolist())
    lines = ["image,class,confidence"] + [f"{p},{c},{v}" for p, (c, v) in zip(paths, rows)]
    return "\n".join(lines)


def runner_answers(runner, model, folder, threads):
    done = subprocess.run(
        [runner, "predict", model, folder, "--format", "csv", "--threads", str(threads)],
        capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return done.stdout


def seconds(work):
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runner", default=os.path.join(ROOT, ".build/release/runner"))
    parser.add_argument("--data", default=os.environ.get("RUNNER_DATA", "data"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", help="a CSV file of every timing")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [arguments.runner, os.path.join(ROOT, "experiments/t0.json"), "training.epochs=1",
             "expect={}", "--output", folder, "--data", arguments.data],
            check=True, capture_output=True)
        model = os.path.join(folder, "t0", "latest", "model.safetensors")
        images = (mnist.load(arguments.data, "test")[0][:arguments.count] * 255).round()
        photos = os.path.join(folder, "photos")
        os.mkdir(photos)
        paths = [os.path.join(photos, f"{i:05}.png") for i in range(len(images))]
        for path, image in zip(paths, images.astype(np.uint8)):
            Image.fromarray(image).save(path)

        net = network(model)
        ways = ["plain", "threads", "loader"]
        tried = {w: seconds(lambda: torch_answers(net, w, paths, arguments.threads))[0] for w in ways}
        way = min(ways, key=tried.get)

        rows = []
        for turn in range(arguments.rounds):
            ours, told = seconds(
                lambda: runner_answers(arguments.runner, model, photos, arguments.threads))
            theirs, expected = seconds(lambda: torch_answers(net, way, paths, arguments.threads))
            rows += [(turn, "runner", ours), (turn, f"torch, {way}", theirs)]
            classes = [
                [row.split(",")[-2] for row in text.strip().split("\n")[1:]]
                for text in (told, expected)]
            if classes[0] != classes[1]:
                differ = sum(a != b for a, b in zip(*classes))
                raise SystemExit(f"{differ} of {len(paths)} answers are not the same")

    if arguments.output:
        with open(arguments.output, "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["round", "contestant", "seconds"])
            writer.writerows(rows)
    medians = {
        name: statistics.median(s for _, n, s in rows if n == name)
        for name in dict.fromkeys(n for _, n, _ in rows)}
    print(f"{len(paths)} PNG files of 28x28 through t0, {arguments.threads} threads, "
          f"{arguments.rounds} rounds; PyTorch {torch.__version__}, Pillow {PIL.__version__}, "
          f"{torch.backends.cpu.get_cpu_capability()}; answers equal")
    for w in ways:
        print(f"  tried: torch, {w}: {len(paths) / tried[w]:,.0f} images/s")
    for name, value in medians.items():
        print(f"{name}: {value:.3f} s, {len(paths) / value:,.0f} images/s")
    ours, theirs = medians.values()
    print(f"ratio: {theirs / ours:.2f}")


if __name__ == "__main__":
    sys.path.insert(0, HERE)
    main()
