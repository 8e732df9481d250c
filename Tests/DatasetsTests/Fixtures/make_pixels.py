"""Makes pixels.json: what torchvision makes of images, the parameters being given.

    python3 make_pixels.py > pixels.json      (PyTorch and torchvision)

Images are (H, W, C) of bytes, divided by 255; results are computed in float64. What is drawn is in
make_draws.py. Only a perspective is drawn otherwise: torchvision draws whole pixels.
"""
import json
import os
import sys

import numpy as np
import torch
import torchvision
from torchvision.transforms.v2 import functional as F

rng = np.random.default_rng(11)


def numbers(a):
    return [float(f"{x:.10g}") for x in np.asarray(a).ravel()]


def image(shape):
    return rng.integers(0, 256, shape)


def main():
    shapes = [(9, 7, 1), (5, 20, 1), (7, 10, 3)]
    table = []
    for shape in shapes:
        h, w, _ = shape
        table += [
            (shape, "brightness", [f], lambda x, f=f: F.adjust_brightness(x, f)) for f in (0.0, 0.4, 1.7)
        ]
        table += [
            (shape, "contrast", [f], lambda x, f=f: F.adjust_contrast(x, f)) for f in (0.0, 0.4, 1.7)
        ]
        table += [
            (shape, "blur", [k // 2, s], lambda x, k=k, s=s: F.gaussian_blur(x, [k, k], [s, s]))
            for k, s in ((3, 0.5), (5, 1.3), (9, 4.0)) if k // 2 < min(h, w)
        ]
        table += [
            (shape, "fill", [1, 3, 2, 4, v], lambda x, v=v: F.erase(x, 1, 2, 3, 4, torch.tensor(v)))
            for v in (0.0, 0.5)
        ]
        table += [(shape, "solarize", [t], lambda x, t=t: F.solarize(x, t)) for t in (0.25, 0.7)]
        table += [(shape, "posterize", [b], lambda x, b=b: F.posterize(x, b)) for b in (3, 8)]
        table += [(shape, "autocontrast", [], F.autocontrast)]
        table += [(shape, "hflip", [], F.horizontal_flip), (shape, "vflip", [], F.vertical_flip)]
        table += [
            (shape, "crop", [2 - top, 2 - left],
             lambda x, top=top, left=left: F.crop(F.pad(x, [2, 2]), top, left, *x.shape[1:]))
            for top, left in ((0, 4), (3, 1), (2, 2))
        ]
        start = [[0, 0], [w - 1, 0], [w - 1, h - 1], [0, h - 1]]
        for inward in (
            [[1, 2], [2, 0], [1, 1], [0, 2]], [[0.5, 0.25], [0, 1.75], [1.5, 0.5], [2.25, 1]],
        ):
            if h < 6:
                continue  # The corners would meet.
            signs = [[1, 1], [-1, 1], [-1, -1], [1, -1]]
            end = [[x + i * a, y + j * b] for (x, y), (i, j), (a, b) in zip(start, inward, signs)]
            table.append(
                (shape, "perspective", [v for point in end for v in point],
                 lambda x, s=start, e=end: F.perspective(x, s, e, fill=None))
            )
    # An equalisation needs 255 pixels that are not of the highest level.
    more = [(20, 23, 1), (19, 16, 3), (7, 10, 3)]
    for shape in more:
        table += [
            (shape, "saturation", [f], lambda x, f=f: F.adjust_saturation(x, f)) for f in (0.1, 1.9)
        ]
        table += [
            (shape, "sharpness", [f], lambda x, f=f: F.adjust_sharpness(x, f)) for f in (0.1, 1.9)
        ]
        table += [(shape, "equalize", [], F.equalize)]
    cases = []
    for shape, op, values, function in table:
        x = image(shape)
        y = function(torch.tensor(x / 255).permute(2, 0, 1)).permute(1, 2, 0)
        cases.append(
            {"op": op, "shape": list(shape), "values": values, "bytes": x.ravel().tolist(), "result": numbers(y)}
        )
    made_with = {
        "script": os.path.basename(__file__), "python": sys.version.split()[0], "numpy": np.__version__,
        "torch": torch.__version__.split("+")[0],
        "torchvision": torchvision.__version__.split("+")[0],
    }
    json.dump({"made_with": made_with, "cases": cases}, sys.stdout)
    print()


main()
