"""Makes draws.json: what other programs make of the random numbers that Sources/Datasets draws.

    python3 make_draws.py CUTOUT > draws.json      (NumPy, SciPy, PyTorch and torchvision)

CUTOUT is a clone of https://github.com/uoguelph-mlrg/Cutout, the program of DeVries and Taylor (2017), at
commit 287f934. torchvision and it draw from the generator of Sources/ConvNet/Compute/Random.swift instead of
their own, in the order in which they ask; what they then do with the numbers is theirs.
"""
import contextlib
import json
import os
import sys
from unittest import mock

import numpy as np
import scipy
import torch
import torchvision
from scipy import stats
from torchvision.transforms import v2
from torchvision.transforms.v2 import _augment, _auto_augment
from torchvision.transforms.v2.functional import gaussian_noise
from torchvision.transforms.v2.functional._geometry import _get_inverse_affine_matrix

sys.path.insert(0, sys.argv[1])
from util.cutout import Cutout  # noqa: E402

SEED, AUGMENTATION = 1, 4


class Stream:
    """Philox4x32-10 (Salmon et al. 2011), as RandomStream has it."""

    def __init__(self, purpose=AUGMENTATION, epoch=0, sample=0):
        self.counter, self.words = [0, purpose, epoch, sample], []

    def word(self):
        if not self.words:
            c0, c1, c2, c3 = self.counter
            k0, k1 = SEED & 0xFFFFFFFF, SEED >> 32
            for _ in range(10):
                a, b = c0 * 0xD2511F53, c2 * 0xCD9E8D57
                c0, c1, c2, c3 = b >> 32 ^ c1 ^ k0, b & 0xFFFFFFFF, a >> 32 ^ c3 ^ k1, a & 0xFFFFFFFF
                k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
            self.words = [c0, c1, c2, c3]
            self.counter[0] += 1
        return self.words.pop(0)

    def uniform(self):
        return (self.word() >> 8) * 2.0**-24

    def below(self, bound):
        """Lemire (2019)."""
        while (product := self.word() * bound) & 0xFFFFFFFF < 2**32 % bound:
            pass
        return product >> 32


@contextlib.contextmanager
def drawing(stream):
    """PyTorch and NumPy draw from the stream."""

    def uniform_(tensor, low, high):
        # A range of one number draws none.
        part = stream.uniform() if low < high else 0.0
        value = float(low) + (float(high) - float(low)) * part
        return torch.full(tensor.shape, value, dtype=torch.float64)

    def randint(low, high, size=None):
        if size is None:
            low, high, size = 0, low, high
        return torch.full(size, low + stream.below(high - low))

    def rand(size):
        return torch.full((size,) if isinstance(size, int) else size, stream.uniform(), dtype=torch.float64)

    with (
        mock.patch.object(torch.Tensor, "uniform_", uniform_),
        mock.patch.object(torch, "randint", randint), mock.patch.object(torch, "rand", rand),
        mock.patch.object(np.random, "randint", stream.below),
    ):
        yield


def number(x):
    return float(f"{x:.10g}")


def erased(height, width, area, ratio, samples):
    """Rectangles (top, left, height, width); null where none fits."""
    op = v2.RandomErasing(p=1, scale=area, ratio=ratio)
    cases = []
    for sample in range(samples):
        margins = []

        def rounded(x):
            margins.append(abs(x % 1 - 0.5))
            return round(x)

        with (
            drawing(Stream(sample=sample)),
            mock.patch.object(_augment, "round", rounded, create=True),
        ):
            p = op.make_params([torch.zeros(1, height, width)])
        # Nearer to a half than float32 can tell, either is right.
        if min(margins) > 1e-4:
            rectangle = None if p["v"] is None else [p["i"], p["j"], p["h"], p["w"]]
            cases.append({"sample": sample, "rectangle": rectangle})
    return {"shape": [height, width], "area": area, "ratio": ratio, "cases": cases}


def cut(height, width, size, samples):
    """Rectangles again. Of an odd size, this program takes one less."""
    assert size % 2 == 0
    cases = []
    for sample in range(samples):
        with drawing(Stream(sample=sample)):
            image = Cutout(1, size)(torch.ones(1, height, width))
        rows, columns = (np.flatnonzero((image[0] == 0).any(axis)) for axis in (1, 0))
        rectangle = [int(v) for v in (rows[0], columns[0], len(rows), len(columns))]
        cases.append({"sample": sample, "rectangle": rectangle})
    return {"shape": [height, width], "size": size, "cases": cases}


class Recorder:
    """Notes what RandAugment calls instead of torchvision's functions. What moves pixels is noted as
    the six numbers of its inverse map, (x, y, 1) to x and then to y, counted from the image's centre."""

    def __init__(self):
        self.done = []

    def affine(self, image, angle, translate, scale, shear, **_):
        self.done.append({"map": _get_inverse_affine_matrix([0, 0], angle, translate, scale, shear)})
        return image

    def rotate(self, image, angle, **_):
        # As torchvision's own rotate does.
        self.done.append({"map": _get_inverse_affine_matrix([0, 0], -angle, [0, 0], 1, [0, 0])})
        return image

    def __getattr__(self, name):
        def call(image, **given):
            assert len(given) < 2
            change = {"change": name.removeprefix("adjust_")}
            self.done.append(change | {"value": number(v) for v in given.values()})
            return image

        return call


class Policy(v2.RandAugment):
    """RandAugment of some ops, each of which draws a sign, whether it has one or not. Translations are
    taken before they are cut to whole pixels."""

    def __init__(self, names, stream, **given):
        super().__init__(**given)
        space = v2.RandAugment._AUGMENTATION_SPACE
        self._AUGMENTATION_SPACE = {name: space[name] for name in names}
        self.stream = stream
        self.recorder = Recorder()

    def _get_random_item(self, space):
        item = super()._get_random_item(space)
        self.sign = self.stream.uniform()
        return item

    def _apply_image_or_video_transform(self, image, transform_id, magnitude, **given):
        if transform_id == "Identity":
            self.recorder.done.append({"map": [1, 0, 0, 0, 1, 0]})
        whole = float if transform_id.startswith("Translate") else int
        with mock.patch.object(_auto_augment, "int", whole, create=True):
            return super()._apply_image_or_video_transform(image, transform_id, magnitude, **given)

    def outcomes(self, height, width):
        with (
            drawing(self.stream), mock.patch.object(torch, "rand", lambda _: self.sign),
            mock.patch.object(_auto_augment, "F", self.recorder),
        ):
            self(torch.zeros(1, height, width))
        return [
            outcome | {"map": [number(v) for v in outcome["map"]]} if "map" in outcome else outcome
            for outcome in self.recorder.done
        ]


OPS = {
    "Identity": "identity", "ShearX": "shear_x", "ShearY": "shear_y", "TranslateX": "translate_x",
    "TranslateY": "translate_y", "Rotate": "rotate", "Brightness": "brightness", "Color": "color",
    "Contrast": "contrast", "Sharpness": "sharpness", "Posterize": "posterize",
    "Solarize": "solarize", "AutoContrast": "autocontrast", "Equalize": "equalize",
}


def rand_augment(height, width):
    assert list(OPS) == list(v2.RandAugment._AUGMENTATION_SPACE)

    def case(names, magnitude, sample, count):
        policy = Policy(names, Stream(sample=sample), num_ops=count, magnitude=magnitude)
        return {
            "ops": [OPS[name] for name in names], "magnitude": magnitude, "sample": sample,
            "outcomes": policy.outcomes(height, width),
        }

    alone = [case([name], m, m, 1) for name in OPS for m in range(31)]
    together = [case(list(OPS), 9, sample, 3) for sample in range(20)]
    return {"shape": [height, width], "cases": alone + together}


def drawn():
    """Single numbers: factors, deviations, and what maps are made of; 1 for a flip."""
    image = [torch.zeros(1, 28, 28)]
    corner = torch.zeros(1, 2, 2)
    corner[0, 0, 0] = 1
    table = []
    for f in (0.3, 1.7):
        table += [
            ("brightness", f, lambda f=f: v2.ColorJitter(brightness=f).make_params(image)["brightness_factor"]),
            ("contrast", f, lambda f=f: v2.ColorJitter(contrast=f).make_params(image)["contrast_factor"]),
        ]
    table += [
        ("gaussian_blur", 0.1, lambda: v2.GaussianBlur(5, (0.1, 2.0)).make_params(image)["sigma"][0]),
        ("rotate", 15, lambda: v2.RandomRotation(15).make_params(image)["angle"]),
        ("zoom", 0.2, lambda: v2.RandomAffine(0, scale=(0.8, 1.2)).make_params(image)["scale"]),
        ("shear", 10, lambda: v2.RandomAffine(0, shear=10).make_params(image)["shear"][0]),
        ("flip", 0.3, lambda: int(v2.RandomHorizontalFlip(0.3)(corner)[0, 0, 1])),
    ]
    cases = []
    for op, parameter, draw in table:
        for sample in range(8):
            with drawing(Stream(sample=sample)):
                cases.append({"op": op, "parameter": parameter, "sample": sample, "drawn": number(draw())})
    return cases


def normals(shape, epoch, sample, place):
    """NormalNoise's numbers for the noise at a place in the list of an image's changes: Box and Muller
    (1958), by pairs of whole quarters."""
    count = int(np.prod(shape))
    blocks = (count + 3) // 4
    stream = Stream(AUGMENTATION | place + 1 << 8, epoch, sample)
    words = np.array([stream.word() for _ in range(4 * blocks)]).reshape(blocks, 4).T
    parts = (words >> 8).astype(np.float32) * np.float32(2**-24)
    z = []
    for lengths, angles in ((parts[0], parts[1]), (parts[2], parts[3])):
        radii = np.sqrt(-2 * np.log((lengths + np.float32(2**-25)).astype(np.float64)))
        turns = 2 * np.pi * angles.astype(np.float64)
        z += [radii * np.cos(turns), radii * np.sin(turns)]
    return np.concatenate(z)[:count].reshape(shape)


def noise():
    rng = np.random.default_rng(13)
    cases = []
    for shape, deviation, place in (((9, 7, 1), 0.1, 0), ((5, 6, 3), 0.1, 2), ((6, 5, 1), 1.5, 1)):
        bytes = rng.integers(0, 256, shape)
        z = torch.tensor(normals(shape, 3, 5, place))
        with mock.patch.object(torch, "randn_like", lambda x: z):
            result = gaussian_noise(torch.tensor(bytes / 255), sigma=deviation)
        cases.append({
            "shape": list(shape), "deviation": deviation, "epoch": 3, "sample": 5, "place": place,
            "bytes": bytes.ravel().tolist(), "result": [number(v) for v in result.ravel().tolist()],
        })
    return cases


def main():
    levels = [0.001, 0.01, 0.05, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.95, 0.99, 0.999]
    json.dump({
        "made_with": {
            "script": os.path.basename(__file__), "python": sys.version.split()[0],
            "numpy": np.__version__, "scipy": scipy.__version__,
            "torch": torch.__version__.split("+")[0],
            "torchvision": torchvision.__version__.split("+")[0],
            "uoguelph-mlrg/Cutout": "287f934",
        },
        "seed": SEED,
        "erase": [
            erased(28, 28, [0.02, 0.33], [0.3, 3.3], 60), erased(30, 40, [0.1, 0.3], [0.5, 2.0], 60),
            erased(17, 13, [0.55, 1.0], [0.3, 3.3], 60),
        ],
        "cutout": [cut(28, 28, 8, 60), cut(9, 31, 14, 60)],
        "rand_augment": rand_augment(28, 32),
        "drawn": drawn(), "noise": noise(),
        "normal": {"levels": levels, "quantiles": [number(q) for q in stats.norm.ppf(levels)]},
    }, sys.stdout)
    print()


main()
