"""MNIST from its IDX files, plain or gzip, as NumPy arrays."""

import gzip
import os

import numpy as np

FILES = {
    ("train", "images"): "train-images-idx3-ubyte",
    ("train", "labels"): "train-labels-idx1-ubyte",
    ("test", "images"): "t10k-images-idx3-ubyte",
    ("test", "labels"): "t10k-labels-idx1-ubyte",
}


def folder(data):
    """The folder that holds the four files: DATA/mnist, or DATA itself."""
    for candidate in (os.path.join(data, "mnist"), data):
        if find(candidate, FILES["train", "images"]):
            return candidate
    raise SystemExit(f"{data}: no mnist/{FILES['train', 'images']}[.gz] there; give --data DIR")


def find(where, name):
    for path in (os.path.join(where, name), os.path.join(where, name + ".gz")):
        if os.path.exists(path):
            return path
    return None


def read(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
        content = file.read()
    rank = content[3]
    shape = np.frombuffer(content, ">u4", rank, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)


def load(data, split):
    """Images as float32 in 0 … 1, [N, 28, 28]; labels as int64."""
    where = folder(data)
    images = read(find(where, FILES[split, "images"]))
    labels = read(find(where, FILES[split, "labels"]))
    return images.astype(np.float32) / 255, labels.astype(np.int64)
