"""Makes distillation.json: a network that learns from labels and from teachers, over ten steps in PyTorch.

    python make_distillation_fixtures.py            # needs torch, numpy

The loss is (1 − α)·cross_entropy + α·T²·kl_div(log_softmax(z/T), q), q the mean of the teachers' softmax(z/T),
each of which normalises the images by figures of its own, or not. Results are computed in float64 and rounded
to ten digits; arrays are in the program's order: images (N, H, W, C), kernels (rows, columns, channels,
filters) and (inputs, units).
"""

import json
import pathlib
import platform

import numpy as np
import torch
import torch.nn.functional as F

STEPS, RATE = 10, float(np.float32(0.3))
rng = np.random.default_rng(31)


def draw(*shape, scale=1.0, around=0.0):
    return np.round(around + scale * rng.uniform(-1, 1, shape), 2)


def network():
    return {
        "first/kernel": draw(3, 3, 2, 4, scale=0.5), "first/bias": draw(4, scale=0.3),
        "scores/kernel": draw(80, 3, scale=0.6), "scores/bias": draw(3, scale=0.2),
    }


images, labels = draw(12, 7, 6, 2), rng.integers(0, 3, 12)
learner = network()
teachers = [
    {"tensors": network(), "mean": [0.25, -0.125], "factor": [1.5, 0.75]},
    {"tensors": network(), "mean": None, "factor": None},
]


def batch_of(step):
    """Every fifth batch is short."""
    return [(5 * step + i) % 12 for i in range(7 if step % 5 == 4 else 9)]


def scores(x, p):
    x = F.relu(F.conv2d(x.permute(0, 3, 1, 2), p["first/kernel"].permute(3, 2, 0, 1), p["first/bias"]))
    return x.permute(0, 2, 3, 1).flatten(1) @ p["scores/kernel"] + p["scores/bias"]


def train(count, temperature, weight, smoothing):
    temperature, weight = (float(np.float32(x)) for x in (temperature, weight))
    smoothing = float(np.float32(smoothing))
    p = {k: torch.tensor(v, requires_grad=True) for k, v in learner.items()}
    optimizer = torch.optim.SGD(p.values(), RATE)
    losses = []
    for step in range(STEPS):
        batch = batch_of(step)
        x, y = torch.tensor(images[batch]), torch.tensor(labels[batch])
        soft = []
        for teacher in teachers[:count]:
            seen = x
            if teacher["mean"]:
                seen = (x - torch.tensor(teacher["mean"])) * torch.tensor(teacher["factor"])
            own = {k: torch.tensor(v) for k, v in teacher["tensors"].items()}
            soft.append(F.softmax(scores(seen, own) / temperature, 1))
        z = scores(x, p)
        optimizer.zero_grad()
        hard = F.cross_entropy(z, y, label_smoothing=smoothing)
        divergence = F.kl_div(
            F.log_softmax(z / temperature, 1), sum(soft) / count, reduction="batchmean"
        )
        loss = (1 - weight) * hard + weight * temperature**2 * divergence
        loss.backward()
        optimizer.step()
        losses.append(float(f"{loss.item():.10g}"))
    return losses, p


def tensor(values):
    values = np.asarray(values)
    return {
        "shape": list(values.shape), "values": [float(f"{v:.10g}") for v in values.ravel().tolist()]
    }


cases = []
for count, temperature, weight, smoothing in (
    (1, 4, 0.9, 0), (2, 2.5, 0.6, 0.1), (2, 1, 1, 0), (1, 10, 0.25, 0),
):
    losses, final = train(count, temperature, weight, smoothing)
    cases.append(
        {
            "teachers": count, "temperature": temperature, "weight": weight,
            "labelSmoothing": smoothing, "losses": losses,
            "final": {k: tensor(v.detach().numpy()) for k, v in final.items()},
        }
    )
fixture = {
    "made_with": {
        "script": "make_distillation_fixtures.py", "python": platform.python_version(),
        "numpy": np.__version__, "torch": torch.__version__.split("+")[0],
    },
    "images": tensor(images), "labels": labels.tolist(),
    "batches": [batch_of(step) for step in range(STEPS)],
    "learner": {k: tensor(v) for k, v in learner.items()},
    "teachers": [
        {**teacher, "tensors": {k: tensor(v) for k, v in teacher["tensors"].items()}}
        for teacher in teachers
    ],
    "cases": cases,
}
lines = json.dumps(fixture, separators=(",", ":")).replace('"final"', '\n"final"').replace('{"teachers"', '\n{"teachers"')
pathlib.Path(__file__).with_name("distillation.json").write_text(lines + "\n")
