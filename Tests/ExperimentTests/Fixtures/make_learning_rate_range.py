"""Makes learning_rate_range.json: a learning-rate range test in PyTorch, its smoothed losses by SciPy,
and its trend, lines fitted to the losses around each step, by NumPy.

    python make_learning_rate_range.py            # needs torch, numpy, scipy

dense 6 tanh, dense 3, by SGD with momentum over batches of 4 in the order of the samples, the last one
short, while the rate rises. Inputs are float32 numbers of few digits; all is computed in float64 and
rounded to ten digits.
"""

import json
import pathlib
import platform
import sys

# PyTorch's optimizers import Triton where they find it, and need none of it.
sys.modules["triton"] = None

import numpy as np
import scipy
import torch
from scipy.signal import lfilter

torch.set_default_dtype(torch.float64)
NAMES = ["dense_0/kernel", "dense_0/bias", "dense_1/kernel", "dense_1/bias"]
MOMENTUM = 0.875


def draw(rng, *shape, scale=1.0):
    return np.round(rng.normal(size=shape) * scale, 3).astype(np.float32)


def numbers(values):
    return [float(f"{v:.10g}") for v in values]


def train(initial, inputs, labels, first, last, steps):
    """The rate and the batch's loss of every step."""
    net = torch.nn.Sequential(torch.nn.Linear(7, 6), torch.nn.Tanh(), torch.nn.Linear(6, 3))
    with torch.no_grad():
        for p, value in zip(net.parameters(), initial.values()):
            p.copy_(torch.tensor(value.T))
    optimizer = torch.optim.SGD(net.parameters(), first, momentum=MOMENTUM)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(
        optimizer, (last / first) ** (1 / (steps - 1))
    )
    rates, losses = [], []
    for step in range(steps):
        batch = slice(4 * step, 4 * step + 4)
        x = torch.tensor(inputs[batch], dtype=torch.float64)
        loss = torch.nn.functional.cross_entropy(net(x), torch.tensor(labels[batch]))
        optimizer.zero_grad()
        loss.backward()
        rates.append(optimizer.param_groups[0]["lr"])
        losses.append(float(loss.detach()))
        optimizer.step()
        scheduler.step()
    return np.array(rates), np.array(losses)


def trend(rates, losses):
    """The middle of a weighted line through the losses around each step."""
    first = max(1, len(losses) // 10)
    losses = np.minimum(losses, losses[:first].mean())
    places = np.log10(rates)
    values = []
    for place in places:
        weights = np.exp(-0.5 * ((places - place) / 0.25) ** 2)
        # polyfit squares what it is given.
        values.append(np.polyfit(places - place, losses, 1, w=np.sqrt(weights))[1])
    return np.array(values)


def half_fallen(trend):
    """The first step from which on, to the least, more than half of the fall is done."""
    least = int(trend.argmin())
    half = (trend[: least + 1].max() + trend[least]) / 2
    return least, int(np.flatnonzero(trend[: least + 1] >= half).max()) + 1


def main():
    rng = np.random.default_rng(90)
    centres = draw(rng, 3, 7)
    labels = rng.integers(0, 3, 398)
    inputs = (centres[labels] + draw(rng, 398, 7, scale=0.6)).astype(np.float32)
    # Some are labelled at random, so that no loss is as small as the rounding of it.
    labels = np.where(rng.random(398) < 0.15, rng.integers(0, 3, 398), labels)
    initial = {
        "dense_0/kernel": draw(rng, 7, 6, scale=0.5), "dense_0/bias": draw(rng, 6, scale=0.1),
        "dense_1/kernel": draw(rng, 6, 3, scale=0.7), "dense_1/bias": draw(rng, 3, scale=0.1),
    }
    cases = []
    for name, first, last in (("all steps", 1e-4, 1.0), ("diverging", 1e-3, 1e4)):
        rates, losses = train(initial, inputs, labels, first, last, 100)
        counts = np.arange(1, len(losses) + 1)
        smoothed = lfilter([0.02], [1, -0.98], losses) / (1 - 0.98**counts)
        beyond = np.flatnonzero(smoothed > 4 * np.minimum.accumulate(smoothed))
        taken = beyond[0] + 1 if len(beyond) else len(losses)
        rates, losses, smoothed = rates[:taken], losses[:taken], smoothed[:taken]
        values = trend(rates, losses)
        least, falling = half_fallen(values)
        cases.append(
            {
                "name": name, "from": first, "to": last, "steps": 100,
                "diverged": len(beyond) > 0, "rates": numbers(rates), "losses": numbers(losses),
                "smoothed": numbers(smoothed), "trend": numbers(values), "least": least + 1,
                "falling": falling + 1,
            }
        )
        print(name, taken, rates[least], rates[falling])
    content = {
        "made_with": {
            "script": "make_learning_rate_range.py", "python": platform.python_version(),
            "numpy": np.__version__, "torch": torch.__version__.split("+")[0],
            "scipy": scipy.__version__,
        },
        "momentum": MOMENTUM, "labels": labels.tolist(),
        "inputs": [float(str(v)) for v in inputs.ravel()],
        "initial": {k: [float(str(v)) for v in value.ravel()] for k, value in initial.items()},
        "cases": cases,
    }
    lines = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in content.items())
    path = pathlib.Path(__file__).with_name("learning_rate_range.json")
    path.write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()
