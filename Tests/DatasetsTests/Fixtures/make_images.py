"""Makes images/: image files of all kinds, and digests.json, what Pillow makes of each: its height, width,
channels, the SHA-256 of its pixels, of those turned grey and, where it notes how it is held, of those
turned upright; or, of those that are refused, a part of what is said.

    python3 make_images.py           the small set beside this script
    python3 make_images.py FOLDER    1,000 PNG, 400 JPEG and 400 other files of up to 1,500 x 1,500 pixels

NumPy, Pillow, pypng's source (for its copy of PngSuite), and cjpeg and jpegtran (libjpeg-turbo-progs).
PngSuite is copyright 1996 and 2011 by Willem van Schaik: "Permission to use, copy, modify and distribute
these images for any purpose and without fee is hereby granted."
"""
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import warnings
from pathlib import Path

import numpy as np
import PIL
from PIL import Image, ImageOps, features

import jpeg_files
import other_files
import png_files

warnings.filterwarnings("ignore", "Palette images with Transparency")
here = Path(__file__).parent


def digest(image):
    return hashlib.sha256(image.tobytes()).hexdigest()


def as_pillow_reads(file):
    """Grey files as L, all others as RGB."""
    image = Image.open(io.BytesIO(file))
    image.load()  # What stands behind the pixels, too.
    exif = image.getexif()
    if image.mode.startswith("I;16"):
        # Without being told how, `convert` cuts such numbers off at 255.
        image = Image.fromarray((np.asarray(image) // 256).astype(np.uint8))
    is_grey_png = file[:4] == b"\x89PNG" and file[25] in (0, 4)
    pixels = image.convert("L" if image.mode in ("1", "L", "LA") or is_grey_png else "RGB")
    result = {
        "height": image.height, "width": image.width, "channels": len(pixels.getbands()),
        "pixels": digest(pixels), "grey": digest(image.convert("L")),
    }
    if exif.get(0x0112, 1) != 1:
        pixels.info["exif"] = exif.tobytes()
        result["upright"] = digest(ImageOps.exif_transpose(pixels))
    return result


def pngsuite():
    """Name and bytes of the files of PngSuite that pypng carries."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pip", "-q", "download", "--no-deps", "--no-binary", ":all:",
             "pypng==0.20220715.0", "-d", folder], check=True)
        with tarfile.open(next(Path(folder).glob("pypng*"))) as archive:
            member = next(m for m in archive if m.name.endswith("code/pngsuite.py"))
            text = archive.extractfile(member).read().decode()
    # Names with a capital letter aren't PngSuite's.
    found = re.findall(r"\'([a-z0-9]+)\': _dehex\(b\"\"\"([0-9a-f\s]+)\"\"\"\)", text)
    return {name: bytes.fromhex(digits) for name, digits in found}


def sizes(rng, most):
    """Height and width, small ones as often as large ones."""
    return [int(np.exp(rng.uniform(0, np.log(most + 1)))) for _ in range(2)]


class Folder:
    def __init__(self, path):
        self.path = path
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        self.digests = {}

    def read(self, name, file):
        self.digests[name] = as_pillow_reads(file)
        (self.path / name).write_bytes(file)

    def refused(self, name, file, text):
        self.digests[name] = {"refused": text}
        (self.path / name).write_bytes(file)

    def finish(self):
        versions = {
            "pillow": PIL.__version__, "numpy": np.__version__,
            "libjpeg_turbo": features.version("libjpeg_turbo"), "zlib": features.version("zlib"),
            "libwebp": features.version("webp"), "libtiff": features.version("libtiff")}
        text = json.dumps({"versions": versions, "files": self.digests}, indent=1)
        (self.path / "digests.json").write_text(text + "\n")


def main():
    is_small = len(sys.argv) < 2
    folder = Folder(here / "images" if is_small else Path(sys.argv[1]))
    rng = np.random.default_rng(13)
    suite = pngsuite()
    for name, file in suite.items():
        folder.read(f"pngsuite-{name}.png", file)
    unusual = png_files.unusual() if is_small else png_files.unusual(private=9_000_000)
    for name, file in unusual.items():
        folder.read(f"png-{name}.png", file)
    count = 60 if is_small else 1000 - len(suite) - len(unusual)
    for number in range(count):
        kind, depth = png_files.KINDS[number % len(png_files.KINDS)]
        interlaced = number // len(png_files.KINDS) % 2
        height, width = sizes(rng, 24 if is_small else 1500)
        file = png_files.random_file(rng, height, width, kind, depth, interlaced)
        folder.read(f"{number:04}-type{kind}-{depth}bits{'-adam7' * interlaced}.png", file)

    altered = jpeg_files.altered(rng)
    for name, file in altered.items():
        folder.read(f"jpeg-{name}.jpg", file)
    many = jpeg_files.saved(jpeg_files.image(rng, 16, 16, 3), quality=90)
    folder.read("jpeg-100-scans.jpg", jpeg_files.in_100_scans(many, folder.path / "scans"))
    (folder.path / "scans").unlink()
    count = 24 if is_small else 400 - len(altered) - 1
    for number in range(count):
        if number % 4:
            file = jpeg_files.by_pillow(rng, *sizes(rng, 30 if is_small else 1500))
        else:
            file = jpeg_files.by_cjpeg(rng, *sizes(rng, 30 if is_small else 200))
        folder.read(f"{number:04}.jpg", file)

    for name, (file, text) in png_files.spoiled(rng).items():
        folder.refused(f"spoiled-{name}.png", file, text)
    for name, (file, text) in jpeg_files.spoiled(rng, folder.path).items():
        folder.refused(f"spoiled-{name}.jpg", file, text)

    rng = np.random.default_rng(17)
    for name, file in other_files.fixed(rng).items():
        folder.read(name, file)
    for number in range(48 if is_small else 400):
        ending, file = other_files.random_file(rng, number, *sizes(rng, 24 if is_small else 1500))
        folder.read(f"{number:04}.{ending}", file)
    for name, (file, text) in other_files.refused(rng).items():
        folder.refused(f"spoiled-{name}", file, text)
    folder.finish()


if __name__ == "__main__":
    main()
