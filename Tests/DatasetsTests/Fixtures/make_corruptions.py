"""Makes corruptions.json: what scikit-image, SciPy and ImageMagick make of images as MNIST-C has them
spoiled, what chance decides being given.

    python3 make_corruptions.py > corruptions.json      (NumPy, SciPy, scikit-image, Wand over ImageMagick 6)

The formulas are those of MNIST-C (N. Mu and J. Gilmer, "MNIST-C: a robustness benchmark for computer
vision", 2019), whose program ran on scikit-image 0.15. Where that has changed since:
  - AffineTransform's shear is another: its old matrix is written out;
  - `gaussian` of a grey image as one with channels must now be asked for by name.
Values are in [0, 1] and computed in float64, before they are rounded to bytes; but those of motion_blur
are ImageMagick's, of 16 bits, and those of brightness and stripe are bytes.
"""
import json
import sys

import numpy as np
import scipy
import skimage
import wand
import wand.image
import wand.version
from scipy import stats
from skimage import color, feature, filters, transform

rng = np.random.default_rng(15)


def numbers(a):
    return [int(x) if x == int(x) else float(f"{x:.10g}") for x in np.asarray(a, float).ravel()]


def strokes(points, size=(28, 28)):
    """A pen's way along the points (column, row), as the bytes of a digit; full ink varies a little."""
    y, x = np.mgrid[0:size[0], 0:size[1]]
    distance = np.full(size, np.inf)
    for (c0, r0), (c1, r1) in zip(points, points[1:]):
        dc, dr = c1 - c0, r1 - r0
        t = np.clip(((x - c0) * dc + (y - r0) * dr) / (dc * dc + dr * dr), 0, 1)
        distance = np.minimum(distance, np.hypot(x - c0 - t * dc, y - r0 - t * dr))
    ink = np.clip(1.9 - distance, 0, 1)
    return np.where(ink > 0, np.round(ink * 251) + rng.integers(0, 5, size), 0).astype(int)


IMAGES = {
    "two": strokes([(8, 9), (10, 6.5), (14, 5.2), (18, 7), (18.5, 11), (15, 15), (8.5, 22), (20, 21)]),
    "four": strokes([(11, 4.5), (7.3, 14.6), (20.2, 13.1), (18.4, 5), (16.6, 24)]),
    "noise": rng.integers(0, 256, (28, 28)),
    "square": np.pad(np.full((12, 12), 255), 8),
    "dim": rng.integers(0, 180, (28, 28)) // 60 * 60,
    "small": strokes([(5, 4), (13, 3.5), (7, 16)], (20, 19)),
    "wide": rng.integers(0, 256, (9, 31)),
}
# Of a normal distribution, for spatter.
NORMAL = np.round(rng.normal(size=(28, 28)) * 64) / 64


def about_centre(matrix):
    """The map q = M p of (column, row), counted from the image's centre, for skimage.transform.warp."""
    to, back = np.eye(3), np.eye(3)
    to[:2, 2] = 13.5
    back[:2, 2] = -13.5
    whole = np.eye(3)
    whole[:2, :2] = matrix
    return to @ whole @ back


def mapped(x, kind, severity, sides):
    angle = 0.2 * severity * sides[0]
    if kind == "shear":
        m = about_centre([[1, -np.sin(angle)], [0, np.cos(angle)]])
    elif kind == "rotate":
        m = about_centre(transform.AffineTransform(rotation=angle).params[:2, :2])
    elif kind == "scale":
        m = about_centre(np.eye(2) / (1 - 0.1 * severity))
    else:
        # A pixel comes from where the image was moved away from.
        move = (-severity * sides[1], -severity * sides[0])
        m = transform.AffineTransform(translation=move).params
    return transform.warp(x, m, order=1, mode="constant", cval=0.0)


def glass(x, severity, moves):
    sigma, reach, rounds = [(0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2)][severity - 1]
    blurred = filters.gaussian(x, sigma=sigma, mode="nearest", truncate=4, channel_axis=-1) * 255
    # Which side of a whole byte a value falls on must not be a matter of its last bits.
    assert np.all((np.abs(blurred - np.round(blurred)) > 1e-9) | (blurred == 0))
    y = np.floor(blurred)
    places = [(r, c) for r in range(28 - reach, reach, -1) for c in range(28 - reach, reach, -1)]
    for (row, column), (down, right) in zip(places * rounds, moves, strict=True):
        here, there = (row, column), (row + down, column + right)
        y[here], y[there] = y[there], y[here]
    return filters.gaussian(y / 255, sigma=sigma, mode="nearest", truncate=4, channel_axis=-1)


def glass_moves(severity):
    reach, rounds = [(1, 2), (2, 1), (2, 3), (3, 2), (4, 2)][severity - 1]
    count = rounds * (28 - 2 * reach) ** 2
    return rng.integers(-reach, reach, (count, 2)) * rng.integers(0, 2, (count, 1))


def motion(image, severity, degrees):
    radius, sigma = [(10, 3), (15, 5), (15, 8), (15, 12), (20, 15)][severity - 1]
    with wand.image.Image.from_array(image.astype(np.uint8), channel_map="I") as picture:
        picture.motion_blur(radius=radius, sigma=sigma, angle=degrees)
        levels = picture.export_pixels(channel_map="R", storage="short")
    return np.array(levels).reshape(image.shape)


def cloud(decay, noise):
    """The diamond-square algorithm on a torus of 256."""
    size = 256
    heights = np.zeros((size, size))
    used, wobble, side = 0, 100.0, size
    while side > 1:
        half = side // 2
        first, second = np.arange(0, size, side), np.arange(half, size, side)
        diagonal = [(half, half), (half, -half), (-half, half), (-half, -half)]
        upright = [(half, 0), (-half, 0), (0, half), (0, -half)]
        for rows, columns, ways in (
            (second, second, diagonal), (first, second, upright), (second, first, upright)):
            around = [heights[np.ix_((rows + r) % size, (columns + c) % size)] for r, c in ways]
            count = len(rows) * len(columns)
            swing = noise[used:used + count].reshape(len(rows), len(columns))
            heights[np.ix_(rows, columns)] = np.mean(around, axis=0) + wobble * (wobble * swing)
            used += count
        side, wobble = half, wobble / decay
    assert used == len(noise)
    return (heights - heights.min()) / np.ptp(heights)


def fog(x, severity):
    strength, decay = [(1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4)][severity - 1]
    # The k-th number is ((40503 k + 12345) mod 65536) / 32768 − 1.
    noise = (np.arange(256 * 256 - 1) * 40503 + 12345) % 65536 / 32768 - 1
    most = x.max()
    return (x + strength * cloud(decay, noise)[:28, :28]) * most / (most + strength)


def spatter(x, severity, noise):
    mean, deviation, blur, threshold, edge = [
        (0.65, 0.3, 4, 0.69, 0.6), (0.65, 0.3, 3, 0.68, 0.6), (0.65, 0.3, 2, 0.68, 0.5),
        (0.65, 0.3, 1, 0.65, 1.5), (0.67, 0.4, 1, 0.65, 1.5)][severity - 1]
    mud = filters.gaussian(mean + deviation * noise, sigma=blur, mode="nearest")
    assert np.abs(mud - threshold).min() > 1e-9
    mud = filters.gaussian((mud > threshold).astype(float), sigma=edge, mode="nearest")
    assert np.abs(mud - 0.8).min() > 1e-9
    mud[mud < 0.8] = 0
    return x * (1 - mud) + mud * 63 / 255


def stroke(x, c0, r0, c1, r1, is_drawn=True):
    """x with the line through two points added, brightest where it is, at the columns between them."""
    row, column = np.mgrid[0:28, 0:28].astype(float)
    line = np.polynomial.Polynomial.fit([c0, c1], [r0, r1], 1)
    distance = np.minimum(np.abs(row - line(column)), 2.3 - 1e-10)
    within = (column >= np.floor(c0)) & (column < np.ceil(c1)) & is_drawn
    return np.clip(x + within * np.clip(1 + np.log(1 - distance / 2.3), 0, 1), 0, 1)


def dotted(x, rows):
    return stroke(x, 0, rows[0], 27, rows[1], np.arange(28) % 4 >= 2)


def zigzag(x, row, fall):
    angle = np.arctan(fall / 23)
    length = 23 / np.cos(angle)
    teeth = [((2 * i + 1) * 2, (-1) ** i * 2) for i in range(int((length - 2) // 4) + 1)]
    rest = length - 4 * (length // 4)
    level = np.array([(0, 0)] + teeth + [(length, teeth[-1][1] / (2 * rest))])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = level @ turn.T + [2, row]
    for (c0, r0), (c1, r1) in zip(corners, corners[1:]):
        x = stroke(x, c0, r0, c1, r1)
    return x


def brightened(x, severity):
    hsv = color.rgb2hsv(color.gray2rgb(x))
    hsv[:, :, 2] = np.clip(hsv[:, :, 2] + 0.1 * severity, 0, 1)
    return color.rgb2gray(color.hsv2rgb(hsv))


def as_bytes(x):
    return np.round((x * 255).astype(np.float32))


def striped(image):
    sides = image.copy()
    sides[:, :7] = 255 - sides[:, :7]
    sides[:, 21:] = 255 - sides[:, 21:]
    return sides


def cases():
    def case(kind, image, severity, result, **given):
        return {"corruption": kind, "image": image, "severity": severity, **given,
                "result": numbers(result)}

    def pixels(name):
        return IMAGES[name] / 255

    for severity, name, sides in (
        (1, "two", [1, 1]), (2, "four", [1, 1]), (2, "four", [-1, 1]), (5, "noise", [-1, -1])):
        yield case("shear", name, severity, mapped(pixels(name), "shear", severity, sides), sides=sides)
        yield case(
            "rotate", name, severity, mapped(pixels(name), "rotate", severity, sides), sides=sides)
        yield case("scale", name, severity, mapped(pixels(name), "scale", severity, sides), sides=sides)
    for severity, sides in ((1, [1, 1]), (3, [1, -1]), (3, [-1, 1]), (5, [-1, -1])):
        result = mapped(pixels("four"), "translate", severity, sides)
        yield case("translate", "four", severity, result, sides=sides)
    for severity, name in enumerate(("two", "four", "two", "four", "noise"), 1):
        moves = glass_moves(severity)
        given = [int(m) for m in moves.ravel()]
        yield case("glass_blur", name, severity, glass(pixels(name), severity, moves), moves=given)
    for severity, name, degrees in (
        (1, "two", -45), (1, "four", 0), (1, "noise", 17), (2, "two", 44.5), (3, "four", -8.25),
        (4, "two", 23), (5, "noise", -38)):
        result = motion(IMAGES[name], severity, degrees)
        yield case("motion_blur", name, severity, result, degrees=degrees)
    for severity, name in enumerate(("two", "dim", "four", "noise", "two"), 1):
        yield case("fog", name, severity, fog(pixels(name), severity))
    for severity, name in enumerate(("noise", "two", "four", "two", "noise"), 1):
        yield case("spatter", name, severity, spatter(pixels(name), severity, NORMAL))
    for name, rows in (("two", [26, 0]), ("noise", [3, 3]), ("four", [11, 17])):
        yield case("dotted_line", name, 1, dotted(pixels(name), rows), rows=rows)
    for name, row, fall in (("two", 13, 0), ("four", 26, 4), ("noise", 0, -5), ("four", 9, -2)):
        yield case("zigzag", name, 1, zigzag(pixels(name), row, fall), rows=[row, fall])
    for severity, name in ((1, "two"), (4, "noise"), (5, "four")):
        yield case("brightness", name, severity, as_bytes(brightened(pixels(name), severity)))
    yield case("stripe", "four", 1, striped(IMAGES["four"]))
    for name, image in IMAGES.items():
        # A deviation of one pixel of an image of 28.
        sigma = min(image.shape) / 28
        yield case("canny_edges", name, 1, feature.canny(image / 255, sigma=sigma))


def poisson(rate, value):
    """The chances of a few numbers and of what lies below and above, none less than 0.001."""
    mean = rate * value
    low, high = stats.poisson.ppf([1e-3, 1 - 1e-3], mean).astype(int)
    chances = [stats.poisson.cdf(low, mean), *stats.poisson.pmf(np.arange(low + 1, high), mean),
               stats.poisson.sf(high - 1, mean)]
    assert abs(sum(chances) - 1) < 1e-12
    return {"mean": mean, "least": int(low), "chances": numbers(chances),
            "limit": float(stats.chi2.isf(1e-6, len(chances) - 1))}


def main():
    json.dump({
        "made_by": "make_corruptions.py",
        "made_with": {
            "python": sys.version.split()[0], "numpy": np.__version__, "scipy": scipy.__version__,
            "scikit-image": skimage.__version__, "wand": wand.version.VERSION,
            "imagemagick": wand.version.MAGICK_VERSION},
        "images": {name: {"shape": list(image.shape), "bytes": numbers(image)}
                   for name, image in IMAGES.items()},
        "normal": numbers(NORMAL),
        "cases": list(cases()),
        # The limit of the chi-squared statistic, and the range of a count of 100,000 pixels.
        "poisson": [poisson(rate, value) for rate in (60, 25, 12, 5, 3) for value in (0.4, 1.0)],
        "impulse": [
            {"severity": i, "least": int(stats.binom.ppf(1e-6, 100_000, share / 2)),
             "most": int(stats.binom.isf(1e-6, 100_000, share / 2))}
            for i, share in enumerate((0.03, 0.06, 0.09, 0.17, 0.27), 1)],
    }, sys.stdout, separators=(",", ":"))
    print()


main()
