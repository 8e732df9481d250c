"""What channels of a network score, by PyTorch in doubles:

    python make_pruning.py    # with torch 2.15

A convolution with a batch norm behind it, one without, and two dense layers, for images of 5x5x2: the weights as
runner has them, two batches of images, and the scores by each criterion. Taylor's estimate of a channel is taken
at a gate behind it, a factor of 1: the gradient of the loss by the gate, squared, in the mean of the batches
(Molchanov et al. 2019).
"""

import json
import os

import torch
from torch.nn import functional as F

torch.manual_seed(3)
BATCHES, BATCH, CLASSES = 2, 4, 3


def drawn(*shape, scale=0.5, centre=0.0):
    """Numbers that floats hold."""
    return (centre + scale * torch.randn(*shape, dtype=torch.float64)).round(decimals=3)


def main():
    images, labels = drawn(BATCHES * BATCH, 2, 5, 5), torch.randint(CLASSES, (BATCHES * BATCH,))
    first, first_bias = drawn(4, 2, 3, 3), drawn(4)
    scale, offset = drawn(4, centre=1.0), drawn(4)
    second, second_bias = drawn(3, 4, 2, 2), drawn(3)
    third, third_bias = drawn(6, 12), drawn(6)
    last, last_bias = drawn(CLASSES, 6), drawn(CLASSES)

    taylor = {"conv2d_0": 0, "conv2d_1": 0, "dense_0": 0}
    for batch in range(BATCHES):
        part = slice(batch * BATCH, (batch + 1) * BATCH)
        gates = [torch.ones(n, dtype=torch.float64, requires_grad=True) for n in (4, 3, 6)]
        x = F.conv2d(images[part], first, first_bias)
        x = F.batch_norm(x, None, None, scale, offset, training=True, eps=1e-3)
        x = F.relu(x * gates[0].view(1, -1, 1, 1))
        x = F.relu(F.conv2d(x, second, second_bias) * gates[1].view(1, -1, 1, 1))
        # Flattened as runner does: rows, columns, channels.
        x = x.permute(0, 2, 3, 1).flatten(1)
        x = F.relu(F.linear(x, third, third_bias) * gates[2])
        F.cross_entropy(F.linear(x, last, last_bias), labels[part]).backward()
        for name, gate in zip(taylor, gates):
            taylor[name] = taylor[name] + gate.grad**2 / BATCHES

    tensors = {
        "conv2d_0/kernel": first.permute(2, 3, 1, 0), "conv2d_0/bias": first_bias,
        "batch_norm_0/scale": scale, "batch_norm_0/offset": offset,
        "conv2d_1/kernel": second.permute(2, 3, 1, 0), "conv2d_1/bias": second_bias,
        "dense_0/kernel": third.T, "dense_0/bias": third_bias,
        "dense_1/kernel": last.T, "dense_1/bias": last_bias,
    }
    scores = {
        "l1": {
            "conv2d_0": first.abs().sum((1, 2, 3)), "conv2d_1": second.abs().sum((1, 2, 3)),
            "dense_0": third.abs().sum(1),
        },
        "batch_norm": {"conv2d_0": scale.abs()},
        "taylor": taylor,
    }

    def numbers(tensor):
        return [float(f"{x:.9g}") for x in tensor.flatten().tolist()]

    place = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pruning.json")
    with open(place, "w") as file:
        json.dump(
            {
                "torch": torch.__version__.split("+")[0], "batch": BATCH,
                "images": numbers(images.permute(0, 2, 3, 1)), "labels": labels.tolist(),
                "tensors": {k: numbers(v) for k, v in tensors.items()},
                "scores": {c: {k: numbers(v) for k, v in s.items()} for c, s in scores.items()},
            }, file)
        file.write("\n")


if __name__ == "__main__":
    main()
