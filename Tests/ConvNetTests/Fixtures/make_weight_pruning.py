"""Makes weight_pruning.json: which weights become 0, when, and what trains beside them, by PyTorch.

    python make_weight_pruning.py            # needs torch, numpy

The course of the sparsity is that of TensorFlow Model Optimization's PolynomialDecay (0.8.0,
sparsity/keras/pruning_schedule.py), by its formula; masks are those of torch.nn.utils.prune. A network of a
convolution and two dense layers trains for some steps, between which more of its weights become 0: their originals
go on moving in PyTorch, and are multiplied by 0. Results are computed in float64 and rounded to ten digits;
arrays are in the program's order: images (N, H, W, C), kernels (rows, columns, channels, filters) and
(inputs, units).
"""

import json
import pathlib
import platform

import numpy as np
import torch
import torch.nn.functional as F
from torch.nn.utils import prune

STEPS = 30
rng = np.random.default_rng(31)


def draw(*shape, scale=1.0):
    """Float32 numbers of which no two have one magnitude."""
    values = (scale * rng.uniform(-1, 1, shape)).astype(np.float32)
    assert len(np.unique(np.abs(values))) == values.size
    return values


def numbers(values):
    return [float(f"{v:.10g}") for v in np.asarray(values, dtype=np.float64).ravel().tolist()]


def tensor(values):
    return {"shape": list(np.asarray(values).shape), "values": numbers(values)}


# --- The schedule -------------------------------------------------------------------------------


def polynomial_decay(step, initial, final, begin, end, frequency, power=3):
    """What PolynomialDecay.__call__ returns: the sparsity, or None where it prunes nothing."""
    if not (begin <= step <= end and (step - begin) % frequency == 0):
        return None
    p = min(1.0, max(0.0, (step - begin) / (end - begin)))
    return (initial - final) * (1 - p) ** power + final


def schedules():
    cases = []
    for initial, final, begin, end, frequency in (
        (0.0, 0.9, 0, 40, 10), (0.5, 0.95, 10, 60, 5), (0.25, 0.25, 3, 33, 3), (0.0, 0.5, 7, 8, 1),
        (0.0, 0.8, 0, 1000, 100),
    ):
        steps = range(0, end + 2 * frequency)
        after = [polynomial_decay(s, initial, final, begin, end, frequency) for s in steps]
        cases.append(
            {
                "initial": initial, "final": final, "begin": begin, "end": end, "every": frequency,
                "after": [None if s is None else float(f"{s:.15g}") for s in after],
            }
        )
    return cases


# --- Masks --------------------------------------------------------------------------------------


class Pair(torch.nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.parts = torch.nn.ModuleList()
        for weight in weights:
            part = torch.nn.Module()
            part.weight = torch.nn.Parameter(torch.tensor(weight))
            self.parts.append(part)


def masks():
    """Of two kernels, pruned to one share after another."""
    weights = [draw(3, 3, 2, 5), draw(41, 7, scale=0.3)]
    counts = [w.size for w in weights]
    cases = []
    for scope in ("layer", "global"):
        for shares in ((0.1,), (0.5,), (0.9,), (0.955,), (0.3, 0.8), (0.5, 0.75, 0.99)):
            pair = Pair(weights)
            gone = [0, 0]
            for share in shares:
                if scope == "layer":
                    for i, part in enumerate(pair.parts):
                        more = round(share * counts[i]) - gone[i]
                        prune.l1_unstructured(part, "weight", amount=more)
                        gone[i] += more
                else:
                    more = round(share * sum(counts)) - gone[0]
                    prune.global_unstructured(
                        [(part, "weight") for part in pair.parts], prune.L1Unstructured, amount=more
                    )
                    gone[0] += more
            cases.append(
                {
                    "scope": scope, "shares": list(shares),
                    "masks": [part.weight_mask.flatten().int().tolist() for part in pair.parts],
                }
            )
    return {"weights": [tensor(w) for w in weights], "cases": cases}


# --- Training -----------------------------------------------------------------------------------

images = draw(12, 6, 5, 2)
labels = rng.integers(0, 3, 12)
initial = {
    "conv/kernel": draw(3, 3, 2, 4, scale=0.5), "conv/bias": draw(4, scale=0.2),
    "hidden/kernel": draw(48, 6, scale=0.3), "hidden/bias": draw(6, scale=0.2),
    "scores/kernel": draw(6, 3, scale=0.6), "scores/bias": draw(3, scale=0.2),
}
GROWTH = {5: 0.3, 10: 0.6, 20: 0.85}


def batch_of(step):
    """Every fifth batch is short."""
    return [(5 * step + i) % 12 for i in range(7 if step % 5 == 4 else 9)]


def single(value):
    return float(np.float32(value))


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 4, 3)
        self.hidden = torch.nn.Linear(48, 6)
        self.scores = torch.nn.Linear(6, 3)
        self.double()
        with torch.no_grad():
            for name, value in initial.items():
                layer, role = name.split("/")
                value = torch.tensor(value, dtype=torch.float64)
                if role == "kernel":
                    value = value.permute(3, 2, 0, 1) if value.ndim == 4 else value.T
                getattr(getattr(self, layer), "weight" if role == "kernel" else role).copy_(value)

    def forward(self, x):
        x = torch.tanh(self.conv(x.permute(0, 3, 1, 2)))
        x = torch.tanh(self.hidden(x.permute(0, 2, 3, 1).flatten(1)))
        return self.scores(x)

    def tensors(self):
        result = {}
        for name in initial:
            layer, role = name.split("/")
            value = getattr(getattr(self, layer), "weight" if role == "kernel" else role).detach()
            if role == "kernel":
                value = value.permute(2, 3, 1, 0) if value.ndim == 4 else value.T
            result[name] = tensor(value.numpy())
        return result


def train(rule, scope):
    net = Network()
    kernels, rest = [], []
    for name, value in net.named_parameters():
        (kernels if name.endswith("weight") else rest).append(value)
    groups = [
        {"params": kernels, "weight_decay": single(rule.get("weight_decay", 0))},
        {"params": rest, "weight_decay": 0.0},
    ]
    rate = single(rule["learning_rate"])
    if rule["name"] == "sgd":
        optimizer = torch.optim.SGD(groups, rate, momentum=single(0.9), foreach=False)
    else:
        optimizer = torch.optim.AdamW(
            groups, rate, (single(0.9), single(0.999)), single(1e-8), foreach=False
        )
    layers = [net.conv, net.hidden, net.scores]
    counts = [layer.weight.numel() for layer in layers]
    gone = [0, 0, 0]
    losses = []
    for step in range(STEPS):
        if step in GROWTH:
            # PyTorch goes by the weights of the last pass, which were moved since.
            net(torch.tensor(images, dtype=torch.float64))
            if scope == "layer":
                for i, layer in enumerate(layers):
                    more = round(GROWTH[step] * counts[i]) - gone[i]
                    prune.l1_unstructured(layer, "weight", amount=more)
                    gone[i] += more
            else:
                more = round(GROWTH[step] * sum(counts)) - gone[0]
                prune.global_unstructured(
                    [(layer, "weight") for layer in layers], prune.L1Unstructured, amount=more
                )
                gone[0] += more
        batch = batch_of(step)
        optimizer.zero_grad()
        loss = F.cross_entropy(
            net(torch.tensor(images[batch], dtype=torch.float64)), torch.tensor(labels[batch])
        )
        loss.backward()
        if "clip_norm" in rule:
            torch.nn.utils.clip_grad_norm_(net.parameters(), rule["clip_norm"], foreach=False)
        optimizer.step()
        losses.append(float(f"{loss.item():.10g}"))
    # What the network computes with now: the hooks that multiply run before a pass.
    net(torch.tensor(images, dtype=torch.float64))
    return losses, net.tensors()


def trainings():
    cases = []
    for rule in (
        {"name": "sgd", "learning_rate": 0.05},
        {"name": "sgd", "learning_rate": 0.05, "clip_norm": 0.25},
        {"name": "adam", "learning_rate": 0.01},
        {"name": "adam", "learning_rate": 0.01, "weight_decay": 0.05},
    ):
        for scope in ("layer", "global"):
            losses, final = train(rule, scope)
            cases.append({**rule, "scope": scope, "losses": losses, "final": final})
    return {
        "images": tensor(images), "labels": labels.tolist(),
        "batches": [batch_of(step) for step in range(STEPS)],
        "growth": [GROWTH.get(step) for step in range(STEPS)],
        "initial": {k: tensor(v) for k, v in initial.items()}, "cases": cases,
    }


fixture = {
    "made_with": {
        "script": "make_weight_pruning.py", "python": platform.python_version(),
        "numpy": np.__version__, "torch": torch.__version__.split("+")[0],
    },
    "schedules": schedules(), "masks": masks(), "training": trainings(),
}
text = json.dumps(fixture, separators=(",", ":"))
for key in ("masks", "training", "cases", "final"):
    text = text.replace(f'"{key}":', f'\n"{key}":')
pathlib.Path(__file__).with_name("weight_pruning.json").write_text(text + "\n")
