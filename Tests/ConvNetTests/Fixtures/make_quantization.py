"""What bias correction and equalisation come to, by NumPy in doubles:

    python make_quantization.py    # with numpy

A network of a convolution of 3x3 and relu, one of 1x1 channel by channel and relu, and a dense layer, for images of
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


def patches(x):
    """(N, positions, 3·3·C) of images (N, H, W, C)."""
    steps = range(x.shape[1] - 2)
    return np.stack(
        [x[:, r:r + 3, q:q + 3].reshape(len(x), -1) for r in steps for q in steps], axis=1)


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
    depthwise, depthwise_bias = drawn(1, 1, FILTERS), drawn(FILTERS)
    side = SIZE - 2
    dense, dense_bias = drawn(side * side * FILTERS, CLASSES), drawn(CLASSES)

    seen = patches(images)
    rows = conv.reshape(-1, FILTERS).T
    first = np.maximum(seen @ rows.T + conv_bias, 0)
    second = np.maximum(first * depthwise[0, 0] + depthwise_bias, 0)
    flat = second.reshape(IMAGES, -1)
    biases = [
        corrected(rows, conv_bias, seen.mean((0, 1))),
        corrected(depthwise[0, 0][:, None], depthwise_bias, first.mean((0, 1))[:, None]),
        corrected(dense.T, dense_bias, flat.mean(0)),
    ]

    # Each pair of layers in turn, until nothing changes.
    w1, b1 = rows.copy(), conv_bias.copy()
    w2, b2 = depthwise[0, 0].copy(), depthwise_bias.copy()
    w3 = dense.reshape(-1, FILTERS, CLASSES).copy()
    for _ in range(200):
        s = np.sqrt(np.abs(w1).max(1) / np.abs(w2))
        w1, b1, w2 = w1 / s[:, None], b1 / s, w2 * s
        s = np.sqrt(np.abs(w2) / np.abs(w3).max((0, 2)))
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
