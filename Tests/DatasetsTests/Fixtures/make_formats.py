"""Makes formats/ and formats.json: small files in the forms that Sources/Datasets reads, and what NumPy,
Pillow, SciPy and torchvision's rules make of them.

    python3 make_formats.py      (NumPy, Pillow before 12, SciPy)
"""
import base64
import bz2
import gzip
import io
import json
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import PIL
import scipy
from PIL import Image, features
from scipy.io import savemat

here = Path(__file__).parent
folder = here / "formats"
folder.mkdir(exist_ok=True)
rng = np.random.default_rng(4)


def packed(array):
    return {
        "shape": list(array.shape),
        "bytes": base64.b64encode(np.ascontiguousarray(array, np.uint8).tobytes()).decode(),
    }


def picture(height, width, channels):
    """A smooth picture with an edge, as JPEG likes them."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [
        128 + 100 * np.sin(x / (3.0 + c)) * np.cos(y / (4.0 + c)) + 20 * (x > width / 2)
        for c in range(channels)
    ]
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


def arrays():
    x_train = rng.integers(0, 256, (5, 4, 3), np.uint8)
    y_train = np.array([3, 1, 4, 1, 5])
    x_test = rng.integers(0, 256, (2, 4, 3), np.uint8)
    y_test = np.array([9, 0])
    named = dict(x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    np.savez(folder / "keras.npz", **named)
    np.savez_compressed(folder / "compressed.npz", **named)
    colour = rng.integers(0, 256, (3, 5, 4, 3), np.uint8)
    np.savez_compressed(
        folder / "colour.npz", images=colour, labels=np.array([[2], [0], [1]], ">i2"))
    npy = folder / "npy"
    npy.mkdir(exist_ok=True)
    for name, array in named.items():
        np.save(npy / f"{name}.npy", array)
    return {
        "x_train": packed(x_train), "y_train": packed(y_train), "x_test": packed(x_test),
        "y_test": packed(y_test), "colour": packed(colour),
    }


def pictures():
    """Each with what Pillow decodes, as grey where it is grey, else as RGB."""
    grey = Image.fromarray(picture(13, 17, 1)[..., 0])
    rgb = Image.fromarray(picture(13, 17, 3))
    rgba = rgb.copy()
    rgba.putalpha(Image.fromarray(rng.integers(0, 256, (13, 17), np.uint8)))
    la = grey.copy()
    la.putalpha(Image.fromarray(rng.integers(0, 256, (13, 17), np.uint8)))
    deep = Image.fromarray((picture(13, 17, 1)[..., 0].astype(np.uint16) * 257))
    saved = {
        "grey.png": grey, "rgb.png": rgb, "rgba.png": rgba, "la.png": la,
        "palette.png": rgb.quantize(40), "bits.png": grey.convert("1"), "grey16.png": deep,
    }
    expected = {}
    for name, image in saved.items():
        image.save(folder / name)
    grey.save(folder / "grey.jpg", quality=85)
    rgb.save(folder / "rgb.jpg", quality=85)  # chroma of half the size
    rgb.save(folder / "full.jpg", quality=90, subsampling=0)
    rgb.save(folder / "progressive.jpg", quality=80, progressive=True)
    for path in sorted(folder.glob("*.png")) + sorted(folder.glob("*.jpg")):
        image = Image.open(path)
        if path.name == "grey16.png":
            pixels = picture(13, 17, 1)
        elif image.mode in ("L", "LA", "1"):
            pixels = np.asarray(image.convert("L"))[..., None]
        else:
            pixels = np.asarray(image.convert("RGB"))
        expected[path.name] = packed(pixels)
    return expected


def resizing():
    cases = []
    sizes = [((28, 28), (14, 14)), ((13, 17), (28, 28)), ((40, 31), (9, 16)), ((16, 16), (28, 28)),
             ((7, 5), (7, 11)), ((50, 3), (2, 3)), ((33, 47), (32, 32))]
    for number, ((height, width), (to_height, to_width)) in enumerate(sizes):
        channels = 3 if number % 2 else 1
        source = rng.integers(0, 256, (height, width, channels), np.uint8)
        image = Image.fromarray(source if channels == 3 else source[..., 0])
        for name, rule in [("bilinear", Image.BILINEAR), ("area", Image.BOX)]:
            result = np.asarray(image.resize((to_width, to_height), rule))
            cases.append({
                "rule": name, "source": packed(source),
                "result": packed(result.reshape(to_height, to_width, channels)),
            })
    colour = rng.integers(0, 256, (20, 20, 3), np.uint8)
    grey = np.asarray(Image.fromarray(colour).convert("L"))[..., None]
    return {"cases": cases, "colour": packed(colour), "grey": packed(grey)}


def cifar(name, label_bytes, files, classes):
    parts = {"train": ([], []), "test": ([], [])}
    with tarfile.open(folder / name, "w:gz") as archive:
        directory = tarfile.TarInfo("batches")
        directory.type = tarfile.DIRTYPE
        archive.addfile(directory)
        text = b"names\n"
        info = tarfile.TarInfo("batches/names.txt")
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text))
        for file in files:
            labels = rng.integers(0, classes, 2)
            # Few values, so that the archive is small.
            planes = rng.integers(0, 2, (2, 3, 8, 8), np.uint8).repeat(4, 2).repeat(4, 3) * 201
            content = b"".join(
                bytes([7] * (label_bytes - 1) + [label]) + plane.tobytes()
                for label, plane in zip(labels, planes))
            info = tarfile.TarInfo(f"batches/{file}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
            part = parts["test" if file.startswith("test") else "train"]
            part[0].append(planes.transpose(0, 2, 3, 1))
            part[1].append(labels)
    return {
        part: {"images": packed(np.concatenate(x)), "labels": packed(np.concatenate(y))}
        for part, (x, y) in parts.items()
    }


def svhn():
    expected = {}
    for name, compressed in [("plain", False), ("compressed", True)]:
        images = rng.integers(0, 4, (32, 32, 3, 3), np.uint8) * 80
        labels = np.array([[1], [10], [9]], np.uint8)
        savemat(folder / f"{name}.mat", {"X": images, "y": labels}, do_compression=compressed)
        expected[name] = {
            "images": packed(images.transpose(3, 0, 1, 2)), "labels": packed(labels % 10)}
    return expected


def emnist():
    expected = {}
    with zipfile.ZipFile(folder / "emnist.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for part, count in [("train", 3), ("test", 2)]:
            images = rng.integers(0, 256, (count, 28, 28), np.uint8)
            labels = rng.integers(1, 27, count)
            header = np.array([count, 28, 28], ">i4").tobytes()
            for kind, content in [
                ("images-idx3", b"\0\0\x08\x03" + header + images.tobytes()),
                ("labels-idx1", b"\0\0\x08\x01" + header[:4] + bytes(labels.tolist())),
            ]:
                name = f"gzip/emnist-letters-{part}-{kind}-ubyte.gz"
                archive.writestr(name, gzip.compress(content, mtime=0))
            # As torchvision's and everybody's remedy for the turned images.
            expected[part] = {
                "images": packed(images.transpose(0, 2, 1)), "labels": packed(labels - 1)}
    return expected


def usps():
    labels = [1, 10, 5]
    values = np.round(rng.uniform(-1, 1, (3, 256)), 6)
    values[0, :3] = [-1, 1, 0]
    lines = [
        " ".join([str(label)] + [f"{i + 1}:{v:.6g}" for i, v in enumerate(row)])
        for label, row in zip(labels, values)
    ]
    (folder / "usps.bz2").write_bytes(bz2.compress(("\n".join(lines) + "\n").encode()))
    # torchvision.datasets.USPS, word for word.
    raw = [line.split() for line in lines]
    text = [[x.split(":")[-1] for x in data[1:]] for data in raw]
    images = np.asarray(text, dtype=np.float32).reshape((-1, 16, 16))
    images = ((images + 1) / 2 * 255).astype(dtype=np.uint8)
    return {"images": packed(images), "labels": packed(np.array(labels) - 1)}


def main():
    expected = {
        "versions": {
            "numpy": np.__version__, "pillow": PIL.__version__, "scipy": scipy.__version__,
            "libjpeg_turbo": features.version("libjpeg_turbo"),
        },
        "arrays": arrays(),
        "pictures": pictures(),
        "resizing": resizing(),
        "cifar10": cifar(
            "cifar10.tar.gz", 1, ["data_batch_2.bin", "test_batch.bin", "data_batch_1.bin"], 10),
        "cifar100": cifar("cifar100.tar.gz", 2, ["test.bin", "train.bin"], 100),
        "svhn": svhn(),
        "emnist": emnist(),
        "usps": usps(),
    }
    # The batches are put in the order of their names.
    train = expected["cifar10"]["train"]
    for key in train:
        raw = base64.b64decode(train[key]["bytes"])
        half = len(raw) // 2
        train[key]["bytes"] = base64.b64encode(raw[half:] + raw[:half]).decode()
    (here / "formats.json").write_text(json.dumps(expected, indent=1) + "\n")


main()
