"""Random JPEG files by Pillow and by libjpeg-turbo's own programs (cjpeg and jpegtran, which write what
Pillow doesn't), and files with one thing changed."""
import io
import struct
import subprocess

import numpy as np
from PIL import Image, ImageFile

from png_files import picture

# Room for what Pillow cannot write piece by piece.
ImageFile.MAXBLOCK = 1 << 26


def image(rng, height, width, channels):
    """Waves and slopes, with some noise, of RGB, grey or CMYK."""
    base = sum(picture(rng, height, width, channels, 255) for _ in range(2)) / 2
    noise = rng.normal(0, rng.choice([0, 4, 30]), base.shape)
    array = np.clip(base + noise, 0, 255).astype(np.uint8)
    mode = {1: "L", 3: "RGB", 4: "CMYK"}[channels]
    return Image.fromarray(array[..., 0] if channels == 1 else array, mode)


def saved(picture, **options):
    file = io.BytesIO()
    picture.save(file, "JPEG", **options)
    return file.getvalue()


def by_pillow(rng, height, width):
    channels = int(rng.choice([1, 3, 3, 3, 3, 4]))
    options = {
        "quality": int(rng.integers(1, 101)), "progressive": bool(rng.integers(2)),
        "optimize": bool(rng.integers(2)),
    }
    if channels == 3:
        options["subsampling"] = int(rng.integers(0, 3))
        if rng.random() < 0.1:
            options |= {"keep_rgb": True, "subsampling": 0}
    if rng.random() < 0.3:
        options[str(rng.choice(["restart_marker_blocks", "restart_marker_rows"]))] = int(
            rng.integers(1, 9))
    if rng.random() < 0.3:
        exif = Image.Exif()
        exif[0x112] = int(rng.integers(1, 9))  # the orientation
        options["exif"] = exif
    if rng.random() < 0.2:
        options |= {"comment": b"a comment", "dpi": (72, 90), "icc_profile": bytes(range(250)) * (height // 3)}
    file = saved(image(rng, height, width, channels), **options)
    if channels == 4:
        # As Pillow writes it CMYK; else the marker calls it YCCK; or there is no marker.
        place = file.index(b"\xff\xee\0\x0eAdobe")
        kind = rng.integers(3)
        if kind == 1:
            file = file[:place + 15] + b"\2" + file[place + 16:]
        elif kind == 2:
            file = file[:place] + file[place + 16:]
    return file


def by_cjpeg(rng, height, width):
    """Arithmetic coding, odd samplings, and RGB. Pillow reads arithmetic codes of up to 64 kB."""
    arguments = ["-quality", str(rng.integers(20, 98))]
    channels = 3 if rng.random() < 0.8 else 1
    if channels == 3 and rng.random() < 0.2:
        arguments.append("-rgb")
    elif channels == 3:
        samplings = ["1x1", "2x1", "1x2", "2x2", "4x1", "4x2", "1x4", "2x2,1x2,2x1", "2x1,1x1,2x1"]
        arguments += ["-sample", str(rng.choice(samplings))]
    for flag in ["-arithmetic", "-progressive"]:
        if rng.random() < 0.4:
            arguments.append(flag)
    if rng.random() < 0.3:
        arguments += ["-restart", str(rng.integers(1, 6)) + str(rng.choice(["", "B"]))]
    source = io.BytesIO()
    image(rng, height, width, channels).save(source, "PPM")
    return subprocess.run(["cjpeg", *arguments], input=source.getvalue(), capture_output=True,
                          check=True).stdout


def in_100_scans(file, path):
    """The same coefficients, DC in one scan, AC by 33 bands of each component."""
    ends = np.linspace(0, 63, 34).astype(int)
    bands = [f"{a + 1}-{b}, 0, 0;" for a, b in zip(ends, ends[1:])]
    script = ["0 1 2: 0-0, 0, 0;"] + [f"{c}: {band}" for c in range(3) for band in bands]
    path.write_text("\n".join(script) + "\n")
    return subprocess.run(["jpegtran", "-scans", str(path)], input=file, capture_output=True,
                          check=True).stdout


def segment(file, code):
    """Where the first segment of a marker begins and ends."""
    place = 2
    while file[place + 1] != code:
        place += 2 + struct.unpack(">H", file[place + 2:place + 4])[0]
    return place, place + 2 + struct.unpack(">H", file[place + 2:place + 4])[0]


def altered(rng):
    """Files that others read as well: superfluous bytes, and parameters that say nothing."""
    rgb = saved(image(rng, 19, 23, 3), quality=80)
    # Of a file without its last scans, libjpeg-turbo before 3.0.1 smooths the edges of images of two
    # blocks' width, or of chroma of half the height, otherwise than the one that Pillow has.
    progressive = saved(image(rng, 19, 23, 3), quality=80, progressive=True, subsampling=0)
    start, end = segment(rgb, 0xDA)
    scan = progressive.index(b"\xff\xda", segment(progressive, 0xDA)[1])
    frame, _ = segment(rgb, 0xC0)
    jfif, after = segment(rgb, 0xE0)
    adobe = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0"
    return {
        "extraneous-before-end": rgb[:-2] + b"\1\2\3" + rgb[-2:],
        "extraneous-before-tables": rgb[:after] + b"\1\2\3" + rgb[after:],
        "extraneous-between-scans": progressive[:scan] + b"\1\2\3" + progressive[scan:],
        "padding": rgb[:frame] + b"\xff" * 9 + rgb[frame:],
        "after-the-end": rgb + b"more", "two-files": rgb + progressive,
        "junk-of-a-scan": rgb[:end - 3] + b"\1\x3f\1" + rgb[end:],
        "jfif-of-version-3": rgb[:jfif + 9] + b"\3" + rgb[jfif + 10:],
        "no-jfif": rgb[:jfif] + rgb[after:],
        "adobe-of-rgb": rgb[:jfif] + adobe + b"\0" + rgb[after:],
        "adobe-unknown": rgb[:jfif] + adobe + b"\7" + rgb[after:],
        "a-scan-less": progressive[:progressive.rindex(b"\xff\xda")] + b"\xff\xd9",
    }


def spoiled(rng, folder):
    """Files that are damaged or of kinds that aren't read, and what is said of each."""
    rgb = saved(image(rng, 19, 23, 3), quality=80)
    grey = saved(image(rng, 16, 16, 1), quality=80)
    progressive = saved(image(rng, 16, 16, 3), quality=80, progressive=True)
    frame, _ = segment(rgb, 0xC0)
    _, coded = segment(rgb, 0xDA)
    precision = rgb[:frame + 4] + b"\x0c" + rgb[frame + 5:]
    arithmetic = subprocess.run(["jpegtran", "-arithmetic"], input=rgb, capture_output=True).stdout
    last = progressive.rindex(b"\xff\xda")
    return {
        "cut-in-tables": (rgb[:frame - 20], "it is truncated"),
        "cut-in-a-scan": (rgb[:-60], "it is truncated"),
        "cut-between-scans": (progressive[:last], "it is truncated"),
        "cut-arithmetic": (arithmetic[:-60], "it is truncated"),
        "no-scan": (rgb[:segment(rgb, 0xDA)[0]] + b"\xff\xd9", "libjpeg says"),
        "scan-cut-short": (rgb[:-60] + b"\xff\xd9", "premature end of data segment"),
        "bad-code": (grey[:segment(grey, 0xDA)[1]] + b"\xff\0" * 40 + b"\xff\xd9", "libjpeg says: Corrupt"),
        "12-bits": (precision, "precision 12"),
        "lossless": (rgb[:frame + 1] + b"\xc3" + rgb[frame + 2:], "SOF type 0xc3"),
        "hierarchical": (rgb[:frame + 1] + b"\xc5" + rgb[frame + 2:], "SOF type 0xc5"),
        "no-height": (rgb[:frame + 5] + b"\0\0" + rgb[frame + 7:], "libjpeg says"),
        "101-scans": (
            progressive[:-2] + progressive[last:-2] * (101 - progressive.count(b"\xff\xda"))
            + b"\xff\xd9", "it has 101 scans; the limit is 100"),
    }
