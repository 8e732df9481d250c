"""Makes fake_quantization.json: what PyTorch's fake quantisation gives, and its gradients.

    python make_fake_quantization.py            # needs torch, numpy

Kernels are rounded by torch.fake_quantize_per_channel_affine, values by
torch._fake_quantize_learnable_per_tensor_affine, in float32 as the program does. That takes zero points below 0
for others than it says, so that values are quantised to 0..255 here, and to −128..127 in the program. Arrays are
in the program's order: images (N, H, W, C), kernels (rows, columns, channels, filters) and (inputs, units).

The networks are trained by SGD for some steps. As rounding is a jump, the last digit of a number near one would
decide what comes of it: the seed is one with which no number comes near.
"""

import json
import pathlib
import platform

import numpy as np
import torch
import torch.nn.functional as F

RATE, MOMENTUM, STEPS, BATCH = 0.05, 0.9, 6, 10
rng = np.random.default_rng(19)
nearest = 1.0


def draw(*shape, scale=1.0, around=0.0):
    return np.round(around + scale * rng.uniform(-1, 1, shape), 5).astype(np.float32)


def tensor(values):
    values = np.asarray(values, dtype=np.float32)
    # As few digits as tell a float32.
    return {"shape": list(values.shape), "values": [float(str(x)) for x in values.flatten()]}


def note(ratio):
    """Keeps how near a number has come to the middle between two integers."""
    global nearest
    part = (ratio.detach() - ratio.detach().floor() - 0.5).abs().min().item()
    nearest = min(nearest, part)


def kernel(w, bits):
    """Rounded by columns."""
    most = 2 ** (bits - 1) - 1
    scale = w.detach().abs().amax(tuple(range(w.ndim - 1))) / most
    note(w / scale)
    zero = torch.zeros(len(scale), dtype=torch.int32)
    return torch.fake_quantize_per_channel_affine(w, scale, zero, w.ndim - 1, -most, most)


def kernels():
    cases = []
    for bits in (2, 3, 4, 8):
        for shape in [(3, 3, 2, 5), (5, 19)]:
            w = torch.tensor(draw(*shape), requires_grad=True)
            gradient = torch.tensor(draw(*shape))
            y = kernel(w, bits)
            y.backward(gradient)
            assert torch.equal(w.grad, gradient)
            cases.append({"bits": bits, "kernel": tensor(w.detach()), "rounded": tensor(y.detach())})
    return cases


def values(x, scale, zero, factor=1.0):
    note(x / scale)
    return torch._fake_quantize_learnable_per_tensor_affine(x, scale, zero + 128, 0, 255, factor)


def single():
    cases = []
    for scale, zero in [(0.01, -128), (0.0083, 10), (0.0023, -41), (0.0117, 127)]:
        x = torch.tensor(draw(9, 3, 1, 5), requires_grad=True)
        s = torch.tensor([scale], dtype=torch.float32, requires_grad=True)
        z = torch.tensor([float(zero)], requires_grad=True)
        gradient = torch.tensor(draw(9, 3, 1, 5))
        y = values(x, s, z)
        y.backward(gradient)
        cases.append({
            "scale": s.item(), "zero": zero, "inputs": tensor(x.detach()), "outputs": tensor(y.detach()),
            "gradient": tensor(gradient), "inputGradient": tensor(x.grad),
            "scaleGradient": s.grad.item(), "zeroGradient": z.grad.item()})
    return cases


def range_scale(low, high):
    """Of a range with 0 in it."""
    low, high = min(float(low), 0.0), max(float(high), 0.0)
    scale = np.float32((high - low) / 255)
    return scale, float(np.clip(np.round(-128 - low / float(scale)), -128, 127))


IMAGES, LABELS = draw(12, 7, 6, 2), [int(x) for x in rng.integers(0, 3, 12)]
INITIAL = {
    "conv2d_0/kernel": draw(3, 3, 2, 4, scale=0.6), "conv2d_0/bias": draw(4, scale=0.2),
    "dense_0/kernel": draw(16, 3, scale=0.6), "dense_0/bias": draw(3, scale=0.2),
}
# What the ranges begin with, somewhat narrower than the values.
RANGES = {"input": (-1.0, 1.0), "conv2d_0": (0.0, 2.0), "dense_0": (-2.0, 1.5)}


def trained(bits, learned):
    p = {name: torch.tensor(value, requires_grad=True) for name, value in INITIAL.items()}
    ranges = {name: list(ends) for name, ends in RANGES.items()}
    steps = {}
    if learned:
        for name in ("conv2d_0", "dense_0"):
            scale, zero = range_scale(*RANGES[name])
            steps[name] = (
                torch.tensor([np.log2(float(scale))], dtype=torch.float32, requires_grad=True),
                # What begins at 0 goes on beginning there.
                torch.tensor([zero], dtype=torch.float32, requires_grad=zero != -128))
    trainable = list(p.values()) + [x for pair in steps.values() for x in pair if x.requires_grad]
    optimizer = torch.optim.SGD(trainable, lr=RATE)
    seen = {}

    def rounded(x, name):
        if name in steps:
            logarithm, zero = steps[name]
            # Below 0 it rounds otherwise than it says; see above.
            whole = zero + (zero.detach().round() - zero.detach())
            return values(x, 2.0**logarithm, whole, 1 / (255 * x[0].numel()) ** 0.5)
        seen[name] = (x.detach().min().item(), x.detach().max().item())
        scale, zero = range_scale(*ranges[name])
        return values(x, torch.tensor([scale]), torch.tensor([zero], dtype=torch.float32))

    losses = []
    for step in range(STEPS):
        batch = [(5 * step + i) % 12 for i in range(BATCH)]
        x = rounded(torch.tensor(IMAGES[batch]), "input").permute(0, 3, 1, 2)
        x = F.conv2d(x, kernel(p["conv2d_0/kernel"], bits).permute(3, 2, 0, 1), p["conv2d_0/bias"])
        x = rounded(F.max_pool2d(F.relu(x), 2), "conv2d_0").permute(0, 2, 3, 1).flatten(1)
        x = rounded(x @ kernel(p["dense_0/kernel"], bits) + p["dense_0/bias"], "dense_0")
        loss = F.cross_entropy(x, torch.tensor([LABELS[i] for i in batch]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        for name, ends in seen.items():
            if name != "input":
                ranges[name] = [
                    np.float32(MOMENTUM) * np.float32(old) + np.float32(1 - MOMENTUM) * np.float32(new)
                    for old, new in zip(ranges[name], ends)]
    final = {name: tensor(value.detach()) for name, value in p.items()}
    for name in ("conv2d_0", "dense_0"):
        roles = ("log2_scale", "zero_point") if learned else ("minimum", "maximum")
        numbers = [x.item() for x in steps[name]] if learned else ranges[name]
        for role, number in zip(roles, numbers):
            final[f"{name}/values/{role}"] = tensor([number])
    return {"bits": bits, "learned": learned, "losses": losses, "final": final}


result = {
    "versions": {"python": platform.python_version(), "torch": torch.__version__},
    "kernels": kernels(), "values": single(),
    "training": {
        "inputs": tensor(IMAGES), "labels": LABELS, "rate": RATE, "momentum": MOMENTUM, "batch": BATCH,
        "initial": {name: tensor(value) for name, value in INITIAL.items()},
        "ranges": {name: list(ends) for name, ends in RANGES.items()},
        "cases": [trained(bits, learned) for bits in (8, 3) for learned in (False, True)],
    },
}
assert nearest > 1e-5, f"{nearest} from a jump: take another seed"
path = pathlib.Path(__file__).with_name("fake_quantization.json")
path.write_text(json.dumps(result) + "\n")
