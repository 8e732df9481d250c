"""Digits in the manner of people: drawn in paint programs, photographed on paper, chalked on boards.

    python3 make_drawings.py MNIST-FOLDER OUTPUT [--seed 17] [--count 30] [--small]

Test digits of MNIST are thinned to the middle of their strokes and written anew with another pen, then
turned a little, put somewhere on a ground of another colour, size and light. OUTPUT/drawn holds the
drawings by class; under the same names, OUTPUT/untouched the images that they were made of, OUTPUT/clean
what MNIST's rule makes of the strokes alone. OUTPUT/drawings.csv says how each was made. Committed are
thirty, with --small, which spends fewer bytes on JPEG files; made with NumPy 2.4.6 and Pillow 11.3.0. Their
seed is 17, the first from 15 on whose pictures go from less than 50 pixels to more than 1,850.
"""

import argparse
import csv
import gzip
import io
import pathlib

import numpy as np
from PIL import Image, ImageDraw, ImageFilter


def mnist(folder):
    def read(name, offset):
        path = pathlib.Path(folder) / name
        zipped = path.with_name(name + ".gz")
        data = gzip.open(zipped).read() if zipped.exists() else path.read_bytes()
        return np.frombuffer(data, np.uint8)[offset:]

    images = read("t10k-images-idx3-ubyte", 16).reshape(-1, 28, 28)
    return images, read("t10k-labels-idx1-ubyte", 8)


def middle(image, zoom=10):
    """The middle of the strokes as points (x, y) in pixels of the image: Zhang and Suen 1984."""
    size = 28 * zoom
    large = Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC)
    ink = np.array(large.filter(ImageFilter.GaussianBlur(zoom * 0.4))) > 110
    ink = ink.astype(np.uint8)
    while True:
        before = ink.sum()
        for step in range(2):
            p = np.pad(ink, 1)
            n = [
                p[:-2, 1:-1], p[:-2, 2:], p[1:-1, 2:], p[2:, 2:],
                p[2:, 1:-1], p[2:, :-2], p[1:-1, :-2], p[:-2, :-2],
            ]
            count = sum(n)
            turns = sum((n[i] == 0) & (n[(i + 1) % 8] == 1) for i in range(8))
            if step == 0:
                free = (n[0] * n[2] * n[4] == 0) & (n[2] * n[4] * n[6] == 0)
            else:
                free = (n[0] * n[2] * n[6] == 0) & (n[0] * n[4] * n[6] == 0)
            ink = ink * ~((ink == 1) & (count >= 2) & (count <= 6) & (turns == 1) & free)
        if ink.sum() == before:
            break
    y, x = np.nonzero(ink)
    return np.stack([x, y], 1) / zoom + 0.5 / zoom


def waves(random, width, height, scales, strengths):
    """Noise of several wavelengths, in fractions of the larger side; (H, W), about 0."""
    total = np.zeros((height, width), np.float32)
    for scale, strength in zip(scales, strengths):
        cell = max(1.0, scale * max(width, height))
        w, h = max(2, round(width / cell)), max(2, round(height / cell))
        field = random.normal(0, strength, (h, w)).astype(np.float32)
        total += np.array(Image.fromarray(field).resize((width, height), Image.Resampling.BICUBIC))
    return total


def light(random, width, height, strength):
    """A factor per pixel: a gradient, a bent one, and dark corners."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = x / max(width, height) - 0.5, y / max(width, height) - 0.5
    angle = random.uniform(0, 2 * np.pi)
    slope = np.cos(angle) * x + np.sin(angle) * y
    bent = random.uniform(-0.5, 0.5) * (slope * slope)
    corners = -random.uniform(0, 0.7) * (x * x + y * y)
    return 1 + strength * (slope + bent + corners)


def shadow(random, width, height):
    """A factor per pixel: the shadow of a hand or a phone, with a soft edge."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = random.uniform(0, 2 * np.pi)
    scale = max(width, height)
    away = np.cos(angle) * (x / scale - 0.5) + np.sin(angle) * (y / scale - 0.5)
    away += 0.05 * np.sin(6 * (np.sin(angle) * x - np.cos(angle) * y) / scale + random.uniform(0, 6))
    softness = random.uniform(0.02, 0.12)
    part = 1 / (1 + np.exp(-(away - random.uniform(-0.1, 0.25)) / softness))
    return 1 - random.uniform(0.15, 0.45) * part


def written(points, width, height, place, size, turn, pen):
    """How much ink there is on each pixel, in [0, 1], of strokes as wide as `pen` (pixels)."""
    finer = 1 if size > 500 else 2 if size > 150 else 4
    canvas = Image.new("L", (width * finer, height * finer), 0)
    draw = ImageDraw.Draw(canvas)
    low, high = points.min(0), points.max(0)
    scale = size / (high - low).max()
    centred = (points - (low + high) / 2) * scale
    c, s = np.cos(turn), np.sin(turn)
    moved = centred @ np.array([[c, s], [-s, c]]) + np.array(place)
    radius = pen / 2 * finer
    # Neighbours are joined, so that a thin pen leaves no gaps.
    for i in range(len(points)):
        x, y = moved[i] * finer
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=255)
    near = {(round(a * 10), round(b * 10)): i for i, (a, b) in enumerate(points)}
    for (a, b), i in near.items():
        for step in ((1, 0), (0, 1), (1, 1), (1, -1)):
            j = near.get((a + step[0], b + step[1]))
            if j is not None:
                draw.line(
                    [tuple(moved[i] * finer), tuple(moved[j] * finer)], fill=255,
                    width=max(1, round(2 * radius)))
    return np.array(canvas.resize((width, height), Image.Resampling.BOX), np.float32) / 255


def ruled(random, width, height, turn, grid):
    """How much of a printed line is on each pixel."""
    scale = max(width, height)
    gap = random.uniform(0.12, 0.3) * scale
    thickness = max(1.0, random.uniform(0.002, 0.005) * scale)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    c, s = np.cos(turn), np.sin(turn)
    lines = np.zeros((height, width), np.float32)
    for axis in range(2 if grid else 1):
        along = (c * y - s * x) if axis == 0 else (c * x + s * y)
        away = np.abs((along + random.uniform(0, gap)) % gap - gap / 2)
        lines = np.maximum(lines, np.clip(thickness / 2 + 0.5 - away, 0, 1))
    return lines


def desk(random, width, height):
    """Where the paper ends: 1 beyond its edge, along one side of the picture."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    tilt = random.uniform(-0.08, 0.08)
    part = random.uniform(0.05, 0.14)
    side = random.integers(4)
    if side == 0:
        away = part * height - y + tilt * (x - width / 2)
    elif side == 1:
        away = y - (1 - part) * height + tilt * (x - width / 2)
    elif side == 2:
        away = part * width - x + tilt * (y - height / 2)
    else:
        away = x - (1 - part) * width + tilt * (y - height / 2)
    return np.clip(away, 0, 1), side


INKS = [(20, 20, 25), (25, 40, 120), (15, 60, 160), (150, 20, 30), (20, 90, 50), (90, 90, 95)]
COLOURS = [
    (0, 0, 0), (220, 20, 20), (20, 20, 220), (0, 120, 0), (120, 0, 140), (255, 255, 255),
    (255, 230, 0), (0, 200, 230), (255, 128, 0),
]


def luminance(colour):
    return float(np.dot(colour, (0.299, 0.587, 0.114)))


def clean(points, turn, pen):
    """LeCun et al. 1998: a box of 20 x 20, its centre of mass in the middle of 28 x 28. The pen is given in
    parts of the digit's size; one that would be narrower than 2 pixels is as wide as that."""
    size = 400
    strokes = written(points, 900, 900, (450, 450), size, turn, max(pen, 2 / 18) * size)
    image = Image.fromarray(np.round(strokes * 255).astype(np.uint8))
    image = image.crop(image.getbbox())
    scale = 20 / max(image.size)
    box = image.resize([max(1, round(n * scale)) for n in image.size], Image.Resampling.BOX)
    ink = np.array(box, float)
    y, x = (np.arange(n) + 0.5 for n in ink.shape)
    left = 14 - int((ink.sum(0) * x).sum() / ink.sum())
    top = 14 - int((ink.sum(1) * y).sum() / ink.sum())
    result = Image.new("L", (28, 28))
    result.paste(box, (left, top))
    return result


def drawing(random, points, manner):
    """-> the picture, what it is, and its strokes as MNIST would have them."""
    sizes = {
        "paint": (60, 900), "paper": (500, 2000), "phone": (40, 320), "board": (200, 1200),
    }[manner]
    side = int(np.exp(random.uniform(np.log(sizes[0]), np.log(sizes[1]))))
    other = int(side * random.uniform(0.6, 1))
    width, height = (side, other) if random.random() < 0.5 else (other, side)
    least = min(width, height)
    size = least * random.uniform(0.35, 0.7)
    if manner == "paper":
        size = least * random.uniform(0.25, 0.65)
    size = max(size, 16)
    turn = random.normal(0, 0.1)
    pen = max(size * float(np.exp(random.uniform(np.log(0.03), np.log(0.17)))), 1.0)
    room = size / 2 + pen
    extra = []
    ground = np.zeros((height, width, 3), np.float32)

    if manner == "paint":
        while True:
            paper, ink = (COLOURS[random.integers(len(COLOURS))] for _ in range(2))
            if random.random() < 0.5:
                paper = (255, 255, 255)
            if abs(luminance(paper) - luminance(ink)) > 60:
                break
        ground[:] = paper
    elif manner == "board":
        paper = [(30, 60, 45), (35, 35, 40), (20, 40, 80)][random.integers(3)]
        ink = [(235, 235, 225), (240, 220, 140), (230, 180, 190)][random.integers(3)]
        ground[:] = paper
        ground += waves(random, width, height, [0.3, 0.05, 0.01], [9, 5, 3])[:, :, None]
        ground *= light(random, width, height, random.uniform(0, 0.5))[:, :, None]
    else:
        paper = np.array([240, 238, 230]) - random.uniform(0, 40, 3) * random.uniform(0, 1)
        ink = INKS[random.integers(len(INKS))]
        ground[:] = paper
        ground += waves(random, width, height, [0.1, 0.02, 0.004], [2, 2, 2])[:, :, None]
        kind = random.integers(5)
        if kind < 2:
            lines = ruled(random, width, height, random.normal(0, 0.03), kind == 1)
            hue = np.array([(120, 150, 200), (170, 170, 175), (200, 120, 130)][random.integers(3)])
            ground += lines[:, :, None] * random.uniform(0.4, 0.9) * (hue - ground)
            extra.append("ruled" if kind == 0 else "squared")

    def place(extent, low, high):
        return random.uniform(low + room, max(high - room, low + room + 1))

    edges = [0, width, 0, height]
    if manner in ("paper", "phone") and random.random() < 0.3:
        beyond, edge = desk(random, width, height)
        wood = np.array([(110, 75, 45), (60, 60, 62), (150, 120, 85)][random.integers(3)])
        surface = wood + waves(random, width, height, [0.2, 0.01], [8, 6])[:, :, None]
        ground = ground * (1 - beyond[:, :, None]) + surface * beyond[:, :, None]
        extra.append("edge")
        keep = 0.2
        if edge == 0: edges[2] = keep * height
        if edge == 1: edges[3] = (1 - keep) * height
        if edge == 2: edges[0] = keep * width
        if edge == 3: edges[1] = (1 - keep) * width
    centre = (place(width, edges[0], edges[1]), place(height, edges[2], edges[3]))
    strokes = written(points, width, height, centre, size, turn, pen)
    if manner == "board":
        # Chalk misses the hollows.
        strokes *= np.clip(0.8 + waves(random, width, height, [0.008, 0.004], [0.15, 0.2]), 0, 1)
    if manner in ("paper", "phone"):
        strokes *= np.clip(
            random.uniform(0.7, 1) + waves(random, width, height, [0.03, 0.006], [0.06, 0.06]), 0, 1)
    picture = ground * (1 - strokes[:, :, None]) + np.array(ink, np.float32) * strokes[:, :, None]
    if manner in ("paper", "phone"):
        picture *= light(random, width, height, random.uniform(0, 0.7))[:, :, None]
        if random.random() < 0.4:
            picture *= shadow(random, width, height)[:, :, None]
            extra.append("shadow")
        picture *= random.uniform(0.9, 1.05, 3)
    image = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    if manner != "paint":
        image = image.filter(ImageFilter.GaussianBlur(least * random.uniform(0, 0.003)))
        noise = random.uniform(1, 6) if manner == "phone" else random.uniform(0, 2.5)
        picture = np.array(image, np.float32)
        picture += random.normal(0, noise, picture.shape[:2])[:, :, None]
        picture += random.normal(0, noise / 2, picture.shape)
        image = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    if random.random() < 0.25:
        image = image.convert("L")
        extra.append("grey")
    about = {
        "manner": manner, "width": width, "height": height, "digit": round(size),
        "pen": round(pen, 1), "turned": round(float(np.degrees(turn)), 1), "also": " ".join(extra),
    }
    return image, about, clean(points, turn, pen / size)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("mnist")
    arguments.add_argument("output", type=pathlib.Path)
    arguments.add_argument("--seed", type=int, default=17)
    arguments.add_argument("--count", type=int, default=30)
    arguments.add_argument("--small", action="store_true")
    arguments = arguments.parse_args()
    images, labels = mnist(arguments.mnist)
    random = np.random.default_rng(arguments.seed)
    manners = ["paint", "paper", "phone", "board"]
    shares = [0.3, 0.3, 0.3, 0.1]
    rows = []
    for number in range(arguments.count):
        digit = number % 10
        index = int(random.choice(np.nonzero(labels == digit)[0]))
        manner = manners[random.choice(4, p=shares)]
        image, about, strokes = drawing(random, middle(images[index]), manner)
        isPNG = manner == "paint" and random.random() < 0.6 or max(image.size) < 130
        buffer = io.BytesIO()
        if isPNG:
            image.save(buffer, "PNG", optimize=True)
        else:
            quality = int(random.integers(60, 92))
            if arguments.small and max(image.size) > 600:
                quality = min(quality, 40)
            image.save(buffer, "JPEG", quality=quality, optimize=True)
        name = f"{number:03}"
        for part, ending in (("drawn", "png" if isPNG else "jpg"), ("untouched", "png"), ("clean", "png")):
            folder = arguments.output / part / str(digit)
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{name}.{ending}"
            if part == "drawn":
                path.write_bytes(buffer.getvalue())
            else:
                one = Image.fromarray(images[index]) if part == "untouched" else strokes
                one.save(path, optimize=True)
        rows.append({"number": name, "digit": digit, "of": index, **about,
                     "file": "png" if isPNG else "jpg", "bytes": len(buffer.getvalue())})
    with open(arguments.output / "drawings.csv", "w", newline="") as file:
        table = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


if __name__ == "__main__":
    main()
