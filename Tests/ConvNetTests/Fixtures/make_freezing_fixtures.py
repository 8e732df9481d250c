"""Makes freezing.json: a network of which some layers are frozen, over twenty steps in PyTorch.

    python make_freezing_fixtures.py            # needs torch, numpy

What is frozen has requires_grad=False, and its batch norms are in eval(). In the last case it begins to
learn after ten steps. Weights decay by AdamW, kernels alone. Results are computed in float64 and rounded
to ten digits; arrays are in the program's order: images (N, H, W, C), kernels (rows, columns, channels,
filters) and (inputs, units).
"""

import json
import pathlib
import platform

import numpy as np
import torch
import torch.nn.functional as F

STEPS, LATER = 20, 10
RATE, DECAY, BETAS, EPSILON = 0.01, 0.05, (0.9, 0.999), 1e-8
# The program's constants are float32 numbers.
RATE, DECAY, EPSILON = (float(np.float32(x)) for x in (RATE, DECAY, EPSILON))
BETAS = tuple(float(np.float32(x)) for x in BETAS)
NORM_EPSILON = float(np.float32(1e-3))
rng = np.random.default_rng(20)


def draw(*shape, scale=1.0, around=0.0):
    return np.round(around + scale * rng.uniform(-1, 1, shape), 2)


images = draw(12, 7, 6, 2)
labels = rng.integers(0, 3, 12)
initial = {
    "first/kernel": draw(3, 3, 2, 4, scale=0.5),
    "first_norm/scale": draw(4, scale=0.4, around=1), "first_norm/offset": draw(4, scale=0.3),
    "second/kernel": draw(2, 2, 4, 5, scale=0.5),
    "second_norm/scale": draw(5, scale=0.4, around=1), "second_norm/offset": draw(5, scale=0.3),
    "hidden/kernel": draw(60, 6, scale=0.3), "hidden/bias": draw(6, scale=0.2),
    "scores/kernel": draw(6, 3, scale=0.6), "scores/bias": draw(3, scale=0.2),
}
statistics = {
    "first_norm/moving_mean": draw(4, scale=0.3),
    "first_norm/moving_variance": draw(4, scale=0.4, around=1),
    "second_norm/moving_mean": draw(5, scale=0.3),
    "second_norm/moving_variance": draw(5, scale=0.4, around=1),
}


def batch_of(step):
    """Every fifth batch is short."""
    return [(5 * step + i) % 12 for i in range(7 if step % 5 == 4 else 9)]


def norm(x, p, s, name, frozen):
    return F.batch_norm(
        x, s[f"{name}/moving_mean"], s[f"{name}/moving_variance"], p[f"{name}/scale"],
        p[f"{name}/offset"], training=name not in frozen, momentum=0.01, eps=NORM_EPSILON,
    )


def scores(x, p, s, frozen):
    x = x.permute(0, 3, 1, 2)
    for conv in ("first", "second"):
        x = F.conv2d(x, p[f"{conv}/kernel"].permute(3, 2, 0, 1))
        x = F.relu(norm(x, p, s, f"{conv}_norm", frozen))
    x = x.permute(0, 2, 3, 1).flatten(1)
    x = torch.tanh(x @ p["hidden/kernel"] + p["hidden/bias"])
    return x @ p["scores/kernel"] + p["scores/bias"]


def train(frozen, later):
    p = {k: torch.tensor(v, requires_grad=k.split("/")[0] not in frozen) for k, v in initial.items()}
    s = {k: torch.tensor(v) for k, v in statistics.items()}
    optimizer = torch.optim.AdamW(
        [{"params": [v], "weight_decay": DECAY if k.endswith("kernel") else 0} for k, v in p.items()],
        RATE, BETAS, EPSILON, foreach=False,
    )
    losses = []
    for step in range(STEPS):
        if later and step == LATER:
            frozen = []
            for value in p.values():
                value.requires_grad_(True)
        batch = batch_of(step)
        optimizer.zero_grad()
        loss = F.cross_entropy(
            scores(torch.tensor(images[batch]), p, s, frozen), torch.tensor(labels[batch])
        )
        loss.backward()
        optimizer.step()
        losses.append(float(f"{loss.item():.10g}"))
    return losses, p


def tensor(values):
    values = np.asarray(values)
    return {
        "shape": list(values.shape), "values": [float(f"{v:.10g}") for v in values.ravel().tolist()]
    }


base = ["first", "first_norm"]
cases = []
for name, frozen, later in (
    ("the base", base, False),
    ("the batch norms", ["first_norm", "second_norm"], False),
    ("what lies between layers that learn", ["second", "second_norm", "hidden"], False),
    ("all but the last", [*base, "second", "second_norm", "hidden"], False),
    ("the base, at first", base, True),
):
    losses, final = train(frozen, later)
    cases.append(
        {
            "name": name, "frozen": frozen, "later": LATER if later else None, "losses": losses,
            "final": {k: tensor(v.detach().numpy()) for k, v in final.items()},
        }
    )
fixture = {
    "made_with": {
        "script": "make_freezing_fixtures.py", "python": platform.python_version(),
        "numpy": np.__version__, "torch": torch.__version__.split("+")[0],
    },
    "images": tensor(images), "labels": labels.tolist(),
    "batches": [batch_of(step) for step in range(STEPS)],
    "initial": {k: tensor(v) for k, v in (initial | statistics).items()}, "cases": cases,
}
lines = json.dumps(fixture, separators=(",", ":")).replace('"final"', '\n"final"').replace('{"name"', '\n{"name"')
pathlib.Path(__file__).with_name("freezing.json").write_text(lines + "\n")
