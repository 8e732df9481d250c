"""Makes graphs.json: networks that are no chains, trained by PyTorch.

    python make_graph_fixtures.py      # needs what make_fixtures.py needs, whose conventions hold

Tensors are named as the network names them: by kind and place among the layers, blocks written out.
`gradient` is that of the first batch's loss by the initial weights.
"""

import numpy as np
import torch
import torch.nn.functional as F

from make_fixtures import MADE_WITH, draw, rounded, ten_digits, tensor, write

MADE_WITH["script"] = "make_graph_fixtures.py"
STEPS = 50


class Layers:
    """A network's layers by name, on NCHW tensors; makes the weights that it is first asked for."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.weights = {}

    def weight(self, name, *shape, scale, centre=0):
        if name not in self.weights:
            values = draw(self.rng, *shape, scale=scale) + np.float32(centre)
            self.weights[name] = torch.tensor(values, dtype=torch.float64, requires_grad=True)
        return self.weights[name]

    def conv(self, place, x, filters, size=3, stride=1, padding=None, bias=True):
        channels = x.shape[1]
        name = f"conv2d_{place}"
        scale = 0.8 / np.sqrt(size * size * channels)
        kernel = self.weight(f"{name}/kernel", size, size, channels, filters, scale=scale)
        offset = self.weight(f"{name}/bias", filters, scale=0.1) if bias else None
        padding = size // 2 if padding is None else padding
        return F.conv2d(x, kernel.permute(3, 2, 0, 1), offset, stride, padding)

    def norm(self, place, x):
        name, channels = f"batch_norm_{place}", x.shape[1]
        scale = self.weight(f"{name}/scale", channels, scale=0.1, centre=1)
        offset = self.weight(f"{name}/offset", channels, scale=0.1)
        return F.batch_norm(x, None, None, scale, offset, training=True, eps=1e-3)

    def dense(self, place, x, units):
        name, inputs = f"dense_{place}", x.shape[1]
        kernel = self.weight(f"{name}/kernel", inputs, units, scale=0.8 / np.sqrt(inputs))
        return x @ kernel + self.weight(f"{name}/bias", units, scale=0.1)

    def flatten(self, x):
        return x.permute(0, 2, 3, 1).flatten(1)


def residual(net, x):
    x = net.conv(0, x, 4).relu()
    body = net.conv(2, net.conv(1, x, 4).relu(), 4)
    x = (body + x).relu()
    body = net.conv(5, net.conv(4, x, 6, stride=2).relu(), 6)
    x = (body + net.conv(6, x, 6, size=1, stride=2)).relu()
    return net.dense(9, net.flatten(x), 3)


def residual_norm(net, x):
    """Two turns of one block."""
    x = net.norm(1, net.conv(0, x, 4, bias=False)).relu()
    for first in (3, 9):
        body = net.norm(first + 1, net.conv(first, x, 4, bias=False)).relu()
        body = net.norm(first + 4, net.conv(first + 3, body, 4, bias=False))
        x = (body + x).relu()
    return net.dense(17, net.flatten(F.max_pool2d(x, 3)), 3)


def merges(net, x):
    """Branches of which one is empty, a gate, and names that are read again far below."""
    stem = net.conv(0, x, 3).tanh()
    x = torch.cat([net.conv(1, stem, 2, size=1), net.conv(2, stem, 2).relu(), stem], 1)
    x = net.conv(4, x, 3).sigmoid() * net.conv(5, x, 3)
    x = F.gelu(x + stem + net.conv(7, stem, 3, size=1))
    far = torch.cat([net.flatten(x), net.flatten(stem)], 1)
    return net.dense(12, far, 3)


def case(name, forward, seed, momentum, rate):
    net = Layers(seed)
    images = np.round(net.rng.random((8, 7, 6, 2)), 2).astype(np.float32)
    labels = np.array([0, 1, 2, 1, 2, 2, 0, 1])
    batches = [[0, 1, 2, 3, 4], [4, 5, 6, 7], [6, 1, 3, 0]]
    order = [batches[i % 3] for i in range(STEPS)]
    x = torch.tensor(images, dtype=torch.float64).permute(0, 3, 1, 2)
    y = torch.tensor(labels)
    forward(net, x)
    initial = {k: tensor(v.detach().numpy()) for k, v in net.weights.items()}
    step = torch.optim.SGD(net.weights.values(), rate, momentum=momentum, nesterov=True)
    losses, gradient = [], None
    for batch in order:
        loss = F.cross_entropy(forward(net, x[batch]), y[batch])
        step.zero_grad()
        loss.backward()
        if gradient is None:
            gradient = {k: rounded(v.grad) for k, v in net.weights.items()}
        step.step()
        losses.append(float(loss.detach()))
    return {
        "name": name, "source": "torch", "momentum": momentum, "learning_rate": rate,
        "images": tensor(images), "labels": [int(v) for v in labels], "batches": order,
        "initial": initial, "gradient": gradient, "losses": ten_digits(losses),
        "final": {k: rounded(v.detach()) for k, v in net.weights.items()},
    }


if __name__ == "__main__":
    write(
        "graphs.json",
        {
            "cases": [
                case("residual", residual, 31, 0.9, 0.005),
                case("residual with batch_norm, repeated", residual_norm, 32, 0.9, 0.001),
                case("branches, merges and names", merges, 33, 0.9, 0.005),
            ]
        },
    )
