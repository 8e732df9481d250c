"""What bias correction and equalisation come to, by NumPy in doubles:

    python make_quantization.py    # with numpy

A network of a convolution of 3x3 and relu, one of 2x2 channel by channel and relu, and a dense layer, for images of
5x5x2: its weights as this program has them, some images, and of weights of 4 bits the biases that make up for their
rounding; and the weights after the channels were equalised.
"""

import json
import os

import numpy as np

RANDOM = np.random.default_rng(7)
SIZE, CHANNELS, FILTERS, CLASSES, IMAGES, BITS = 5, 2, 4, 3, 12, 4


def drawn(*shape):
    """Numbers that floats hold."""
    return np.round(RANDOM.normal(0, 0.5, shape), 3)


def patches(x, k):
    """(N, positions, k·k, C) of images (N, H, W, C)."""
    steps = range(x.shape[1] - k + 1)
    return np.stack(
        [x[:, r:r + k, q:q + k].reshape(len(x), k * k, -1) for r in steps for q in steps], axis=1)


def rounded(w):
    """Filters in rows, each by its own scale."""
    most = 2 ** (BITS - 1) - 1
    scales = np.abs(w).max(1, keepdims=True) / most
    return np.sign(w) * np.floor(np.abs(w / scales) + 0.5) * scales


def corrected(w, b, mean):
    return b - ((rounded(w) - w) * mean).sum(1)


def main():
    images = np.round(RANDOM.uniform(0, 1, (IMAGES, SIZE, SIZE, CHANNELS)), 3)
    conv, conv_bias = drawn(3, 3, CHANNELS, FILTERS), drawn(FILTERS)
    depthwise, depthwise_bias = drawn(2, 2, FILTERS), drawn(FILTERS)
    side = SIZE - 3
    dense, dense_bias = drawn(side * side * FILTERS, CLASSES), drawn(CLASSES)

    seen = patches(images, 3).reshape(IMAGES, -1, 9 * CHANNELS)
    rows, taps = conv.reshape(-1, FILTERS).T, depthwise.reshape(-1, FILTERS)
    first = np.maximum(seen @ rows.T + conv_bias, 0)
    read = patches(first.reshape(IMAGES, SIZE - 2, SIZE - 2, FILTERS), 2)
    second = np.maximum((read * taps).sum(2) + depthwise_bias, 0)
    flat = second.reshape(IMAGES, -1)
    biases = [
        corrected(rows, conv_bias, seen.mean((0, 1))),
        corrected(taps.T, depthwise_bias, read.mean((0, 1)).T),
        corrected(dense.T, dense_bias, flat.mean(0)),
    ]

    # Each pair of layers in turn, until nothing changes.
    w1, b1 = rows.copy(), conv_bias.copy()
    w2, b2 = taps.copy(), depthwise_bias.copy()
    w3 = dense.reshape(-1, FILTERS, CLASSES).copy()
    for _ in range(200):
        s = np.sqrt(np.abs(w1).max(1) / np.abs(w2).max(0))
        w1, b1, w2 = w1 / s[:, None], b1 / s, w2 * s
        s = np.sqrt(np.abs(w2).max(0) / np.abs(w3).max((0, 2)))
        w2, b2, w3 = w2 / s, b2 / s, w3 * s[None, :, None]
    tensors = {
        "conv": conv, "conv_bias": conv_bias, "depthwise": depthwise, "depthwise_bias": depthwise_bias,
        "dense": dense, "dense_bias": dense_bias, "images": images,
        "corrected_conv": biases[0], "corrected_depthwise": biases[1], "corrected_dense": biases[2],
        "equalized_conv": w1, "equalized_conv_bias": b1, "equalized_depthwise": w2,
        "equalized_depthwise_bias": b2,
        "equalized_dense": w3.reshape(-1, CLASSES).T,
    }
    place = os.path.join(os.path.dirname(os.path.abspath(__file__)), "quantization.json")
    with open(place, "w") as file:
        json.dump(
            {"numpy": np.__version__, **{k: [round(float(x), 7) for x in v.ravel()] for k, v in tensors.items()}},
            file)
        file.write("\n")


if __name__ == "__main__":
    main()
