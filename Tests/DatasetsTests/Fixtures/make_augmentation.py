"""Makes augmentation.json: what scipy.ndimage and torchvision give for the distortions of
Sources/Datasets.

    python3 make_augmentation.py > augmentation.json      (NumPy, SciPy, PyTorch and torchvision)

Parameters and inputs are float32 numbers, results are in float64.
"""
import json
import os
import sys

import numpy as np
import scipy
import torch
import torchvision
from scipy import ndimage
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as F

rng = np.random.default_rng(7)


def numbers(a):
    return [float(f"{x:.10g}") for x in np.asarray(a).ravel()]


def exactly(a):
    return [float(x) for x in np.asarray(a).ravel()]


def byteish(shape):
    return rng.integers(0, 257, shape).astype(np.float32) / 256


def float32(values):
    return [float(np.float32(v)) for v in values]


def about_centre(matrix, shift, shape):
    """scipy's (matrix, offset) for q = M p + t with p and q counted from the centre."""
    c = (np.array(shape) - 1) / 2
    return matrix, c - matrix @ c + shift


def homogeneous(op, values):
    m = np.eye(3)
    if op == "rotate":
        a = np.deg2rad(values[0])
        m[:2, :2] = [[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]
    elif op == "shift":
        m[:2, 2] = [-values[0], -values[1]]
    elif op == "zoom":
        m[0, 0] = m[1, 1] = 1 / values[0]
    elif op == "shear":
        m[1, 0] = -np.tan(np.deg2rad(values[0]))
    return m


def torchvisions(chain, image):
    """The same by torchvision, which slants, scales, turns and moves in that order, counts
    translations as (x, y), shears to the left and, in all but F.rotate, angles clockwise."""
    given = {"shear": [0.0], "zoom": [1.0], "rotate": [0.0], "shift": [0.0, 0.0]} | dict(chain)
    x = torch.tensor(image, dtype=torch.float64)[None]
    bilinear = InterpolationMode.BILINEAR
    if [op for op, _ in chain] == ["rotate"]:
        return F.rotate(x, given["rotate"][0], bilinear)[0].numpy()
    assert [op for op in given if op in dict(chain)] == [op for op, _ in chain]
    return F.affine(
        x, angle=-given["rotate"][0], translate=given["shift"][::-1], scale=given["zoom"][0],
        shear=[-given["shear"][0], 0.0], interpolation=bilinear)[0].numpy()


def main():
    cases, whole = [], []
    shapes = [(9, 7), (28, 28), (5, 20), (17, 33)]
    chains = [
        [("rotate", [15.0])],
        [("rotate", [-90.0])],
        [("shift", [2.0, -3.0])],
        [("shift", [-0.35, 1.6])],
        [("zoom", [1.1])],
        [("zoom", [0.55])],
        [("shear", [20.0])],
        [("rotate", [-11.5]), ("zoom", [0.93]), ("shift", [1.7, -0.6])],
        [("shift", [3.3, 2.1]), ("shear", [-12.0]), ("rotate", [170.0])],
    ]
    for number, chain in enumerate(chains):
        shape = shapes[number % len(shapes)]
        image = byteish(shape)
        chain = [(op, float32(values)) for op, values in chain]
        # The first distortion's map is applied last: maps run from the output back to the input.
        m = np.eye(3)
        for op, values in chain:
            m = m @ homogeneous(op, values)
        matrix, offset = about_centre(m[:2, :2], m[:2, 2], shape)
        kinds = {
            mode: ndimage.affine_transform(
                image.astype(np.float64), matrix, offset, order=1, mode=mode, cval=0.0)
            for mode in ("grid-constant", "constant")
        }
        # SciPy's own rotate and shift, which build their matrices themselves.
        if len(chain) == 1 and chain[0][0] == "rotate":
            own = ndimage.rotate(image.astype(np.float64), chain[0][1][0], reshape=False, order=1,
                                 mode="grid-constant")
            assert np.allclose(own, kinds["grid-constant"], atol=1e-9)
        if len(chain) == 1 and chain[0][0] == "shift":
            own = ndimage.shift(image.astype(np.float64), chain[0][1], order=1, mode="grid-constant")
            assert np.allclose(own, kinds["grid-constant"], atol=1e-9)
        cases.append({
            "shape": list(shape), "ops": [{"op": o, "values": v} for o, v in chain],
            "image": exactly(image), "grid_constant": numbers(kinds["grid-constant"]),
            "constant": numbers(kinds["constant"]),
        })

    # Displacement fields over an affine map, by map_coordinates.
    for shape, chain in (((28, 28), []), ((9, 7), [("rotate", [8.0])])):
        image = byteish(shape)
        field = (byteish((2, *shape)) * 2 - 1) * np.float32(2.5)
        m = np.eye(3)
        for op, values in chain:
            m = m @ homogeneous(op, values)
        matrix, offset = about_centre(m[:2, :2], m[:2, 2], shape)
        grid = np.indices(shape, dtype=np.float64)
        where = np.einsum("ij,jyx->iyx", matrix, grid) + offset[:, None, None] + field
        whole.append({
            "shape": list(shape), "ops": [{"op": o, "values": v} for o, v in chain],
            "image": exactly(image), "field": exactly(field),
            "grid_constant": numbers(ndimage.map_coordinates(
                image.astype(np.float64), where, order=1, mode="grid-constant")),
            "constant": numbers(ndimage.map_coordinates(
                image.astype(np.float64), where, order=1, mode="constant")),
        })

    smoothed = []
    for shape, sigma, alpha in (((28, 28), 4.0, 34.0), ((9, 7), 0.8, 1.0), ((6, 19), 12.5, 100.0)):
        noise = byteish(shape) * 2 - 1
        sigma, alpha = float32((sigma, alpha))
        smoothed.append({
            "shape": list(shape), "sigma": sigma, "alpha": alpha, "noise": exactly(noise),
            "smoothed": numbers(alpha * ndimage.gaussian_filter(
                noise.astype(np.float64), sigma, mode="constant", cval=0.0)),
        })
    by_torchvision = []
    for number, chain in enumerate((
        [("rotate", [15.0])], [("rotate", [-127.5])], [("shift", [-0.35, 1.6])],
        [("shift", [4.0, -2.75])], [("zoom", [1.1])], [("zoom", [0.55])], [("shear", [20.0])],
        [("shear", [-41.0])],
        [("shear", [8.0]), ("zoom", [1.07]), ("rotate", [12.0]), ("shift", [-1.3, 2.2])],
    )):
        shape = shapes[number % len(shapes)]
        chain = [(op, float32(values)) for op, values in chain]
        image = byteish(shape)
        by_torchvision.append({
            "shape": list(shape), "ops": [{"op": o, "values": v} for o, v in chain],
            "image": exactly(image), "result": numbers(torchvisions(chain, image)),
        })
    json.dump({
        "made_with": {
            "script": os.path.basename(__file__), "python": sys.version.split()[0],
            "numpy": np.__version__, "scipy": scipy.__version__,
            "torch": torch.__version__.split("+")[0],
            "torchvision": torchvision.__version__.split("+")[0],
        },
        "affine": cases, "displaced": whole, "smoothed": smoothed, "torchvision": by_torchvision,
    }, sys.stdout)
    print()


main()
